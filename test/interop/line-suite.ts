import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { guarded } from '../members/member.ts';
import type { Report } from './report.ts';

/** What a suite may ask its starter to do to the cluster. */
export type Requests = Readonly<Record<string, () => Promise<void>>>;

export interface LineSuiteOptions {
  readonly requests?: Requests;
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a suite that is a program of its own: it prints "ok NAME", "not ok NAME -- WHY" or "ask WHAT" on a line
 * each, and gets a line back once what it asked for is done.
 */
export async function runLineSuite(
  command: readonly string[],
  label: string,
  report: Report,
  { requests = {}, env = {} }: LineSuiteOptions = {},
): Promise<void> {
  const [executable, ...args] = command;
  const stdio = ['pipe', 'pipe', 'inherit'] as const;
  const spawned = spawn(executable as string, args, {
    stdio: [...stdio],
    env: { ...process.env, ...env },
  });
  const child = guarded(spawned);
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  const before = report.failed;
  for await (const line of createInterface({ input: child.stdout })) {
    const asked = /^ask (.*)$/.exec(line)?.[1];
    if (asked !== undefined) {
      await requests[asked]?.();
      child.stdin.write('done\n');
    } else noteLine(line, label, report);
  }
  const code = await ended;
  // A suite that fails a check ends with 1; one that ends so without having said why has broken down.
  if (code !== 0 && report.failed === before) report.note(label, `ended with code ${code}`);
}

function noteLine(line: string, label: string, report: Report): void {
  const passed = /^ok (.*)$/.exec(line)?.[1];
  const [, failed, why] = /^not ok (.*?) -- (.*)$/.exec(line) ?? [];
  if (passed !== undefined) report.note(`${label}: ${passed}`, undefined);
  else if (failed !== undefined) report.note(`${label}: ${failed}`, why);
  else console.log(`         ${line}`);
}
