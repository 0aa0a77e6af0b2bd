import assert from 'node:assert/strict';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { keyOfRow, WatchEvent } from '../../src/mvcc/watch-event.ts';
import { Event, EventType, KeyValue } from '../../src/wire/mvccpb.ts';
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
});
