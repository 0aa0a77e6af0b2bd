import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { prefetchKeysMax } from '../../src/mvcc/prefetch.ts';
import { RowArena } from '../../src/mvcc/row-arena.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { RowNames, RowReader } from '../../src/mvcc/types.ts';

/** What is prefetched is no answer: only that the right places are touched can be seen, and that nothing else changes. */

class WatchedRows implements RowReader {
  readonly arena = new RowArena(1024 * 1024);
  readonly prefetched: number[] = [];

  get(): undefined {
    return undefined;
  }

  recent(main: number, sub: number): Uint8Array | undefined {
    return this.arena.get(main, sub);
  }

  prefetch(names: RowNames, count: number): void {
    this.prefetched.push(...names.mains.subarray(0, count));
    this.arena.prefetch(names, count);
  }
}

function storeOf(keys: readonly string[]) {
  const rows = new WatchedRows();
  const store = new MvccStore(rows);
  for (const key of keys) {
    const txn = store.begin();
    txn.put(utf8(key), utf8(`value of ${key}`), 0n);
    for (const { key: rowKey, value } of txn.end().rows) {
      const { main, sub } = decodeRowKey(rowKey);
      rows.arena.add(main, sub, value);
    }
  }
  return { rows, store };
}

describe('keys that are going to be read', () => {
  it('have the rows of their newest versions named to who holds rows', () => {
    const { rows, store } = storeOf(['a', 'b', 'a', 'c']);
    store.prefetch([utf8('c'), utf8('a')]);
    assert.deepEqual(rows.prefetched, [5, 4]);
  });

  it('may be missing, more than are taken at once, or none, of a store that has nothing', () => {
    const { rows, store } = storeOf([]);
    store.prefetch([]);
    store.prefetch([utf8('nothing')]);
    const many = Array.from({ length: 3 * prefetchKeysMax }, (_, i) => utf8(`${i}`));
    store.prefetch(many);
    assert.equal(rows.prefetched.length, 1 + prefetchKeysMax);
  });

  it('are answered as if they had not been, where rows have left memory too', () => {
    const names = Array.from({ length: 6_000 }, (_, i) => `key ${i} ${'x'.repeat(200)}`);
    const { rows, store } = storeOf(names);
    for (let i = 0; i < names.length; i += prefetchKeysMax) {
      const keys = names.slice(i, i + prefetchKeysMax).map((name) => utf8(name));
      const before = keys.map((key) => readHere(store, key));
      store.prefetch(keys);
      assert.deepEqual(
        keys.map((key) => readHere(store, key)),
        before,
      );
    }
    assert.equal(readHere(store, utf8(names[0] ?? '')), undefined);
    assert.equal(rows.prefetched.length, names.length);
  });
});

/** The row's bytes as text, if they are in memory. */
function readHere(store: MvccStore, key: Uint8Array): string | undefined {
  const version = store.get(key);
  assert(version !== undefined);
  try {
    return Buffer.from(store.read(version)).toString('latin1');
  } catch {
    return undefined;
  }
}
