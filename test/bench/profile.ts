import { existsSync, mkdirSync, readFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { quorate, repositoryRoot, type Program } from '../members/programs.ts';
import { summarize, type CpuProfile, type ProfileSummary } from './cpu-profile.ts';
import { ensureLoadProgram, runLoad, startLoad, type LoadResult, type LoadWork } from './load.ts';
import { usageOf } from './proc.ts';
import { placeOf } from './source-place.ts';
import { formatTable } from './table.ts';
import { formatFigure, formatNumber } from './units.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Where the time of a member goes under a load:
 *
 *   npm run profile -- --work put --connections 64 --streams 16 --members 3 --member leader
 *
 * The profile itself stays, for DevTools or speedscope. With the profiler on everything is somewhat slower.
 */

const usage = `usage: npm run profile -- [--work put|range|...] [--connections C] [--streams S] [--members M]
                   [--member leader|follower] [--at leader|follower] [--keys N] [--value-bytes B]
                   [--watchers W] [--limit L] [--seconds S] [--top N] [--out FOLDER]
                   [--quorate-flag F]...
  --work: put, range, range-serializable, txn-update, range-page, paging, count, range-all, watch, watch-idle,
          lease-keepalive, fill (see test/bench/load)
  --member: which one is profiled; --at: to which one the load goes`;

const profiler = join(repositoryRoot, 'dist/test/bench/profiler.cjs');
const profiledQuorate: Program = {
  label: quorate.label,
  command: [process.execPath, '--require', profiler, ...quorate.command.slice(1)],
};

const warmupMs = 3_000;
const writtenTimeoutMs = 60_000;
const fill = { connections: 8, streams: 2 };

type Arguments = ReturnType<typeof parse>;
type Role = 'leader' | 'follower';

function parse(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      work: { type: 'string', default: 'put' },
      connections: { type: 'string', default: '64' },
      streams: { type: 'string', default: '1' },
      members: { type: 'string', default: '3' },
      member: { type: 'string', default: 'leader' },
      at: { type: 'string', default: 'leader' },
      keys: { type: 'string', default: '10000' },
      'value-bytes': { type: 'string', default: '256' },
      watchers: { type: 'string' },
      limit: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      top: { type: 'string', default: '25' },
      'quorate-flag': { type: 'string', multiple: true, default: [] },
      out: { type: 'string', default: 'bench-results' },
    },
  });
  return {
    work: values.work as LoadWork,
    connections: number('connections', values.connections),
    streams: number('streams', values.streams),
    members: number('members', values.members),
    member: role('member', values.member),
    at: role('at', values.at),
    keys: number('keys', values.keys),
    valueBytes: number('value-bytes', values['value-bytes']),
    watchers: values.watchers === undefined ? undefined : number('watchers', values.watchers),
    limit: values.limit === undefined ? undefined : number('limit', values.limit),
    seconds: number('seconds', values.seconds),
    top: number('top', values.top),
    flags: values['quorate-flag'],
    out: values.out,
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`--${name}: a number above 0 is expected, not ${text}`);
  }
  return value;
}

function role(name: string, text: string): Role {
  if (text === 'leader' || text === 'follower') return text;
  throw new Error(`--${name}: leader or follower is expected, not ${text}`);
}

async function memberOf(cluster: Cluster, wanted: Role): Promise<Member> {
  const leader = await cluster.leader();
  if (wanted === 'leader') return leader;
  return cluster.members.find((member) => member !== leader) ?? leader;
}

interface Profiled {
  readonly profile: CpuProfile;
  readonly path: string;
  readonly result: LoadResult;
  /** Of the member that was profiled, all its threads. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function profiled(args: Arguments, cluster: Cluster): Promise<Profiled> {
  const { work, connections, streams, keys, valueBytes, watchers, limit } = args;
  const member = await memberOf(cluster, args.member);
  const endpoints = [(await memberOf(cluster, args.at)).target];
  // A transaction of as many as servers take.
  const batch = Math.max(1, Math.min(100, Math.floor(500_000 / valueBytes)));
  if (work !== 'fill') await runLoad({ work: 'fill', endpoints, keys, valueBytes, batch, ...fill });
  const durationMs = args.seconds * 1_000;
  const shape = { connections, streams, keys, valueBytes, warmupMs, durationMs };
  const run = startLoad({
    work,
    endpoints,
    ...shape,
    ...(watchers === undefined ? {} : { watchers }),
    ...(limit === undefined ? {} : { limit }),
  });
  const failed = run.result.then(() => undefined);
  await Promise.race([run.ready, failed]);
  await Promise.race([sleep(warmupMs), failed]);
  const pid = member.pid;
  if (pid === undefined) throw new Error(`${member.name} has ended:\n${member.tail}`);
  const before = usageOf(pid);
  const startedAtMs = performance.now();
  process.kill(pid, 'SIGUSR2');
  const result = await run.result;
  const cpuMs = usageOf(pid).cpuMs - before.cpuMs;
  const wallMs = performance.now() - startedAtMs;
  process.kill(pid, 'SIGUSR2');
  const path = await keep(`${member.settings.dataDir}.cpuprofile`, args);
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  return { profile, path, result, cpuMs, wallMs };
}

/** Waits for the member to have written it, and copies it out of the folder that goes with the cluster. */
async function keep(written: string, { out, work, member }: Arguments): Promise<string> {
  const deadline = performance.now() + writtenTimeoutMs;
  while (!existsSync(written)) {
    if (performance.now() > deadline) throw new Error('the profile was not written in time');
    await sleep(50);
  }
  mkdirSync(out, { recursive: true });
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-');
  const path = join(out, `${work}-${member}-${stamp}.cpuprofile`);
  copyFileSync(written, path);
  return path;
}

function print(args: Arguments, { result, cpuMs, wallMs, profile, path }: Profiled): void {
  const { operations, perSecond, latencyMs, errors } = result;
  const summary = summarize(profile);
  const each = (micros: number): string => formatFigure(micros / Math.max(operations, 1), 'us');
  const percent = (micros: number, of: number): string => `${((micros / of) * 100).toFixed(1)} %`;
  const all = summary.busyMicros + summary.idleMicros;
  console.log(
    `${args.work} at the ${args.at}, ${args.connections} connections x ${args.streams} streams, ` +
      `${args.members} members: ${formatFigure(perSecond, 'per second')}, ` +
      `p99 ${formatFigure(latencyMs.p99, 'ms')}, ${errors} errors`,
  );
  console.log(
    `the ${args.member}: CPU of all threads ${each(cpuMs * 1_000)} an operation ` +
      `(${percent(cpuMs, wallMs)} of a core), its event loop busy ` +
      `${each(summary.busyMicros)} (${percent(summary.busyMicros, all)} of the time)\n`,
  );
  console.log(partsTable(summary, each, percent));
  console.log(`\n${functionsTable(summary, args.top, each, percent)}`);
  console.log(`\nfor DevTools or speedscope: ${path}`);
  console.log(
    'busy is wall-clock time of the thread: on a shared machine it holds waiting for a core',
  );
}

type Each = (micros: number) => string;
type Percent = (micros: number, of: number) => string;

function partsTable({ parts, busyMicros }: ProfileSummary, each: Each, percent: Percent): string {
  return formatTable(
    ['part, self time', 'of busy', 'an operation'],
    parts.map(({ part, micros }) => [part, percent(micros, busyMicros), each(micros)]),
  );
}

function functionsTable(
  { functions, busyMicros }: ProfileSummary,
  top: number,
  each: Each,
  percent: Percent,
): string {
  return formatTable(
    ['function', 'where', 'of busy', 'an operation'],
    functions
      .slice(0, top)
      .map(({ frame, part, micros }) => [
        frame.functionName === '' ? '(anonymous)' : frame.functionName,
        placeOf(frame) || part,
        percent(micros, busyMicros),
        each(micros),
      ]),
    2,
  );
}

async function main(args: Arguments): Promise<void> {
  await ensureLoadProgram();
  const { members, flags } = args;
  console.log(`profiling: ${formatNumber(args.seconds)} s after ${warmupMs / 1_000} s of warm-up`);
  const cluster = await Cluster.start({ program: profiledQuorate, members, flags });
  try {
    print(args, await profiled(args, cluster));
  } finally {
    await cluster.destroy();
  }
}

function parseOrExplain(argv: readonly string[]): Arguments | undefined {
  try {
    return parse(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}

const argv = process.argv.slice(2);
const args = hasToldUsage(usage, argv) ? undefined : parseOrExplain(argv);
if (args !== undefined) await main(args);
