import assert from 'node:assert/strict';
import type { Action } from './append-lists.ts';
import { append } from './append.ts';
import { HistoryBuilder, historyOf, type Moment } from './history-builder.ts';

/** Transactions as they were told, and the lists at the end. */
class Lists {
  readonly run = new HistoryBuilder();

  constructor() {
    for (let i = 0; i < 12; i++) this.txn([['append', 'busy', `${i}`]], { startUs: i * 10 });
    const busy = Array.from({ length: 12 }, (_, i) => `${i}`);
    for (let i = 0; i < 12; i++) this.txn([['r', 'busy', busy]], { startUs: 500 + i * 10 });
  }

  /** All at the same time, unless told otherwise. */
  txn(actions: readonly Action[], moment: Moment = {}): number {
    const told = JSON.parse(JSON.stringify(actions)) as Action[];
    const all = { startUs: 10_000, endUs: 20_000, ...moment };
    const ends = moment.startUs === undefined ? all : { ...all, endUs: moment.startUs + 5 };
    const output = moment.outcome === undefined ? told : null;
    return this.run.add('txn', told as never, output as never, ends).index;
  }

  check(finals: Readonly<Record<string, string>>) {
    const busy = '0 1 2 3 4 5 6 7 8 9 10 11';
    const kvs = Object.entries({ ...finals, busy }).map(([key, value]) => {
      return { key, value, mod: 1, create: 1, version: 1 };
    });
    const input = { success: [{ op: 'get', key: 'a' }] };
    const output = { revision: 1, succeeded: true, results: [{ kvs }] };
    this.run.add('final lists', input, output, { startUs: 30_000 });
    return append.check(historyOf(this.run.operations));
  }

  mustFind(name: string, finals: Readonly<Record<string, string>>, ...operations: number[]): void {
    const { result, anomalies } = this.check(finals);
    const names = anomalies.map((each) => each.name);
    const anomaly = anomalies.find((each) => each.name === name);
    assert.ok(
      anomaly !== undefined && result === 'invalid',
      `${name} is not among ${names.join()}`,
    );
    for (const index of operations) assert.ok(anomaly.operations.includes(index), anomaly.what);
  }
}

describe('list-append', () => {
  it('accepts transactions that can be put in an order, also those in doubt', () => {
    const lists = new Lists();
    lists.txn([
      ['append', 'a', '1'],
      ['append', 'b', '1'],
    ]);
    lists.txn([
      ['r', 'a', ['1']],
      ['append', 'a', '2'],
      ['r', 'a', ['1', '2']],
    ]);
    lists.txn([['append', 'b', '2']], { outcome: 'info' });
    lists.txn([['append', 'b', '3']], { outcome: 'info' });
    lists.txn([['append', 'b', '4']], { outcome: 'fail' });
    lists.txn([['r', 'b', ['1', '2']]]);
    const { result, anomalies } = lists.check({ a: '1 2', b: '1 2' });
    assert.deepEqual([result, anomalies], ['valid', []]);
  });

  it('says unknown without the lists at the end, and of hardly anything', () => {
    const lists = new Lists();
    assert.equal(append.check(historyOf(lists.run.operations)).result, 'unknown');
    assert.equal(append.check(historyOf([])).result, 'unknown');
  });

  it('finds G0: writes in a circle', () => {
    const lists = new Lists();
    const one = lists.txn([
      ['append', 'a', '1'],
      ['append', 'b', '1'],
    ]);
    const two = lists.txn([
      ['append', 'a', '2'],
      ['append', 'b', '2'],
    ]);
    lists.mustFind('G0', { a: '1 2', b: '2 1' }, one, two);
  });

  it('finds G1a: the element of a transaction that failed', () => {
    const lists = new Lists();
    const failed = lists.txn([['append', 'a', '1']], { outcome: 'fail' });
    const read = lists.txn([['r', 'a', ['1']]]);
    lists.mustFind('G1a', {}, failed, read);
  });

  it('finds G1b: the middle of a transaction', () => {
    const lists = new Lists();
    const whole = lists.txn([
      ['append', 'a', '1'],
      ['append', 'a', '2'],
    ]);
    const read = lists.txn([['r', 'a', ['1']]]);
    lists.mustFind('G1b', { a: '1 2' }, whole, read);
  });

  it('finds G1c: transactions that saw each other', () => {
    const lists = new Lists();
    const one = lists.txn([
      ['append', 'a', '1'],
      ['r', 'b', ['1']],
    ]);
    const two = lists.txn([
      ['append', 'b', '1'],
      ['r', 'a', ['1']],
    ]);
    lists.mustFind('G1c', { a: '1', b: '1' }, one, two);
  });

  it('finds G-single: half of a transaction was seen', () => {
    const lists = new Lists();
    const write = lists.txn([
      ['append', 'a', '1'],
      ['append', 'b', '1'],
    ]);
    const read = lists.txn([
      ['r', 'a', ['1']],
      ['r', 'b', []],
    ]);
    lists.mustFind('G-single', { a: '1', b: '1' }, write, read);
  });

  it('finds G2: two that missed each other (write skew)', () => {
    const lists = new Lists();
    const one = lists.txn([
      ['r', 'a', []],
      ['append', 'b', '1'],
    ]);
    const two = lists.txn([
      ['r', 'b', []],
      ['append', 'a', '1'],
    ]);
    lists.mustFind('G2', { a: '1', b: '1' }, one, two);
  });

  it('finds what only real time forbids: a read that misses what was over', () => {
    const lists = new Lists();
    const write = lists.txn([['append', 'a', '1']], { startUs: 11_000 });
    const read = lists.txn([['r', 'a', []]], { startUs: 12_000 });
    lists.mustFind('G-single-realtime', { a: '1' }, write, read);
  });

  it('finds writes that real time orders the other way', () => {
    const lists = new Lists();
    const first = lists.txn([['append', 'a', '1']], { startUs: 11_000 });
    const second = lists.txn([['append', 'a', '2']], { startUs: 12_000 });
    lists.mustFind('G0-realtime', { a: '2 1' }, first, second);
  });

  it('finds a lost append, a duplicate, one of nobody, and lists that cannot both be', () => {
    const lists = new Lists();
    const lost = lists.txn([['append', 'a', '1']]);
    lists.mustFind('lost append', {}, lost);
    const twice = new Lists();
    twice.txn([['append', 'a', '1']]);
    twice.txn([['r', 'a', ['1', '1']]]);
    twice.mustFind('duplicate element', { a: '1 1' });
    const nobody = new Lists();
    nobody.txn([['r', 'a', ['7']]]);
    nobody.mustFind('element of nobody', { a: '7' });
    const order = new Lists();
    for (const each of ['1', '2']) order.txn([['append', 'a', each]]);
    order.txn([['r', 'a', ['2']]]);
    order.mustFind('incompatible order', { a: '1 2' });
  });

  it('finds a transaction that does not see its own append', () => {
    const lists = new Lists();
    lists.txn([
      ['r', 'a', []],
      ['append', 'a', '1'],
      ['r', 'a', []],
    ]);
    lists.mustFind('internal', { a: '1' });
  });
});
