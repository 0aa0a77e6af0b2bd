import { formatTable } from '../bench/table.ts';
import type { Trial } from './trial.ts';

/** What became of one mutant, or of the source as it is. */
export interface Row {
  readonly name: string;
  readonly isControl: boolean;
  readonly trials: readonly NamedTrial[];
  /** Why it could not be tried. */
  readonly broken?: string;
}

export interface NamedTrial extends Trial {
  readonly harness: string;
}

export const tableHead = ['mutant', 'caught by', 'after', 'how it was told', 'silent'] as const;

/** A mutant passes when a harness found it, the source as it is when none found anything. */
export function hasPassed({ isControl, trials, broken }: Row): boolean {
  return broken === undefined && trials.some(({ isCaught }) => isCaught) !== isControl;
}

export function cellsOf({ name, isControl, trials, broken }: Row): readonly string[] {
  const caught = trials.filter(({ isCaught }) => isCaught);
  const silent = trials.filter(({ isCaught }) => !isCaught).map(describeTrial);
  const by = caught.map(({ harness }) => harness).join(', ');
  const after = caught.map(({ seconds }) => `${seconds.toFixed(0)} s`).join(', ');
  const told = broken ?? caught[0]?.told ?? '';
  const nobody = isControl ? '-' : 'NOTHING';
  return [name, by === '' ? nobody : by, after, told, silent.join(', ')];
}

function describeTrial({ harness, seconds }: NamedTrial): string {
  return `${harness} ${seconds.toFixed(0)} s`;
}

export function describeRow(row: Row): string {
  const [name = '', by = '', after = '', told = ''] = cellsOf(row);
  const mark = hasPassed(row) ? '✔' : '✘';
  return [mark, `${name}:`, by, after, told].filter((text) => text !== '').join(' ');
}

/** The table, and who escaped; the last line counts. */
export function describeRows(rows: readonly Row[]): string {
  const failed = rows.filter((row) => !hasPassed(row));
  const lines = [formatTable(tableHead, rows.map(cellsOf), tableHead.length)];
  for (const { name, isControl } of failed) {
    lines.push(
      isControl
        ? 'A harness fails on the source as it is: what it says of mutants means nothing.'
        : `Nothing caught ${name}: a harness has a hole there.`,
    );
  }
  return [...lines, `${rows.length - failed.length} passed, ${failed.length} failed`].join('\n');
}
