import assert from 'node:assert/strict';
import { ratioPicture } from './ratio-picture.ts';
import { resultsOf, type RowResult } from './results.ts';
import type { Row } from './rows.ts';
import type { Measurement } from './run.ts';
import { ratiosOf, spreadOf } from './statistics.ts';
import { formatTable, resultTable, tableCells } from './table.ts';
import { formatFigure, formatNumber } from './units.ts';

const row: Row = {
  id: 'put-64',
  work: 'Put, 64 connections',
  experiment: 'put-64',
  figure: 'perSecond',
  unit: 'per second',
  better: 'higher',
  goal: { of: 'ratio', value: 3 },
};

const measurement = (
  system: 'etcd' | 'quorate',
  round: number,
  figures: Measurement['figures'],
  notes: readonly string[] = [],
): Measurement => ({ experiment: 'put-64', system, round, figures, notes });

const rate = (system: 'etcd' | 'quorate', round: number, perSecond: number): Measurement =>
  measurement(system, round, { perSecond });

function onlyResult(of: Row, measurements: readonly Measurement[]): RowResult {
  const [result, ...rest] = resultsOf([of], measurements);
  assert.ok(result !== undefined);
  assert.equal(rest.length, 0);
  return result;
}

describe('spreads', () => {
  it('are least, middle and most, whatever the order', () => {
    assert.deepEqual(spreadOf([5, 1, 3]), { min: 1, median: 3, max: 5 });
    assert.deepEqual(spreadOf([4, 1, 2, 3]), { min: 1, median: 2.5, max: 4 });
    assert.equal(spreadOf([]), undefined);
  });

  it('of ratios take both sides from the same round', () => {
    const rounds = [
      { etcd: 100, quorate: 200 },
      { etcd: 50, quorate: 200 },
      { etcd: undefined, quorate: 200 },
      { etcd: 0, quorate: 200 },
    ];
    assert.deepEqual(ratiosOf(rounds), [2, 4]);
  });
});

describe('the result of a row', () => {
  const fast = [
    rate('etcd', 1, 1_000),
    rate('quorate', 1, 2_000),
    rate('etcd', 2, 500),
    rate('quorate', 2, 2_000),
  ];

  it('is reached by the median of the ratios', () => {
    const result = onlyResult(row, fast);
    assert.deepEqual(result.ratio, { min: 2, median: 3, max: 4 });
    assert.equal(result.isReached, true);
    assert.equal(onlyResult({ ...row, goal: { of: 'ratio', value: 3.5 } }, fast).isReached, false);
  });

  it('is reached from below where less is better', () => {
    const cost: Row = { ...row, better: 'lower', goal: { of: 'ratio', value: 0.4 } };
    const told = [rate('etcd', 1, 100), rate('quorate', 1, 40)];
    assert.equal(onlyResult(cost, told).isReached, true);
    assert.equal(onlyResult(cost, [rate('etcd', 1, 100), rate('quorate', 1, 45)]).isReached, false);
  });

  it('of a goal for quorate alone needs no etcd', () => {
    const own: Row = { ...row, unit: 'ms', better: 'lower', goal: { of: 'own', value: 20 } };
    assert.equal(onlyResult(own, [rate('quorate', 1, 19)]).isReached, true);
    assert.equal(onlyResult(own, [rate('quorate', 1, 23)]).isReached, false);
  });

  it('is neither reached nor missed where one side failed, and says so', () => {
    const failed = measurement('quorate', 1, {}, ['failed: no leader']);
    const result = onlyResult(row, [rate('etcd', 1, 100), failed]);
    assert.equal(result.isReached, undefined);
    assert.deepEqual(result.notes, ['quorate, round 1: failed: no leader']);
    assert.deepEqual(tableCells(result).slice(1), ['100/s', '-', '-', 'at least 3', '-']);
  });

  it('is left out where nothing was run', () => {
    assert.deepEqual(resultsOf([{ ...row, experiment: 'put-1' }], fast), []);
  });

  it('shows in a table of Markdown', () => {
    const [head, rule, line] = resultTable([onlyResult(row, fast)]).split('\n');
    assert.match(head ?? '', /^\| work +\| etcd 3\.7 \| +quorate \| +ratio/);
    assert.match(rule ?? '', /^\|-+\|-+:\|/);
    assert.match(line ?? '', /\| +750\/s \| 2,000\/s \| 3\.00 \(2\.00 to 4\.00\) \| .* yes \|$/);
  });

  it('is a bar in the picture, to the right where it is better, also where less is better', () => {
    const slower: Row = { ...row, work: 'a & b', better: 'lower' };
    const halved = [rate('etcd', 1, 100), rate('quorate', 1, 50)];
    const svg = ratioPicture([onlyResult(row, fast), onlyResult(slower, halved)], 'a machine');
    assert.match(svg, /^<svg .*<\/svg>\n$/s);
    assert.match(svg, />3\.00x</);
    assert.match(svg, />2\.00x</);
    assert.match(svg, />a &#38; b</);
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.equal(svg.match(/class="bar"/g)?.length, 2);
  });
});

describe('figures', () => {
  it('have three digits that mean something', () => {
    assert.equal(formatNumber(12_345.6), '12,300');
    assert.equal(formatNumber(123.4), '123');
    assert.equal(formatNumber(12.34), '12.3');
    assert.equal(formatNumber(1.234), '1.23');
    assert.equal(formatNumber(Number.NaN), '-');
  });

  it('carry their unit', () => {
    assert.equal(formatFigure(728 * 1_024 * 1_024, 'bytes'), '728 MiB');
    assert.equal(formatFigure(512, 'bytes'), '512 B');
    assert.equal(formatFigure(5.5, 'ms'), '5.50 ms');
    assert.equal(formatFigure(12_000, 'ms'), '12.0 s');
  });

  it('stand to the right in tables, words to the left', () => {
    const table = formatTable(
      ['a', 'b'],
      [
        ['long', '1'],
        ['x', '200'],
      ],
    );
    assert.deepEqual(table.split('\n'), [
      '| a    |   b |',
      '|------|----:|',
      '| long |   1 |',
      '| x    | 200 |',
    ]);
  });
});
