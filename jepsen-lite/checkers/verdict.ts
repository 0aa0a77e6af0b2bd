import type { Anomaly, History, Operation, Verdict } from '../types.ts';

/** What every checker's verdict has in common. */

/** Of each kind, so many are shown; all are counted. */
export const shownMax = 10;
/** So many are remembered by their operations alone, to say how far it reaches. */
const casesMax = 20_000;
/** A run in which less was answered has judged nothing. */
export const judgedMin = 10;

/** Stands for the member of what no single one was asked. */
export const anyMember = 'any';

export class Findings {
  readonly anomalies: Anomaly[] = [];
  /** All of them, those not shown included. */
  readonly cases: Pick<Anomaly, 'name' | 'operations'>[] = [];
  private readonly byName = new Map<string, number>();

  add(name: string, what: string, operations: readonly (number | undefined)[]): void {
    const count = (this.byName.get(name) ?? 0) + 1;
    this.byName.set(name, count);
    const indexes = [...new Set(operations)].filter((index) => index !== undefined);
    if (this.cases.length < casesMax) this.cases.push({ name, operations: indexes });
    if (count > shownMax) return;
    this.anomalies.push({ name, what, operations: indexes });
  }

  /** How often each was found, those not shown included. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.byName].map(([name, count]) => [`anomaly: ${name}`, count]));
  }
}

/** `judged` counts what the verdict rests on: with too little of it, it says nothing. */
export function verdictOf(
  checker: string,
  findings: Findings,
  {
    judged,
    isComplete = true,
    counts,
  }: {
    readonly judged: number;
    readonly isComplete?: boolean;
    readonly counts: Readonly<Record<string, number>>;
  },
): Verdict {
  const isJudged = judged >= judgedMin && isComplete;
  const result = findings.anomalies.length > 0 ? 'invalid' : isJudged ? 'valid' : 'unknown';
  return {
    checker,
    result,
    anomalies: findings.anomalies,
    cases: findings.cases,
    counts: { ...counts, ...findings.counts },
  };
}

/** Operations of clients, by outcome. */
export function countOutcomes(operations: readonly Operation[]): Record<string, number> {
  const counts = { ok: 0, fail: 0, info: 0 };
  for (const { outcome } of operations) counts[outcome]++;
  return counts;
}

/** When it was over; what never ended, or ended in doubt, may go on for ever. */
export function endOf({ outcome, endUs }: Operation): number {
  return outcome === 'info' || endUs === undefined ? Infinity : endUs;
}

/** For sentences: `operation #17 (put of client 3 at n1)`. */
export function describeOperation({ index, process, member, f }: Operation): string {
  return `operation #${index} (${f} of client ${process} at ${member})`;
}

export function operationsOf(history: History, f: string): readonly Operation[] {
  return history.operations.filter((operation) => operation.f === f);
}

/** From the start of the test. */
export function formatSeconds(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}
