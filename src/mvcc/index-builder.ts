import type { Bytes } from '../base/bytes.ts';
import type { KeyHandle } from './key-arena.ts';
import type { KeyIndex, RestoredVersion } from './key-index.ts';
import { hashKey } from './key-table.ts';
import { sortKeys, sortedKeysMax } from './sort-keys.ts';

/**
 * Fills an empty index with versions read back from rows, in the order of their revisions. Keys come in
 * any order, and putting each in its place in the tree costs more than all else about a row; so they are
 * found by a hash table until all are known, then sorted, and the tree is built of them once. Until `finish`
 * the index has no tree.
 */
export class IndexBuilder {
  private readonly index: KeyIndex;
  /** From then on keys go to the tree one by one. */
  private isFinished = false;

  constructor(index: KeyIndex) {
    this.index = index;
  }

  add(key: Bytes, row: RestoredVersion): void {
    const { index } = this;
    const handle = this.isFinished ? 0 : this.handleOf(key);
    if (handle !== 0) {
      index.appendRestored(handle, row);
      return;
    }
    this.finish();
    index.restore(key, row);
  }

  /** Takes a while, at a stretch: about half a microsecond a key. */
  finish(): void {
    const { keys, tree } = this.index;
    if (this.isFinished) return;
    this.isFinished = true;
    const handles = tree.table.handles();
    sortKeys(keys, handles);
    tree.build(handles, (handle: KeyHandle) => this.index.newestLive(handle) !== 0);
  }

  /** 0 when the table has no room for one more, or one like it. */
  private handleOf(key: Bytes): KeyHandle {
    const { keys, tree } = this.index;
    const hash = hashKey(key);
    const known = tree.table.find(key, hash);
    if (known !== 0 || tree.table.count === sortedKeysMax) return known;
    const handle = keys.add(key);
    if (tree.table.maybeAdd(hash, handle)) return handle;
    keys.free(handle);
    return 0;
  }
}
