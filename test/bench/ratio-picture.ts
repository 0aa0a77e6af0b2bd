import type { RowResult } from './results.ts';
import { element, logScale, picture, powersOfTen } from './svg.ts';
import { formatNumber } from './units.ts';

/** The table's ratios as bars from 1, the goal marked on each: to the right is better for us, always. */

const width = 880;
const labelWidth = 424;
const right = 70;
const top = 74;
const rowHeight = 26;
const barHeight = 14;
const bottom = 46;

export function ratioPicture(results: readonly RowResult[], subtitle: string): string {
  const bars = results.flatMap(barOf);
  const height = top + bars.length * rowHeight + bottom;
  const values = bars.flatMap(({ min, max, goal }) => [min, max, goal]);
  const from = Math.min(0.5, ...values) / 1.1;
  const to = Math.max(2, ...values) * 1.1;
  const x = logScale(from, to, { from: labelWidth, to: width - right });
  const end = top + bars.length * rowHeight;
  const title = 'quorate to etcd 3.7, measured side by side';
  return picture({ width, height }, title, [
    element('text', { class: 'ink', x: 20, y: 30, 'font-size': 17, 'font-weight': 600 }, title),
    element('text', { class: 'faint', x: 20, y: 50 }, subtitle),
    ...powersOfTen(from, to).flatMap((value) => [
      element('line', { class: 'grid', x1: x(value), x2: x(value), y1: top, y2: end }),
      element(
        'text',
        { class: 'faint', x: x(value), y: end + 17, 'text-anchor': 'middle' },
        `${value}x`,
      ),
    ]),
    element('line', {
      class: 'one',
      'stroke-width': 1.5,
      x1: x(1),
      x2: x(1),
      y1: top - 4,
      y2: end,
    }),
    ...bars.flatMap((bar, index) => drawBar(bar, top + index * rowHeight, x)),
    element(
      'text',
      { class: 'faint', x: 20, y: end + 36, 'font-size': 12 },
      'times as good as etcd: more work in a second, or less time or memory; thin line: least to most of the rounds',
    ),
    element('line', {
      class: 'goal',
      'stroke-width': 2,
      x1: width - right - 46,
      x2: width - right - 46,
      y1: 38,
      y2: 52,
    }),
    element('text', { class: 'goal-text', x: width - right - 38, y: 50 }, 'goal'),
  ]);
}

interface Bar {
  readonly label: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly goal: number;
}

/** Times as good: the inverse of the ratio where lower is better. */
function barOf({ row, ratio }: RowResult): readonly Bar[] {
  // What is to be reached without regard to etcd has its place in the table alone.
  if (ratio === undefined || ratio.min <= 0 || row.goal?.of !== 'ratio') return [];
  const good = (value: number): number => (row.better === 'higher' ? value : 1 / value);
  const [least, most] = [good(ratio.min), good(ratio.max)];
  return [
    {
      label: row.work,
      min: Math.min(least, most),
      median: good(ratio.median),
      max: Math.max(least, most),
      goal: good(row.goal.value),
    },
  ];
}

function drawBar(bar: Bar, y: number, x: (value: number) => number): readonly string[] {
  const middle = y + rowHeight / 2;
  const [start, end] = [x(1), x(bar.median)].sort((a, b) => a - b) as [number, number];
  return [
    element(
      'text',
      { class: 'ink', x: labelWidth - 12, y: middle + 4, 'text-anchor': 'end', 'font-size': 12 },
      bar.label,
    ),
    element('rect', {
      class: bar.median < 1 ? 'bar worse' : 'bar',
      x: start,
      y: middle - barHeight / 2,
      width: Math.max(end - start, 1),
      height: barHeight,
      rx: 2,
    }),
    element('line', { class: 'spread', x1: x(bar.min), x2: x(bar.max), y1: middle, y2: middle }),
    element('line', {
      class: 'goal',
      'stroke-width': 2,
      x1: x(bar.goal),
      x2: x(bar.goal),
      y1: middle - barHeight / 2 - 3,
      y2: middle + barHeight / 2 + 3,
    }),
    element(
      'text',
      { class: 'ink', x: width - right + 10, y: middle + 4, 'font-weight': 600 },
      `${formatNumber(bar.median)}x`,
    ),
  ];
}
