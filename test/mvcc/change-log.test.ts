import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { rangeOf, TestStore } from './rows.ts';

describe('the change log', () => {
  /** Deleted at 3, which is where the compaction is. */
  function compactedAtDelete(): TestStore {
    const test = new TestStore();
    test.put('k');
    test.delete('k');
    test.put('other');
    test.store.compact(3);
    test.rows.delete(new IndexCompaction(test.store, 3).advance(100).deleted);
    return test;
  }

  function revisionsFrom({ store }: TestStore, revision: number): number[] {
    const { changes, versions } = store.index;
    const revisions: number[] = [];
    for (let at = changes.firstAfter(revision - 1); at < changes.end; at++) {
      revisions.push(versions.modRevisionOf(changes.at(at)));
    }
    return revisions;
  }

  it('keeps the revision of the compaction, for those who watch from there (etcd #19179)', () => {
    const test = compactedAtDelete();
    assert.deepEqual(revisionsFrom(test, 3), [3, 4]);
    assert.deepEqual(revisionsFrom(test.restored(), 3), [3, 4]);
  });

  it('lets it go with the next one', () => {
    const test = compactedAtDelete();
    test.put('more');
    test.store.compact(5);
    test.rows.delete(new IndexCompaction(test.store, 5).advance(100).deleted);
    assert.deepEqual(revisionsFrom(test, 3), [5]);
  });

  it('does not name what a compaction takes away at its very revision', () => {
    const test = new TestStore();
    test.put('b', 'b0');
    test.put('a', 'a0');
    const at = test.txn((txn) => {
      txn.put(utf8('b'), utf8('b1'), 0n);
      txn.deleteRange(rangeOf('a', 'b'));
      txn.put(utf8('a'), utf8('a1'), 0n);
    });
    test.store.compact(at);
    const half = test.restored();
    assert.deepEqual(revisionsFrom(half, at), [at, at, at]);
    for (const each of [test, half]) {
      const { deleted } = new IndexCompaction(each.store, at).advance(100);
      each.rows.delete(deleted.filter((row) => each.rows.get(row) !== undefined));
      // Their records are free for others.
      each.txn((txn) => {
        for (const key of ['x', 'y', 'z']) txn.put(utf8(key), utf8(''), 0n);
      });
      assert.deepEqual(revisionsFrom(each, at), [at, at, at + 1, at + 1, at + 1]);
    }
  });
});
