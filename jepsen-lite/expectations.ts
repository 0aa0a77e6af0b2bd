import type { History, Verdict } from './types.ts';

/** What is known to go wrong by design, as data: it is shown, and is no failure. */
export interface Expectation {
  readonly workload: string;
  /** Undefined: under any. */
  readonly nemesis?: string;
  readonly checker: string;
  /** Undefined: of any store. */
  readonly target?: History['target'];
  /** Names of what is found then; with anything else beside it the run fails. Undefined: whatever is found. */
  readonly anomalies?: readonly string[];
  /** For the report: why nobody can do better. */
  readonly why: string;
}

export const expectations: readonly Expectation[] = [
  {
    workload: 'lease',
    checker: 'lease',
    target: 'etcd',
    anomalies: ['early expiry'],
    why:
      'a real etcd carries out what a leader decided before it lost its term: a lease that had run out for one ' +
      'that stood still ends, although a later leader has kept it alive since (etcd issue 15247).',
  },
];

export function expectationOf(
  run: Pick<History, 'workload' | 'nemesis' | 'target'>,
  verdict: Verdict,
  known: readonly Expectation[] = expectations,
): Expectation | undefined {
  if (verdict.result !== 'invalid') return undefined;
  return known.find(
    ({ workload, nemesis = run.nemesis, checker, target = run.target, anomalies }) =>
      workload === run.workload &&
      nemesis === run.nemesis &&
      target === run.target &&
      checker === verdict.checker &&
      (anomalies === undefined || verdict.anomalies.every(({ name }) => anomalies.includes(name))),
  );
}
