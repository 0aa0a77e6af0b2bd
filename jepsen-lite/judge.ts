import { acknowledged } from './checkers/acknowledged.ts';
import { answerOf } from './client/requests.ts';
import { judgeEnding } from './ending.ts';
import { expectationOf } from './expectations.ts';
import type { StoredRun } from './history-file.ts';
import type { Checker, History, SecondTry, Verdict } from './types.ts';

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

/** Why a test is worth a second try: only limits of time were exceeded, or too little could be judged. */
export function slownessIn({ result, verdicts }: Judgement): string | undefined {
  if (result === 'passed') return undefined;
  const open = verdicts.filter((each) => each.result !== 'valid' && each.expected === undefined);
  const found = open.flatMap(({ anomalies }) => anomalies);
  if (found.some(({ isSlowness }) => isSlowness !== true)) return undefined;
  const told = open.map(({ checker, anomalies, note }) => {
    const what = anomalies[0]?.what ?? note ?? 'not everything could be judged';
    return `${checker}: ${what}`;
  });
  return told.join(' ');
}

/** Below so many operations that happened nothing is said about a workload. */
const operationsLeast = 10;

/** Pure: a stored run is judged as it was. */
export function judge(run: StoredRun, checkers: readonly Checker[]): Judgement {
  const { history, ending } = run;
  const verdicts = [
    judgeActivity(history),
    judgeNemesis(history),
    ...(history.secondTry === undefined ? [] : [secondTryOf(history.secondTry)]),
    ...[...checkers, acknowledged].map((checker) => checker.check(history)),
    ...(ending === undefined
      ? [cutOff]
      : judgeEnding(
          ending,
          history.events,
          history.secondTry?.patience ?? 1,
          acknowledgedMaxOf(history),
        )),
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

/** The highest revision that any client was told. */
function acknowledgedMaxOf({ operations }: History): number {
  return operations.reduce((most, each) => Math.max(most, answerOf(each)?.revision ?? 0), 0);
}

/** Shows that something was judged at all. */
function judgeActivity({ operations }: History): Verdict {
  const count = (outcome: string): number =>
    operations.filter((operation) => operation.outcome === outcome).length;
  const counts = {
    operations: operations.length,
    ok: count('ok'),
    fail: count('fail'),
    info: count('info'),
  };
  const result = counts.ok < operationsLeast ? 'unknown' : 'valid';
  return { checker: 'clients got through', result, anomalies: [], counts };
}

function secondTryOf({ patience, because }: SecondTry): Verdict {
  const note =
    `Every limit of time was ${patience} times as long, since the first try failed by limits of ` +
    `time alone, which a slow machine can do by itself: ${because}`;
  return { checker: 'second try', result: 'valid', anomalies: [], counts: { patience }, note };
}

/** A nemesis that did nothing has tested nothing, however many faults it began. */
function judgeNemesis({ nemesis, events }: History): Verdict {
  const idle = events.filter(({ nothing }) => nothing !== undefined);
  const counts = {
    faults: events.length - idle.length,
    'proven by what was seen of them': events.filter(({ proof }) => proof !== undefined).length,
    'came to nothing': idle.length,
  };
  const isIdle = nemesis !== 'none' && counts.faults === 0;
  const note = isIdle
    ? 'The nemesis did nothing' + (idle[0]?.nothing === undefined ? '.' : `: ${idle[0].nothing}.`)
    : undefined;
  return {
    checker: 'the nemesis was at work',
    result: isIdle ? 'unknown' : 'valid',
    anomalies: [],
    counts,
    ...(note === undefined ? {} : { note }),
  };
}

const cutOff: Verdict = {
  checker: 'members at the end',
  result: 'unknown',
  anomalies: [],
  counts: { 'the run was cut off': 1 },
};
