/** Ratios of two systems measured in turn: only what was measured in the same round is compared. */

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** One round: what each system showed, undefined where it could not be measured. */
export interface Round {
  readonly etcd: number | undefined;
  readonly quorate: number | undefined;
}

/** Undefined without values. The median of an even count is the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || upper === undefined || lower === undefined) {
    return undefined;
  }
  return { min, median: (lower + upper) / 2, max };
}

/** quorate to etcd, round by round; rounds in which one is missing, or etcd shows nothing, are left out. */
export function ratiosOf(rounds: readonly Round[]): readonly number[] {
  return rounds.flatMap(({ etcd, quorate }) =>
    etcd === undefined || quorate === undefined || etcd <= 0 ? [] : [quorate / etcd],
  );
}

export function present(values: readonly (number | undefined)[]): readonly number[] {
  return values.filter((value) => value !== undefined);
}
