import type { Judgement } from './judge.ts';

/** What a run says on the terminal, and how runs are counted. */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Nothing wrong was found, but not everything could be judged. */
  readonly unknown: number;
  /** Tests that the harness itself could not do. */
  readonly broken: number;
}

export const nothing: Tally = { passed: 0, failed: 0, unknown: 0, broken: 0 };

export function added(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    unknown: a.unknown + b.unknown,
    broken: a.broken + b.broken,
  };
}

export function tallyOf({ result }: Judgement): Tally {
  return { ...nothing, [result]: 1 };
}

/** Where the world is one in which no store can be right, to have found that is to pass. */
export function tallyOfMustFail({ result }: Judgement): Tally {
  const isFound = result === 'failed';
  console.log(isFound ? 'found, as it had to be' : 'NOT FOUND: the harness is blind to it');
  return { ...nothing, passed: isFound ? 1 : 0, failed: isFound ? 0 : 1 };
}

const anomaliesShownMax = 3;

export function say({ result, verdicts }: Judgement, report: string): void {
  for (const { checker, result: each, anomalies, counts, expected, note } of verdicts) {
    const numbers = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    console.log(`  ${each.padEnd(8)}${checker} (${numbers.join(', ')})`);
    for (const { name, what } of anomalies.slice(0, anomaliesShownMax)) {
      console.log(`           ${name}: ${what}`);
    }
    if (note !== undefined) console.log(`           ${note}`);
    if (expected !== undefined) console.log(`           expected: ${expected}`);
  }
  console.log(`${result}: ${report}`);
}

const exitFailed = 1;
const exitBroken = 2;

/** Says the last line and answers the exit code. A test of which nobody knows is no pass. */
export function summed({ passed, failed, unknown, broken }: Tally): number {
  if (unknown > 0) console.log(`${unknown} of which not everything could be judged: no pass`);
  if (broken > 0) console.log(`${broken} in which the harness itself failed`);
  const notPassed = failed + unknown + broken;
  console.log(`${passed} passed, ${notPassed} failed`);
  if (broken > 0) return exitBroken;
  return notPassed > 0 ? exitFailed : 0;
}
