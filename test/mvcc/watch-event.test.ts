import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { Slab } from '../../src/base/slab.ts';
import { encodeRow, encodeTombstoneRow } from '../../src/mvcc/row.ts';
import { keyOfRow, WatchEvent } from '../../src/mvcc/watch-event.ts';
import { DecodedEvent, Event, EventType, KeyValue } from '../../src/wire/mvccpb.ts';
import { rangeOf, TestStore } from './rows.ts';

/** `+a1 (a0)`: put of a with value a1, which was a0 before; `-a`: deleted, and there was none before. */
function describeEvent(event: WatchEvent): string {
  const { type, kv, prevKv } = Event.decode(event.encoded(true));
  const { key, value } = KeyValue.decode(kv ?? new Uint8Array(0));
  const what = type === EventType.DELETE ? `-${textOf(key)}` : `+${textOf(value)}`;
  return prevKv === undefined ? what : `${what} (${textOf(KeyValue.decode(prevKv).value)})`;
}

/** The events of a transaction, as they are made of its rows, and as they are read from the index later. */
function eventsOf(
  test: TestStore,
  write: Parameters<TestStore['txn']>[0],
): { readonly ofRows: readonly string[]; readonly ofVersions: readonly string[] } {
  const { store } = test;
  const txn = store.begin();
  write(txn);
  const { rows } = txn.end();
  test.rows.put(rows);
  const ofRows = rows.map((row) =>
    describeEvent(WatchEvent.ofRow(store, keyOfRow(row.value), row)),
  );
  const { index } = store;
  const { versions } = index;
  const ofVersions: string[] = [];
  for (const key of new Set(rows.map((row) => textOf(keyOfRow(row.value))))) {
    let id = index.newestUpTo(index.tree.find(utf8(key)), store.revision);
    for (; id !== 0 && versions.modRevisionOf(id) === store.revision; id = versions.olderOf(id)) {
      ofVersions.unshift(describeEvent(WatchEvent.ofVersion(store, utf8(key), id)));
    }
  }
  return { ofRows, ofVersions };
}

const put = (txn: ReturnType<TestStore['store']['begin']>, key: string, value: string): void => {
  txn.put(utf8(key), utf8(value), 0n);
};

const fields = { createRevision: 2, modRevision: 2, version: 1, lease: 0n };

/** The newest change of a key as it is told with what was before. */
function newest({ store }: TestStore, key: string): DecodedEvent {
  const { keys, tree } = store.index;
  const id = keys.newestOf(tree.find(utf8(key)));
  const event = WatchEvent.ofVersion(store, utf8(key), id);
  return DecodedEvent.decode(event.encoded(true));
}

describe('the event of a change', () => {
  it('has what the key held before, unless it is created', () => {
    const test = new TestStore();
    assert.deepEqual(eventsOf(test, (txn) => put(txn, 'a', 'a0')).ofRows, ['+a0']);
    assert.deepEqual(eventsOf(test, (txn) => put(txn, 'a', 'a1')).ofRows, ['+a1 (a0)']);
    assert.deepEqual(eventsOf(test, (txn) => txn.deleteRange(rangeOf('a'))).ofRows, ['-a (a1)']);
    assert.deepEqual(eventsOf(test, (txn) => put(txn, 'a', 'a2')).ofRows, ['+a2']);
  });

  it('a key that one transaction deletes and puts: the deletion has the old pair, the put has none', () => {
    const test = new TestStore();
    test.put('a', 'a0');
    const { ofRows, ofVersions } = eventsOf(test, (txn) => {
      txn.deleteRange(rangeOf('a', '\0'));
      put(txn, 'a', 'a1');
    });
    assert.deepEqual(ofRows, ['-a (a0)', '+a1']);
    assert.deepEqual(ofVersions, ofRows);
  });

  it('a key that one transaction puts and deletes: both have what was there before it', () => {
    const test = new TestStore();
    test.put('a', 'a0');
    const both = (txn: ReturnType<TestStore['store']['begin']>): void => {
      put(txn, 'a', 'a1');
      txn.deleteRange(rangeOf('a', '\0'));
    };
    const { ofRows, ofVersions } = eventsOf(test, both);
    assert.deepEqual(ofRows, ['+a1 (a0)', '-a (a0)']);
    assert.deepEqual(ofVersions, ofRows);
    // Of a new key neither has any.
    assert.deepEqual(eventsOf(test, both).ofRows, ['+a1', '-a']);
  });

  it('has nothing that was compacted away', () => {
    const test = new TestStore();
    test.put('a', 'a0');
    const at = test.put('a', 'a1');
    test.store.compact(at);
    const id = test.store.index.newestUpTo(test.store.index.tree.find(utf8('a')), at);
    assert.equal(describeEvent(WatchEvent.ofVersion(test.store, utf8('a'), id)), '+a1');
  });

  it('of a put holds the whole of it, and of a delete the key and the revision', () => {
    const test = new TestStore();
    test.put('k', 'one');
    const put = newest(test, 'k');
    assert.equal(put.type, EventType.PUT);
    assert.deepEqual([textOf(mustGet(put.kv, 'kv').value), put.prevKv], ['one', undefined]);
    test.delete('k');
    const { type, kv } = newest(test, 'k');
    assert.equal(type, EventType.DELETE);
    assert.deepEqual(
      { ...kv, key: 'k' },
      {
        key: 'k',
        createRevision: 0,
        modRevision: 3,
        version: 0,
        value: new Uint8Array(0),
        lease: 0n,
      },
    );
  });

  it('is encoded once, and once with what was before', () => {
    const test = new TestStore();
    test.put('k', 'one');
    test.put('k', 'two');
    const { keys, tree } = test.store.index;
    const id = keys.newestOf(tree.find(utf8('k')));
    const event = WatchEvent.ofVersion(test.store, utf8('k'), id);
    assert.equal(event.encoded(false), event.encoded(false));
    assert.equal(event.encoded(true), event.encoded(true));
    assert.notEqual(event.encoded(true), event.encoded(false));
  });

  it('finds the key of a row, however long', () => {
    for (const length of [1, 127, 128, 16_383, 16_384, 70_000]) {
      const key = new Uint8Array(length).fill(7);
      assert.deepEqual(keyOfRow(encodeRow(key, utf8('value'), fields, new Slab(4096))), key);
      assert.deepEqual(keyOfRow(encodeTombstoneRow(key)), key);
    }
  });
});
