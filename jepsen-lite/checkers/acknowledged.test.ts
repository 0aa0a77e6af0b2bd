import assert from 'node:assert/strict';
import { acknowledged } from './acknowledged.ts';
import { HistoryBuilder, withOperation, withRevision } from './history-builder.ts';

describe('what was acknowledged stays, whatever clients do', () => {
  function busy(): HistoryBuilder {
    return new HistoryBuilder().busy();
  }

  it('accepts answers at the same revision, and old ones where they were asked for', () => {
    const run = busy();
    run.get('busy');
    const old = run.ask({ success: [{ op: 'get', key: 'busy' }], serializable: true });
    const history = run.history();
    assert.deepEqual(acknowledged.check(history).anomalies, []);
    const behind = withOperation(history, old.index, (each) => withRevision(each, 3));
    assert.deepEqual(acknowledged.check(behind).anomalies, []);
    const { counts, result } = acknowledged.check(behind);
    assert.equal(result, 'valid');
    assert.equal(counts['writes looked up in what watchers were told'], 12);
  });

  it('finds a store that begins anew, by the first answer that is behind an earlier one', () => {
    const run = busy();
    const before = run.put('x', '1');
    const read = run.get('y');
    const history = withOperation(run.history(), read.index, (each) => withRevision(each, 1));
    const [found] = acknowledged.check(history).anomalies;
    assert.equal(found?.name, 'store went back');
    assert.deepEqual(found.operations, [before.index, read.index]);
  });

  it('lets an answer be behind another that was still under way', () => {
    const run = busy();
    run.put('x', '1', { startUs: 1_000, endUs: 3_000 });
    const read = run.get('y', { startUs: 2_000, endUs: 2_500 });
    const history = withOperation(run.history(), read.index, (each) => {
      return withRevision(each, run.revision - 1);
    });
    assert.deepEqual(acknowledged.check(history).anomalies, []);
  });

  it('finds an acknowledged write that no watcher was told of, or of which it was told otherwise', () => {
    for (const change of ['gone', 'other'] as const) {
      const run = busy();
      const lost = run.put('x', '1');
      run.put('y', '2');
      const told = run.events.flatMap((event) => {
        if (event.key !== 'x' || event.type !== 'put') return [event];
        return change === 'gone' ? [] : [{ ...event, value: 'other' }];
      });
      const [found] = acknowledged.check(run.history(told)).anomalies;
      assert.equal(found?.name, 'lost write');
      assert.ok(found.operations.includes(lost.index));
    }
  });
});
