import assert from 'node:assert/strict';
import { InvariantError } from '../../src/base/assert.ts';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import { ChangeLog } from '../../src/mvcc/change-log.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { wholeKeySpace } from '../../src/mvcc/key-range.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import { VersionTable } from '../../src/mvcc/version-table.ts';
import { rangeOf, TestStore } from './rows.ts';

function describeRow(rowKey: Bytes): string {
  const { main, sub, isTombstone } = decodeRowKey(rowKey);
  return `${main}${sub > 0 ? `.${sub}` : ''}${isTombstone ? 't' : ''}`;
}

function rowsOf(test: TestStore): string {
  return test.rows
    .sorted()
    .map(({ key }) => describeRow(key))
    .join(' ');
}

/** Runs a compaction in slices and deletes its rows; answers what each slice named. */
function compact(test: TestStore, revision: number, keysMax = 1000): string[] {
  test.store.compact(revision);
  return run(test, new IndexCompaction(test.store, revision), keysMax);
}

function run(test: TestStore, compaction: IndexCompaction, keysMax: number): string[] {
  const slices: string[] = [];
  for (;;) {
    const { deleted, isDone } = compaction.advance(keysMax);
    test.rows.delete(deleted);
    slices.push(deleted.map(describeRow).join(' '));
    if (isDone) return slices;
  }
}

/** put(2), put(3), delete(4), put(6), delete(7) on one key; 5 and 8 are another's. */
function twoGenerations(): TestStore {
  const test = new TestStore();
  test.put('k');
  test.put('k');
  test.delete('k');
  test.put('other');
  test.put('k');
  test.delete('k');
  test.put('other');
  return test;
}

describe('compaction', () => {
  const left: readonly [number, string, string][] = [
    [1, '2 3 4t 5 6 7t 8', 'nothing was written yet'],
    [2, '2 3 4t 5 6 7t 8', 'the newest version at or below it is kept'],
    [3, '3 4t 5 6 7t 8', 'what was superseded goes'],
    [4, '4t 5 6 7t 8', 'a tombstone exactly at it is kept, what it ended goes'],
    [5, '5 6 7t 8', 'a tombstone below it goes'],
    [6, '5 6 7t 8', 'a later life of the key stays'],
    [7, '5 7t 8', 'the newest tombstone is kept while it is exactly there'],
    [8, '8', 'a deleted key goes altogether'],
  ];
  for (const [revision, rows, rule] of left) {
    it(`at ${revision} leaves ${rows}: ${rule}`, () => {
      const test = twoGenerations();
      compact(test, revision);
      assert.equal(rowsOf(test), rows);
      assert.equal(test.store.index.tree.find(utf8('k')) === 0, revision === 8);
      assert.equal(rowsOf(test.restored()), rows);
    });

    it(`after one at 4, at ${revision} leaves what it alone leaves`, () => {
      const test = twoGenerations();
      compact(test, 4);
      if (revision <= 4) return;
      compact(test, revision);
      assert.equal(rowsOf(test), rows);
    });
  }

  it('looks at no more keys and names no more rows a slice than it may', () => {
    const test = new TestStore();
    for (let i = 0; i < 5; i++) for (const key of ['a', 'b', 'c']) test.put(key);
    assert.deepEqual(compact(test, test.store.revision, 3), [
      '2 5 8',
      '11 3 6',
      '9 12 4',
      '7 10 13',
    ]);
  });

  it('names the rows of a key from the oldest on, so that one cut off leaves the key dead', () => {
    for (let slices = 0; slices < 5; slices++) {
      const test = new TestStore();
      for (let i = 0; i < 3; i++) test.put('k');
      test.delete('k');
      test.put('other');
      test.store.compact(6);
      const cutOff = new IndexCompaction(test.store, 6);
      for (let i = 0; i < slices; i++) test.rows.delete(cutOff.advance(1).deleted);
      const again = test.restored();
      assert.equal(again.store.get(utf8('k')), undefined);
      assert.equal(again.store.count(wholeKeySpace, 6), 1);
      run(again, new IndexCompaction(again.store, 6), 1);
      assert.equal(rowsOf(again), '6');
    }
  });

  it('deletes the same rows whatever is written between its slices', () => {
    const test = twoGenerations();
    test.store.compact(7);
    const compaction = new IndexCompaction(test.store, 7);
    for (;;) {
      const { deleted, isDone } = compaction.advance(1);
      test.rows.delete(deleted);
      test.put('k');
      test.delete('a', 'z');
      if (isDone) break;
    }
    assert(rowsOf(test).startsWith('5 7t 8 9 10t '));
  });

  it('gives the space of removed keys to new ones', () => {
    const test = twoGenerations();
    const { tree } = test.store.index;
    const handle = tree.find(utf8('k'));
    compact(test, 8);
    test.put('n');
    assert.equal(tree.find(utf8('n')), handle);
  });

  it('waits for pinned older revisions, and makes them unreadable once they are released', () => {
    const test = twoGenerations();
    const release = test.store.pin(3);
    const releaseAgain = test.store.pin(3);
    test.store.compact(5);
    const compaction = new IndexCompaction(test.store, 5);
    assert.deepEqual(compaction.advance(10), { deleted: [], isDone: false });
    assert.equal(compaction.isPostponed, true);
    assert.equal(test.store.get(utf8('k'), 3)?.modRevision, 3);
    release();
    release();
    assert.equal(compaction.isPostponed, true);
    releaseAgain();
    assert.equal(compaction.isPostponed, false);
    run(test, compaction, 10);
    assert.throws(() => test.store.get(utf8('k'), 4), InvariantError);
    assert.throws(() => test.store.pin(4), InvariantError);
  });

  it('at the revision of a pin does not wait for it', () => {
    const test = twoGenerations();
    test.store.pin(5);
    test.store.compact(5);
    assert.equal(new IndexCompaction(test.store, 5).isPostponed, false);
  });

  it('may be of revision 0, once', () => {
    const test = new TestStore();
    assert.deepEqual(compact(test, 0), ['']);
    assert.equal(test.store.compactRevision, 0);
    assert.throws(() => test.store.compact(0), InvariantError);
  });

  it('is not forgotten when the newest revision was a deletion that it took away', () => {
    const test = new TestStore();
    test.put('a');
    test.delete('a');
    compact(test, 3);
    test.put('b');
    test.delete('b');
    compact(test, 5);
    assert.equal(rowsOf(test), '5t');
    assert.equal(test.restored(1).store.revision, 5);
  });
});

describe('restored store', () => {
  it('knows revisions from the compaction on, though older rows are still there', () => {
    const test = twoGenerations();
    test.store.compact(5);
    const { store } = test.restored();
    assert.equal(rowsOf(test), '2 3 4t 5 6 7t 8');
    assert.throws(() => store.get(utf8('k'), 4), InvariantError);
    assert.deepEqual(
      [5, 6, 7, 8].map((revision) => store.count(rangeOf('\0', '\0'), revision)),
      [1, 2, 1, 1],
    );
    assert.equal(
      store.index.changes.end,
      4,
      'of what came before the compaction nothing is a change',
    );
  });

  it('refuses rows that are out of order or say two things', () => {
    const test = twoGenerations();
    const rows = test.rows.sorted();
    const mixed = new TestStore();
    mixed.rows.put(rows.map(({ key }, i) => ({ key, value: rows.at(-1 - i)?.value ?? key })));
    assert.throws(() => mixed.restored(), InvariantError);
  });
});

describe('change log', () => {
  it('finds the first change after a revision, also once older ones are trimmed away', () => {
    const versions = new VersionTable();
    const log = new ChangeLog(versions);
    const writesPerRevision = 3;
    for (let i = 0; i < 60_000; i++) {
      const modRevision = Math.floor(i / writesPerRevision);
      const fields = { key: 1, createRevision: 1, modRevision, modSub: 0, version: 1, rowBytes: 3 };
      log.add(versions.add(fields, 0));
    }
    assert.equal(log.firstAfter(-1), 0);
    assert.equal(log.firstAfter(9), 30);
    log.trim(14_999);
    assert.equal(log.firstAfter(14_999), 45_000);
    assert.equal(versions.modRevisionOf(log.at(45_000)), 15_000);
    assert.equal(log.firstAfter(19_999), log.end);
    assert.throws(() => log.at(10), InvariantError);
  });
});
