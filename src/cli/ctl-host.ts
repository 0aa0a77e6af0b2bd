import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { overGrpcJs } from '../client/connect.ts';
import { inputFrom } from './ctl/input.ts';
import { runCtl } from './ctl/main.ts';
import type { ProgramEnd } from './ctl/program-end.ts';

/** Runs one command of the control tool on this process, and returns its exit code once all output is out. */
export async function runCtlHere(program: string, args: readonly string[]): Promise<number> {
  const exitCode = await runCtl({
    program,
    args,
    environment: process.env,
    input: inputFrom(process.stdin),
    ...overGrpcJs,
    writeOut: (bytes) => void process.stdout.write(bytes),
    writeErr: (text) => void process.stderr.write(text),
    sleep: (durationMs) => new Promise((resume) => setTimeout(resume, durationMs)),
    runProgram,
    onInterrupt: (listener) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, listener);
    },
  });
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  return exitCode;
}

function runProgram(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...variables };
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
    child.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
      resolve({ type: 'notStarted', code }),
    );
    child.once('exit', (code, signal) =>
      resolve(signal === null ? { type: 'exited', code: code ?? 0 } : { type: 'killed', signal }),
    );
  });
}
