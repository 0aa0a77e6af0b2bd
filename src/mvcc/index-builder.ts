import type { Bytes } from '../base/bytes.ts';
import type { KeyHandle } from './key-arena.ts';
import type { KeyIndex, RestoredVersion } from './key-index.ts';
import { KeyTable, hashKey } from './key-table.ts';
import { sortKeys, sortedKeysMax } from './sort-keys.ts';

/**
 * Fills an empty index with versions read back from rows, in the order of their revisions. Keys come in
 * any order, and putting each in its place in the tree costs more than all else about a row; so they are
 * found by a hash table until all are known, then sorted, and the tree is built of them once. Until `finish`
 * the index has no tree.
 */
export class IndexBuilder {
  private readonly index: KeyIndex;
  /** Undefined once keys go to the tree one by one. */
  private table: KeyTable | undefined;

  constructor(index: KeyIndex) {
    this.index = index;
    this.table = new KeyTable(index.keys);
  }

  add(key: Bytes, row: RestoredVersion): void {
    const { index, table } = this;
    if (table === undefined) {
      index.restore(key, row);
      return;
    }
    const hash = hashKey(key);
    const found = table.find(key, hash);
    if (table.isCrowded || table.count === sortedKeysMax) {
      this.finish();
      index.restore(key, row);
      return;
    }
    let handle = found;
    if (handle === 0) {
      handle = index.keys.add(key);
      table.add(hash, handle);
    }
    index.appendRestored(handle, row);
  }

  /** Takes a while, at a stretch: about half a microsecond a key. */
  finish(): void {
    const { index, table } = this;
    if (table === undefined) return;
    this.table = undefined;
    const handles = table.handles();
    sortKeys(index.keys, handles);
    index.tree.build(handles, (handle: KeyHandle) => index.newestLive(handle) !== 0);
  }
}
