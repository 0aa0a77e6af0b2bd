import type { Row } from './rows.ts';
import type { Measurement } from './run.ts';
import { present, ratiosOf, spreadOf, type Round, type Spread } from './statistics.ts';

/** A row with what was measured for it. */
export interface RowResult {
  readonly row: Row;
  readonly rounds: readonly Round[];
  readonly etcd: Spread | undefined;
  readonly quorate: Spread | undefined;
  /** Of quorate to etcd in the same round. */
  readonly ratio: Spread | undefined;
  /** By the median; undefined where nothing was measured that could tell. */
  readonly isReached: boolean | undefined;
  readonly notes: readonly string[];
}

/** The rows for which something was run. */
export function resultsOf(
  rows: readonly Row[],
  measurements: readonly Measurement[],
): readonly RowResult[] {
  return rows.flatMap((row) => {
    const own = measurements.filter(({ experiment }) => experiment === row.experiment);
    return own.length === 0 ? [] : [resultOf(row, own)];
  });
}

function resultOf(row: Row, measurements: readonly Measurement[]): RowResult {
  const figure = (system: string, round: number): number | undefined =>
    measurements.find((each) => each.system === system && each.round === round)?.figures[
      row.figure
    ];
  const numbers = [...new Set(measurements.map(({ round }) => round))];
  const rounds = numbers.map((round) => ({
    etcd: figure('etcd', round),
    quorate: figure('quorate', round),
  }));
  const ratio = spreadOf(ratiosOf(rounds));
  const quorate = spreadOf(present(rounds.map((round) => round.quorate)));
  const judged = row.goal?.of === 'ratio' ? ratio : quorate;
  return {
    row,
    rounds,
    etcd: spreadOf(present(rounds.map((round) => round.etcd))),
    quorate,
    ratio,
    isReached: isReached(row, judged?.median),
    notes: measurements.flatMap(({ system, round, notes }) =>
      notes.map((note) => `${system}, round ${round}: ${note}`),
    ),
  };
}

/** To two figures, as the goals are written: 1.96 reaches 2. */
function isReached(row: Row, value: number | undefined): boolean | undefined {
  if (value === undefined || row.goal === undefined) return undefined;
  const rounded = Number(value.toPrecision(2));
  return row.better === 'higher' ? rounded >= row.goal.value : rounded <= row.goal.value;
}
