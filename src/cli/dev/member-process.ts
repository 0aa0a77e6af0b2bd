import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopWithParentVariable } from '../server.ts';
import { formatShellCommand, type PlannedMember } from './plan.ts';

/** How a member's process ended. */
export interface MemberExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last words of its log, when they tell why. */
  readonly reason: string | undefined;
  /** Its data dir is not what the cluster knows it by: started again, it would end again. */
  readonly hasLostData: boolean;
}

export interface MemberProcess {
  readonly plan: PlannedMember;
  readonly pid: number;
  readonly exited: Promise<MemberExit>;
  kill(signal: NodeJS.Signals): void;
}

const entry = fileURLToPath(new URL('../main.cjs', import.meta.url));

/** The command that starts this member again, from any folder. */
export function restartCommand(plan: PlannedMember): string {
  return formatShellCommand(['node', entry, 'server', ...plan.flags]);
}

/** The control tool as it is called from this folder: by name where npx finds it, else by path. */
export function ctlCommand(): string {
  const isOwnFolder = resolve('dist/src/cli/main.cjs') === entry;
  if (isOwnFolder || existsSync('node_modules/.bin/quorate')) return 'npx quorate ctl';
  return formatShellCommand(['node', entry, 'ctl']);
}

/**
 * Starts a member as a process of its own, in a process group of its own: Ctrl-C in the terminal then reaches us
 * alone, and we stop the members in good order.
 */
export function startMember(plan: PlannedMember): MemberProcess {
  const log = openSync(plan.logFile, 'a');
  const logStart = fstatSync(log).size;
  const child = spawn(process.execPath, [entry, 'server', ...plan.flags], {
    detached: true,
    stdio: ['pipe', 'ignore', log],
    env: { ...environmentWithoutOptions(), [stopWithParentVariable]: '1' },
  });
  const exited = new Promise<MemberExit>((resolve) => {
    child.once('error', (error) => {
      resolve({ code: null, signal: null, reason: error.message, hasLostData: false });
    });
    child.once('exit', (code, signal) => {
      const reason = readReason(plan.logFile, logStart);
      resolve({ code, signal, reason, hasLostData: lostData.test(reason ?? '') });
    });
  });
  void exited.then(() => closeSync(log));
  // The member may be gone before its end of the pipe is closed.
  child.stdin?.on('error', () => undefined);
  return { plan, pid: child.pid ?? 0, exited, kill: (signal) => void child.kill(signal) };
}

/** `ETCD_*` variables are for a server that someone starts, not for these three. */
function environmentWithoutOptions(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'));
  return Object.fromEntries(kept);
}

/** How a refused member words it (peer/handshake.ts), and one that finds it by itself (embed/data-dir.ts). */
const lostData =
  /has another data dir than|has already been bootstrapped|has run already|has lost what it had acknowledged/;

/** Enough for a stack trace and the line before it. */
const tailBytes = 16 * 1024;

/** What the log says last as an error: the `error` of a fatal line, or the first line of a stack trace. */
function readReason(logFile: string, start: number): string | undefined {
  const lines = readTail(logFile, start)
    .split('\n')
    .filter((line) => line !== '');
  for (const line of lines.toReversed()) {
    const logged = parseLine(line);
    if (logged === undefined) {
      if (/^\w*Error\b/.test(line)) return line;
    } else if (logged.level === 'fatal') {
      return [logged.msg, logged.error, logged.remedy].filter(Boolean).join(': ');
    }
  }
  return undefined;
}

function readTail(logFile: string, start: number): string {
  const file = openSync(logFile, 'r');
  const { size } = fstatSync(file);
  const from = Math.max(start, size - tailBytes);
  const buffer = Buffer.alloc(Math.max(0, size - from));
  readSync(file, buffer, 0, buffer.length, from);
  closeSync(file);
  return buffer.toString('utf8');
}

interface LoggedLine {
  readonly level?: string;
  readonly msg?: string;
  readonly error?: string;
  readonly remedy?: string;
}

function parseLine(line: string): LoggedLine | undefined {
  try {
    return JSON.parse(line) as LoggedLine;
  } catch {
    // A line that is no JSON comes from Node itself.
    return undefined;
  }
}
