import assert from 'node:assert/strict';
import { InvariantError } from '../../src/base/assert.ts';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { rangeOf, TestStore } from './rows.ts';

const everything = rangeOf('\0', '\0');

function keysAt({ store }: TestStore, revision?: number, range = everything): string[] {
  return store.scan(range, Infinity, revision).map(({ key }) => textOf(key));
}

describe('multi-version store', () => {
  it('starts at revision 1, so the first write is revision 2', () => {
    const test = new TestStore();
    assert.equal(test.store.revision, 1);
    assert.equal(test.store.compactRevision, -1);
    assert.equal(test.put('a'), 2);
    assert.equal(test.store.revision, 2);
  });

  it('counts versions from 1, keeps createRevision while the key lives, and begins again after a deletion', () => {
    const test = new TestStore();
    test.put('a');
    test.put('a');
    const { createRevision, modRevision, modSub, version } = test.store.get(utf8('a')) ?? {};
    assert.deepEqual([createRevision, modRevision, modSub, version], [2, 3, 0, 2]);
    test.delete('a');
    assert.equal(test.store.get(utf8('a')), undefined);
    test.put('a');
    assert.deepEqual(test.store.get(utf8('a')), {
      key: utf8('a'),
      createRevision: 5,
      modRevision: 5,
      modSub: 0,
      version: 1,
      rowBytes: 9,
    });
  });

  it('answers every revision as it was', () => {
    const test = new TestStore();
    test.put('a');
    test.put('b');
    test.delete('a');
    test.put('c');
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((revision) => keysAt(test, revision).join('')),
      ['', 'a', 'ab', 'b', 'bc'],
    );
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((r) => test.store.count(everything, r)),
      [0, 1, 2, 1, 2],
    );
    assert.equal(test.store.get(utf8('a'), 3)?.modRevision, 2);
    assert.equal(test.store.get(utf8('a'), 4), undefined);
  });

  it('cuts a scan at its limit and counts without one', () => {
    const test = new TestStore();
    for (const key of ['a', 'b', 'c', 'd']) test.put(key);
    assert.deepEqual(
      test.store.scan(rangeOf('b', '\0'), 2).map(({ key }) => textOf(key)),
      ['b', 'c'],
    );
    assert.deepEqual(test.store.scan(everything, 0), []);
    assert.equal(test.store.count(rangeOf('b', '\0')), 3);
  });

  it('gives all writes of a transaction one revision and numbers them by sub-revision', () => {
    const test = new TestStore();
    test.put('b');
    test.txn((txn) => {
      txn.put(utf8('a'), utf8('1'), 0n);
      assert.equal(txn.deleteRange(rangeOf('b', '\0')).length, 1);
      txn.put(utf8('c'), utf8('3'), 0n);
    });
    assert.equal(test.store.revision, 3);
    assert.equal(test.store.get(utf8('a'))?.modSub, 0);
    assert.equal(test.store.get(utf8('c'))?.modSub, 2);
  });

  it('writes nothing and keeps its revision when a deletion finds no live key', () => {
    const test = new TestStore();
    test.put('a');
    test.delete('a');
    const txn = test.store.begin();
    assert.deepEqual(txn.deleteRange(everything), []);
    assert.equal(txn.hasChanged, false);
    assert.deepEqual(txn.end(), { revision: 3, rows: [] });
  });

  it('shows an open transaction its own writes, and older revisions without them', () => {
    const test = new TestStore();
    test.put('a', 'old');
    const txn = test.store.begin();
    txn.put(utf8('a'), utf8('new'), 7n);
    txn.put(utf8('b'), utf8('b'), 0n);
    const { store } = test;
    assert.equal(store.revision, 2);
    const newest = store.get(utf8('a'));
    assert(newest !== undefined);
    const { value, lease, version } = KeyValue.decode(store.read(newest));
    assert.deepEqual([textOf(value), lease, version], ['new', 7n, 2]);
    const before = store.get(utf8('a'), 2);
    assert(before !== undefined);
    assert.equal(textOf(KeyValue.decode(store.read(before)).value), 'old');
    assert.equal(store.count(everything), 2);
    assert.equal(store.count(everything, 2), 1);
    txn.deleteRange(everything);
    assert.equal(store.count(everything), 0);
    txn.end();
    assert.equal(store.count(everything, 3), 0);
  });

  it('lets a key be put and deleted within one revision, as nested transactions may', () => {
    const test = new TestStore();
    test.txn((txn) => {
      txn.put(utf8('a'), utf8(''), 0n);
      txn.deleteRange(rangeOf('a'));
    });
    assert.equal(test.store.get(utf8('a'), 2), undefined);
    assert.equal(test.store.count(everything, 2), 0);
    assert.equal(test.rows.sorted().length, 2);
    assert.equal(test.restored().store.count(everything), 0);
  });

  it('copies what it is given, and what it gives away', () => {
    const test = new TestStore();
    const key = utf8('a');
    const value = utf8('v');
    test.txn((txn) => txn.put(key, value, 0n));
    key[0] = 0x7a;
    value[0] = 0x7a;
    const found = test.store.get(utf8('a'));
    assert(found !== undefined);
    found.key[0] = 0x7a;
    assert.deepEqual(keysAt(test), ['a']);
    assert.equal(textOf(KeyValue.decode(test.store.read(found)).value), 'v');
  });

  it('asserts what its callers have to check or to keep to', () => {
    const test = new TestStore();
    test.put('a');
    const future = (): unknown => test.store.get(utf8('a'), 3);
    assert.throws(future, InvariantError);
    assert.throws(() => test.store.compact(3), InvariantError);
    const txn = test.store.begin();
    assert.throws(() => test.store.begin(), InvariantError);
    assert.throws(() => txn.put(utf8(''), utf8(''), 0n), InvariantError);
    txn.end();
    assert.throws(() => txn.end(), InvariantError);
    const lost = {
      key: utf8('a'),
      createRevision: 2,
      modRevision: 2,
      modSub: 9,
      version: 1,
      rowBytes: 9,
    };
    assert.throws(() => test.store.read(lost), /the row of revision 2.9 is not there/);
  });
});

describe('key ranges', () => {
  const test = new TestStore();
  for (const key of ['\0', 'a', 'a\0', 'ab', 'b', '\xff']) test.put(key);
  const rows: readonly [string, string, string, number][] = [
    ['a key without an end is that key alone', 'a', '', 1],
    ['an end is not part of the range', 'a', 'b', 3],
    ['an end of one zero byte is the end of the key space', 'b', '\0', 2],
    ['\\0 to \\0 is everything', '\0', '\0', 6],
    ['an end equal to the key is an empty range', 'b', 'b', 0],
    ['an end below the key is an empty range', 'b', 'a', 0],
  ];
  for (const [rule, key, rangeEnd, count] of rows) {
    it(rule, () => {
      const range = rangeOf(key, rangeEnd);
      assert.equal(test.store.count(range), count);
      assert.equal(test.store.scan(range, Infinity).length, count);
    });
  }
});
