import assert from 'node:assert/strict';
import type { History } from '../types.ts';
import { HistoryBuilder, withOperation, withRead } from './history-builder.ts';
import { checkWithin, wgl } from './wgl.ts';

function mustRefuse(history: History, index: number): void {
  const verdict = wgl.check(history);
  assert.equal(verdict.result, 'invalid');
  assert.ok(verdict.anomalies[0]?.operations.includes(index), JSON.stringify(verdict.anomalies));
}

function mustAccept(history: History): void {
  assert.deepEqual(wgl.check(history).anomalies, []);
  assert.equal(wgl.check(history).result, 'valid');
}

describe('linearizability by search', () => {
  it('accepts operations one after the other', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    run.get('a');
    run.delete('a');
    run.delete('a');
    run.get('a');
    mustAccept(run.history());
  });

  it('accepts either order of operations that overlap', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    run.get('a', { process: 1, startUs: 1_000, endUs: 3_000 });
    run.put('a', '2', { process: 2, startUs: 2_000, endUs: 4_000 });
    run.get('a', { process: 3, startUs: 2_500, endUs: 2_600 });
    mustAccept(run.history());
  });

  it('lets an operation in doubt take effect at any later time, or never', () => {
    const run = new HistoryBuilder().busy();
    run.lose({ success: [{ op: 'put', key: 'a', value: 'never' }] });
    run.lose({ success: [{ op: 'put', key: 'a', value: 'late' }] });
    run.put('a', '1');
    run.get('a');
    run.execute({ success: [{ op: 'put', key: 'a', value: 'late' }] });
    run.get('a');
    mustAccept(run.history());
  });

  it('refuses an operation in doubt that takes effect before it began', () => {
    const run = new HistoryBuilder().busy();
    run.execute({ success: [{ op: 'put', key: 'a', value: 'early' }] });
    const read = run.get('a');
    run.lose({ success: [{ op: 'put', key: 'a', value: 'early' }] });
    mustRefuse(run.history(), read.index);
  });

  it('refuses a stale read', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    run.put('a', '2');
    const read = run.get('a');
    mustRefuse(
      withOperation(run.history(), read.index, (each) =>
        withRead(each, (kv) => ({ ...kv, value: '1' })),
      ),
      read.index,
    );
  });

  it('refuses two reads that see two writes in different orders', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1', { process: 1, startUs: 1_000, endUs: 9_000 });
    run.put('a', '2', { process: 2, startUs: 1_000, endUs: 9_000 });
    const late = { process: 3, startUs: 2_000, endUs: 2_100 };
    const first = run.get('a', late);
    const second = run.get('a', { ...late, startUs: 3_000, endUs: 3_100 });
    const third = run.get('a', { ...late, startUs: 4_000, endUs: 4_100 });
    const history = withOperation(run.history(), second.index, (each) =>
      withRead(each, (kv) => ({ ...kv, value: '1' })),
    );
    assert.ok(first.index < third.index);
    mustRefuse(history, third.index);
  });

  it('refuses a write that was acknowledged and is gone', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    const read = run.get('a');
    mustRefuse(
      withOperation(run.history(), read.index, (each) => withRead(each, () => undefined)),
      read.index,
    );
  });

  it('refuses a comparison that succeeded although the value was another', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    const cas = run.ask({
      compare: [{ key: 'a', target: 'value', is: '=', to: 'x' }],
      success: [{ op: 'put', key: 'a', value: '2' }],
      failure: [],
    });
    const history = withOperation(run.history(), cas.index, (each) => ({
      ...each,
      output: { revision: 1, succeeded: true, results: [{}] },
    }));
    mustRefuse(history, cas.index);
  });

  it('refuses a delete that found a key where there was none', () => {
    const run = new HistoryBuilder().busy();
    const remove = run.delete('a');
    const history = withOperation(run.history(), remove.index, (each) => ({
      ...each,
      output: { revision: 1, succeeded: true, results: [{ deleted: 1 }] },
    }));
    mustRefuse(history, remove.index);
  });

  it('says unknown when it would need more states than it is given', () => {
    const run = new HistoryBuilder().busy();
    assert.equal(checkWithin(run.history(), 5).result, 'unknown');
  });

  it('bears many operations in doubt', () => {
    const run = new HistoryBuilder();
    for (let i = 0; i < 12; i++) {
      run.lose({ success: [{ op: 'delete', key: 'a' }] });
      run.lose({ success: [{ op: 'put', key: 'a', value: `lost ${i}` }] });
      run.put('a', `seen ${i}`, { outcome: 'info' });
      run.get('a');
      run.put('a', `${i}`);
      run.get('a');
      run.delete('a');
      run.put('a', `unseen ${i}`, { outcome: 'info' });
      run.delete('a');
    }
    mustAccept(run.history());
  });
});
