import { judgeEnding } from './ending.ts';
import { expectationOf } from './expectations.ts';
import type { StoredRun } from './history-file.ts';
import type { Checker, History, Verdict } from './types.ts';

export interface JudgedVerdict extends Verdict {
  /** Why this is known to go wrong; undefined: it is not. */
  readonly expected?: string;
}

/** failed: something is wrong that should not be. unknown: a checker gave up, or there was too little to judge. */
export type RunResult = 'passed' | 'failed' | 'unknown';

export interface Judgement {
  readonly result: RunResult;
  readonly verdicts: readonly JudgedVerdict[];
}

/** Below so many operations that happened nothing is said about a workload. */
const operationsLeast = 10;

/** Pure: a stored run is judged as it was. */
export function judge(run: StoredRun, checkers: readonly Checker[]): Judgement {
  const { history, ending } = run;
  const verdicts = [
    judgeActivity(history),
    ...checkers.map((checker) => checker.check(history)),
    ...(ending === undefined ? [cutOff] : judgeEnding(ending)),
  ].map((verdict): JudgedVerdict => {
    const expectation = expectationOf(history, verdict);
    return expectation === undefined ? verdict : { ...verdict, expected: expectation.why };
  });
  return { result: resultOf(verdicts), verdicts };
}

function resultOf(verdicts: readonly JudgedVerdict[]): RunResult {
  if (verdicts.some(({ result, expected }) => result === 'invalid' && expected === undefined)) {
    return 'failed';
  }
  return verdicts.some(({ result }) => result === 'unknown') ? 'unknown' : 'passed';
}

/** Shows that something was judged at all. */
function judgeActivity({ operations, events }: History): Verdict {
  const count = (outcome: string): number =>
    operations.filter((operation) => operation.outcome === outcome).length;
  const counts = {
    operations: operations.length,
    ok: count('ok'),
    fail: count('fail'),
    info: count('info'),
    'faults of the nemesis': events.length,
  };
  const result = counts.ok < operationsLeast ? 'unknown' : 'valid';
  return { checker: 'clients got through', result, anomalies: [], counts };
}

const cutOff: Verdict = {
  checker: 'members at the end',
  result: 'unknown',
  anomalies: [],
  counts: { 'the run was cut off': 1 },
};
