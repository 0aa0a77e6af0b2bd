import assert from 'node:assert/strict';
import { HistoryBuilder } from './history-builder.ts';
import { kubernetes } from './kubernetes.ts';

class Run {
  readonly run = new HistoryBuilder();
  readonly items = new Map<string, number>();

  constructor() {
    for (let i = 0; i < 12; i++) {
      this.put(`/pods/${i}`);
      this.bookmark();
    }
  }

  put(key: string): void {
    this.run.put(key, `${this.run.revision}`);
    this.items.set(key, this.run.revision);
  }

  bookmark(revision = this.run.revision): number {
    const output = { revision, items: [...this.items] };
    return this.run.add('cache', { key: '/pods/', end: '/pods0' }, output).index;
  }

  mustFind(name: string, index: number): void {
    const { anomalies, result } = kubernetes.check(this.run.history());
    const anomaly = anomalies.find((each) => each.name === name);
    assert.ok(anomaly !== undefined && result === 'invalid', JSON.stringify(anomalies));
    assert.ok(anomaly.operations.includes(index), anomaly.what);
  }
}

describe('caches fed by a list and a watch', () => {
  it('accepts a cache that is at each bookmark what the store was', () => {
    const run = new Run();
    run.run.put('/other', '1');
    run.run.delete('/pods/3');
    run.items.delete('/pods/3');
    run.bookmark();
    const { result, anomalies } = kubernetes.check(run.run.history());
    assert.deepEqual([result, anomalies], ['valid', []]);
  });

  it('finds a change, a new object and a delete that did not reach it', () => {
    const changed = new Run();
    changed.run.put('/pods/3', 'new');
    changed.mustFind('cache misses a change', changed.bookmark());
    const added = new Run();
    added.run.put('/pods/new', '1');
    added.mustFind('cache misses a change', added.bookmark());
    const removed = new Run();
    removed.run.delete('/pods/3');
    removed.mustFind('cache misses a delete', removed.bookmark());
  });

  it('finds a bookmark that goes back', () => {
    const run = new Run();
    run.mustFind('bookmark went back', run.bookmark(3));
  });

  it('says unknown without bookmarks', () => {
    assert.equal(kubernetes.check(new HistoryBuilder().busy().history()).result, 'unknown');
  });
});
