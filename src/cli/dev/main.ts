import { mkdirSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DevCluster } from './cluster.ts';
import { ctlCommand } from './member-process.ts';
import { planMembers, type PlannedMember } from './plan.ts';
import { findTakenPort, type TakenPort } from './ports.ts';
import { createScreen, type Screen } from './screen.ts';

const usage = `Usage: quorate dev [options]

Runs a cluster of three members on this machine until Ctrl-C, and keeps its data for the next time.

Options:
  --reset            delete the data of the three members first
  --data <folder>    where their data and logs are (data)
  --port-offset <n>  add this to all ports, which are 2379, 22379, 32379 and the ones after them
`;

interface DevOptions {
  readonly dataRoot: string;
  readonly portOffset: number;
  readonly reset: boolean;
}

/**
 * Signals closer together than this are one: npm passes Ctrl-C on to a process that the terminal
 * sends it to as well.
 */
const sameSignalMs = 500;

export async function runDev(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(`Error: ${options}\n${usage}`);
    return 1;
  }
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const screen = createScreen({
    styled: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    write: (text) => void process.stdout.write(text),
    ctl: ctlCommand(),
  });
  const plans = planMembers(options.dataRoot, options.portOffset);
  const taken = await findTakenPort(plans);
  if (taken !== undefined) {
    process.stderr.write(`Error: ${describeTaken(taken)}; nothing was started\n`);
    return 1;
  }
  if (options.reset) reset(plans, screen);
  mkdirSync(options.dataRoot, { recursive: true, mode: 0o700 });
  return runCluster(plans, options.dataRoot, screen);
}

/** Undefined asks for the usage; a text says what is wrong. */
function parseOptions(args: readonly string[]): DevOptions | string | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        reset: { type: 'boolean', default: false },
        data: { type: 'string', default: 'data' },
        'port-offset': { type: 'string', default: '0' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return undefined;
    const portOffset = Number(values['port-offset']);
    const highest = 32_380 + portOffset;
    if (!Number.isInteger(portOffset) || highest > 65_535 || 2379 + portOffset < 1) {
      return `--port-offset ${values['port-offset']} leaves the range of ports`;
    }
    return { dataRoot: resolve(values.data), portOffset, reset: values.reset };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function describeTaken({ port, name, reason }: TakenPort): string {
  if (reason !== 'EADDRINUSE') return `port ${port} cannot be used (${reason})`;
  return (
    `port ${port} is taken, by another cluster or perhaps by ${name} that was brought back by hand ` +
    '(stop it, or move all ports with --port-offset)'
  );
}

/** Deletes what `dev` itself has made in the folder, and nothing else. */
function reset(plans: readonly PlannedMember[], screen: Screen): void {
  for (const { dataDir, logFile } of plans) {
    rmSync(dataDir, { recursive: true, force: true });
    rmSync(logFile, { force: true });
  }
  screen.say('The data of all three members is deleted.');
}

async function runCluster(
  plans: readonly PlannedMember[],
  dataRoot: string,
  screen: Screen,
): Promise<number> {
  const cluster = new DevCluster(plans, screen);
  const fromHere = relative(process.cwd(), dataRoot);
  screen.starting(cluster.members(), fromHere.startsWith('..') ? dataRoot : fromHere || '.');
  let stoppedAtMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    if (stoppedAtMs === undefined) {
      stoppedAtMs = nowMs;
      screen.say('\nStopping all members; Ctrl-C again kills them.');
      cluster.signal('SIGTERM');
    } else if (nowMs - stoppedAtMs > sameSignalMs) {
      screen.say('Killing them.');
      cluster.signal('SIGKILL');
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const allStoppedWell = await cluster.watch();
  if (stoppedAtMs === undefined) {
    screen.say('All members are gone.');
    return 1;
  }
  screen.say('All members started here have stopped; their data is kept.');
  return allStoppedWell ? 0 : 1;
}
