import { base64 } from '../../src/base/bytes.ts';
import type { ClientOptions } from '../../src/client/client.ts';
import { inputFrom } from '../../src/cli/ctl/input.ts';
import { runCtl } from '../../src/cli/ctl/main.ts';
import { spawn } from 'node:child_process';
import type { ProgramEnd } from '../../src/cli/ctl/program-end.ts';
import type { CtlCase } from './ctl-cases.ts';

/** What a command leaves behind. */
export interface CtlOutcome {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

export interface CtlRunOptions extends Pick<ClientOptions, 'openChannel' | 'probe'> {
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes the pauses that a command makes, instead of waiting them out. */
  readonly onSleep?: (durationMs: number) => void;
  /** Takes what interrupts the command, instead of the process's signals. */
  readonly onInterrupt?: (listener: () => void) => void;
}

/** Runs one command of ours inside this process. */
export async function runOurs(testCase: CtlCase, options: CtlRunOptions): Promise<CtlOutcome> {
  const out: Uint8Array[] = [];
  let stderr = '';
  const stdin = testCase.stdin;
  async function* input(): AsyncGenerator<Uint8Array> {
    if (stdin !== undefined) yield new TextEncoder().encode(stdin);
  }
  const exitCode = await runCtl({
    program: 'etcdctl',
    args: testCase.args,
    environment: options.environment ?? {},
    input: inputFrom(input()),
    openChannel: options.openChannel,
    probe: options.probe,
    writeOut: (bytes) => void out.push(bytes),
    writeErr: (text) => {
      stderr += text;
    },
    sleep: (durationMs) => {
      options.onSleep?.(durationMs);
      return Promise.resolve();
    },
    runProgram: async (words, variables) => {
      const { end, stdout } = await runCaptured(words, variables);
      out.push(stdout);
      return end;
    },
    onInterrupt: (listener) => options.onInterrupt?.(listener),
  });
  return { exitCode, stdout: Buffer.concat(out), stderr };
}

function runCaptured(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly end: ProgramEnd; readonly stdout: Uint8Array }> {
  return new Promise((resolve) => {
    const stdout: Buffer[] = [];
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...variables },
    });
    child.stdout.on('data', (chunk: Buffer) => void stdout.push(chunk));
    const finish = (end: ProgramEnd): void => resolve({ end, stdout: Buffer.concat(stdout) });
    child.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
      finish({ type: 'notStarted', code }),
    );
    child.once('close', (code, signal) =>
      finish(signal === null ? { type: 'exited', code: code ?? 0 } : { type: 'killed', signal }),
    );
  });
}

/** An outcome in a form that can be compared: times of health checks, usages and client logs left out. */
export function comparable(outcome: CtlOutcome): Readonly<Record<string, unknown>> {
  const text = Buffer.from(outcome.stdout).toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(outcome.stdout);
  return {
    exitCode: outcome.exitCode,
    stdout: isText ? withoutTimes(text) : { base64: base64(outcome.stdout) },
    stderr: firstLines(outcome.stderr),
  };
}

function withoutTimes(text: string): string {
  return text
    .replace(/took = \S+/g, 'took = TIME')
    .replace(/\. took \S+$/gm, '. took TIME')
    .replace(/"took":"[^"]+"/g, '"took":"TIME"')
    .replace(/"Took" : \S+/g, '"Took" : TIME');
}

/** etcdctl logs JSON lines of its client, and shows the usage after some errors: its words for it are its own. */
function firstLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !line.startsWith('{"level"'));
  return lines
    .join('\n')
    .replace(/^Usage:[^]*?(?=^Error:|(?![^]))/gm, '')
    .trimEnd();
}
