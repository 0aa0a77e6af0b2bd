import { once } from 'node:events';
import { overGrpcJs } from '../client/connect.ts';
import { inputFrom } from './ctl/input.ts';
import { runCtl } from './ctl/main.ts';

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
  });
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  return exitCode;
}
