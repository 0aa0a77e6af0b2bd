import { spawn } from 'node:child_process';
import { failureLine } from './failure-line.ts';
import type { HarnessCommand } from './harnesses.ts';

/** A harness run on a mutant. */
export interface Trial {
  /** `broken`: the harness could not do its work (exit code 2), which says nothing of the mutant. */
  readonly end: 'caught' | 'silent' | 'broken';
  readonly seconds: number;
  /** The first line that tells what was found; the last one where nothing was. */
  readonly told: string;
  /** What it wrote, the middle left out where that is much. */
  readonly output: string;
}

/** Of the output so much is kept of its beginning and of its end. */
const outputCharsMax = 1024 * 1024;
/** A harness that has not ended after this many budgets stands still, however busy the machine: a bug too. */
const budgetsMax = 5;
const graceSeconds = 120;

export function runTrial(
  folder: string,
  { argv, env, failure }: HarnessCommand,
  budgetSeconds: number,
): Promise<Trial> {
  const started = process.hrtime.bigint();
  const [program = '', ...rest] = argv;
  const limitSeconds = budgetsMax * budgetSeconds + graceSeconds;
  return new Promise((resolve) => {
    // A group of its own, so that members which a harness has started end with it.
    const child = spawn(program, rest, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, FORCE_COLOR: '0' },
    });
    const endGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    };
    let head = '';
    let tail = '';
    let isOverdue = false;
    let hasTold = false;
    const take = (chunk: string): void => {
      if (head.length < outputCharsMax) head += chunk;
      else tail = (tail + chunk).slice(-outputCharsMax);
      if (hasTold || failure?.test(head) !== true) return;
      hasTold = true;
      endGroup();
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
    process.once('exit', endGroup);
    const timer = setTimeout(() => {
      isOverdue = true;
      endGroup();
    }, limitSeconds * 1000);
    const end = (status: number | null, error?: Error): void => {
      clearTimeout(timer);
      process.off('exit', endGroup);
      endGroup();
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      const output = error === undefined ? head + tail : `${error.message}\n`;
      const told = isOverdue ? `did not end within ${limitSeconds} s` : failureLine(output);
      const code = error === undefined ? status : brokenCode;
      const isCaught = isOverdue || hasTold;
      resolve({ end: isCaught ? 'caught' : endOf(code), seconds, told, output });
    };
    child.on('error', (error) => end(null, error));
    child.on('close', (status) => end(status));
  });
}

const brokenCode = 2;

function endOf(status: number | null): Trial['end'] {
  if (status === 0) return 'silent';
  return status === brokenCode ? 'broken' : 'caught';
}
