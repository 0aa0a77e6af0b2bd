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

/** A mutant passes when a harness found it, the source as it is when none found anything; a broken harness never. */
export function hasPassed({ isControl, trials, broken }: Row): boolean {
  if (broken !== undefined || trials.some(({ end }) => end === 'broken')) return false;
  return trials.some(({ end }) => end === 'caught') !== isControl;
}

export function cellsOf({ name, isControl, trials, broken }: Row): readonly string[] {
  const caught = trials.filter(({ end }) => end === 'caught');
  const silent = trials.filter(({ end }) => end !== 'caught').map(describeTrial);
  const by = caught.map(({ harness }) => harness).join(', ');
  const after = caught.map(({ seconds }) => `${seconds.toFixed(0)} s`).join(', ');
  const told = broken ?? caught[0]?.told ?? '';
  const nobody = isControl ? '-' : 'NOTHING';
  return [name, by === '' ? nobody : by, after, told, silent.join(', ')];
}

function describeTrial({ harness, seconds, end, told }: NamedTrial): string {
  return `${harness} ${seconds.toFixed(0)} s${end === 'broken' ? `: broken, ${told}` : ''}`;
}

export function describeRow(row: Row): string {
  const [name = '', by = '', after = '', told = '', silent = ''] = cellsOf(row);
  const mark = hasPassed(row) ? '✔' : '✘';
  const rest = silent === '' ? '' : `(silent: ${silent})`;
  return [mark, `${name}:`, by, after, told, rest].filter((text) => text !== '').join(' ');
}

/** The table, and who escaped; the last line counts. */
export function describeRows(rows: readonly Row[]): string {
  const failed = rows.filter((row) => !hasPassed(row));
  const lines = [formatTable(tableHead, rows.map(cellsOf), tableHead.length)];
  for (const { name, isControl } of failed) {
    lines.push(
      isControl
        ? 'A harness fails on the source as it is: what it says of mutants means nothing.'
        : `${name} was not caught, or not by a harness that works: there is a hole.`,
    );
  }
  return [...lines, `${rows.length - failed.length} passed, ${failed.length} failed`].join('\n');
}
