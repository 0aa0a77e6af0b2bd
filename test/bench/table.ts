import type { RowResult } from './results.ts';
import type { Goal, Row } from './rows.ts';
import type { Spread } from './statistics.ts';
import { formatFigure, formatNumber } from './units.ts';

/** Results as a table in Markdown, which reads well on a terminal too. */

export const tableHead = [
  'work',
  'etcd 3.7',
  'quorate',
  'ratio (min to max)',
  'goal',
  'reached',
] as const;

export function tableCells(result: RowResult): readonly string[] {
  const { row, etcd, quorate, ratio, isReached } = result;
  return [
    row.work,
    etcd === undefined ? '-' : formatFigure(etcd.median, row.unit),
    quorate === undefined ? '-' : formatFigure(quorate.median, row.unit),
    ratio === undefined ? '-' : formatSpread(ratio),
    describeGoal(row),
    isReached === undefined ? '-' : isReached ? 'yes' : 'NO',
  ];
}

export function formatSpread({ min, median, max }: Spread): string {
  const middle = formatNumber(median);
  return min === max ? middle : `${middle} (${formatNumber(min)} to ${formatNumber(max)})`;
}

export function describeGoal({ goal, better, unit }: Row): string {
  if (goal === undefined) return '-';
  const bound = better === 'higher' ? 'at least' : 'at most';
  return `${bound} ${describeGoalValue(goal, unit)}`;
}

function describeGoalValue(goal: Goal, unit: Row['unit']): string {
  if (goal.of === 'own') return formatFigure(goal.value, unit);
  return String(goal.value);
}

/** Columns as wide as their widest cell; the first `texts` of them to the left, numbers to the right. */
export function formatTable(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  texts = 1,
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const padded = (cells: readonly string[]): string =>
    `| ${widths
      .map((width, column) => {
        const text = cells[column] ?? '';
        return column < texts ? text.padEnd(width) : text.padStart(width);
      })
      .join(' | ')} |`;
  const rule = widths
    .map((width, column) => (column < texts ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`))
    .join('|');
  return [padded(head), `|${rule}|`, ...lines.map(padded)].join('\n');
}

export function resultTable(results: readonly RowResult[]): string {
  return formatTable(tableHead, results.map(tableCells));
}
