import assert from 'node:assert/strict';
import type { Moment } from './history-builder.ts';
import { HistoryBuilder, historyOf } from './history-builder.ts';
import { set } from './set.ts';

class Run {
  readonly run = new HistoryBuilder();

  constructor() {
    for (let i = 0; i < 12; i++) {
      this.add(`busy${i}`);
      this.read(...Array.from({ length: i + 1 }, (_, j) => `busy${j}`));
    }
  }

  readonly busy = Array.from({ length: 12 }, (_, i) => `busy${i}`);

  add(name: string, moment: Moment = {}): number {
    const input = { success: [{ op: 'put', key: `set/${name}`, value: name }] };
    return this.run.add('add', input, { revision: 1, succeeded: true, results: [{}] }, moment)
      .index;
  }

  remove(name: string, moment: Moment = {}, deleted = 1): number {
    const input = { success: [{ op: 'delete', key: `set/${name}` }] };
    const output = { revision: 1, succeeded: true, results: [{ deleted }] };
    return this.run.add('remove', input, output, moment).index;
  }

  /** `name*2` is in version 2. */
  read(...names: readonly string[]): number {
    const kvs = names.map((name) => {
      const [key, version = '1'] = name.split('*');
      return { key: `set/${key}`, value: name, mod: 1, create: 1, version: Number(version) };
    });
    const input = { success: [{ op: 'get', key: 'set/', end: 'set0' }] };
    return this.run.add('read', input, { revision: 1, succeeded: true, results: [{ kvs }] }).index;
  }

  mustFind(name: string, ...operations: readonly number[]): void {
    const { result, anomalies } = set.check(historyOf(this.run.operations));
    const anomaly = anomalies.find((each) => each.name === name);
    assert.ok(anomaly !== undefined && result === 'invalid', JSON.stringify(anomalies));
    for (const index of operations) assert.ok(anomaly.operations.includes(index), anomaly.what);
  }
}

describe('a set', () => {
  it('lets an add in doubt come behind a removal that found nothing', () => {
    const run = new Run();
    run.add('late', { outcome: 'info' });
    run.remove('late', {}, 0);
    run.read(...run.busy);
    run.read(...run.busy, 'late');
    const { result, anomalies } = set.check(historyOf(run.run.operations));
    assert.deepEqual([result, anomalies], ['valid', []]);
  });

  it('accepts what is added, removed, failed, and in doubt', () => {
    const run = new Run();
    run.add('a');
    run.add('lost', { outcome: 'info' });
    run.add('late', { outcome: 'info' });
    run.add('failed', { outcome: 'fail' });
    run.read(...run.busy, 'a');
    run.remove('a', { outcome: 'info' });
    run.read(...run.busy, 'a', 'late');
    run.read(...run.busy, 'late');
    run.remove('late');
    run.read(...run.busy);
    const { result, anomalies } = set.check(historyOf(run.run.operations));
    assert.deepEqual([result, anomalies], ['valid', []]);
  });

  it('finds a lost add, and one that was seen once', () => {
    const run = new Run();
    const add = run.add('a');
    run.mustFind.call((run.read(...run.busy), run), 'lost', add);
    const other = new Run();
    other.add('a', { outcome: 'info' });
    const seen = other.read(...other.busy, 'a');
    other.read(...other.busy);
    other.mustFind('lost', seen);
  });

  it('finds a stale read', () => {
    const run = new Run();
    run.add('a');
    const stale = run.read(...run.busy);
    run.read(...run.busy, 'a');
    run.mustFind('stale read', stale);
  });

  it('finds an element that comes back', () => {
    const run = new Run();
    run.add('a');
    const remove = run.remove('a');
    const read = run.read(...run.busy, 'a');
    run.mustFind('resurrected', remove, read);
    const other = new Run();
    other.add('a');
    other.remove('a', { outcome: 'info' });
    const gone = other.read(...other.busy);
    other.read(...other.busy, 'a');
    other.mustFind('resurrected', gone);
  });

  it('finds an add applied twice, a failed one that happened, and one of nobody', () => {
    const twice = new Run();
    const add = twice.add('a');
    twice.read(...twice.busy, 'a*2');
    twice.mustFind('duplicated', add);
    const failed = new Run();
    failed.add('a', { outcome: 'fail' });
    failed.read(...failed.busy, 'a');
    failed.mustFind('failed add happened');
    const nobody = new Run();
    nobody.read(...nobody.busy, 'x');
    nobody.mustFind('element of nobody');
  });
});
