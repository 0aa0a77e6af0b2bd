import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program as its users start it: a process of its own, with nothing in its environment but PATH. */

export const launcherOf = (name: 'etcd' | 'etcdctl' | 'quorate'): string =>
  fileURLToPath(new URL(`../../../scripts/bin/${name}`, import.meta.url));

export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when what it has printed so far matches. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function startProgram(
  name: 'etcd' | 'etcdctl' | 'quorate',
  args: readonly string[],
  options: ProgramOptions = {},
): Program {
  const child = spawn(process.execPath, [launcherOf(name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.environment },
  });
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    changed();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    changed();
  });
  const exited = new Promise<{ readonly code: number | null; readonly signal: string | null }>(
    (resolve) => child.once('close', (code, signal) => resolve({ code, signal })),
  );
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => out,
    stderr: () => err,
    exited,
    until: (pattern, timeoutMs = 15_000) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(`${out}${err}`);
          if (match === null) return;
          done();
          resolve(match);
        };
        const giveUp = (why: string): void => {
          done();
          reject(new Error(`${why} before ${String(pattern)}:\n${out}\n${err}`));
        };
        const timer = setTimeout(() => giveUp('no time left'), timeoutMs);
        const done = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        listeners.add(look);
        void exited.then(() => {
          if (listeners.has(look)) giveUp('the program ended');
        });
        look();
      }),
  };
}

/** Runs the program to its end. */
export async function runProgram(
  name: 'etcd' | 'etcdctl' | 'quorate',
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const program = startProgram(name, args, options);
  const { code } = await program.exited;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}
