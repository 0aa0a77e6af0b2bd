import type { Verdict } from './types.ts';

/** What is known to go wrong by design, as data: it is shown, and is no failure. */
export interface Expectation {
  readonly workload: string;
  /** Undefined: under any. */
  readonly nemesis?: string;
  readonly checker: string;
  /** For the report: why nobody can do better. */
  readonly why: string;
}

export const expectations: readonly Expectation[] = [];

export function expectationOf(
  run: { readonly workload: string; readonly nemesis: string },
  verdict: Verdict,
  known: readonly Expectation[] = expectations,
): Expectation | undefined {
  if (verdict.result !== 'invalid') return undefined;
  return known.find(
    ({ workload, nemesis = run.nemesis, checker }) =>
      workload === run.workload && nemesis === run.nemesis && checker === verdict.checker,
  );
}
