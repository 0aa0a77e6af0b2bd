import type { Bytes } from '../base/bytes.ts';
import type { KeyHandle } from './key-arena.ts';
import type { KeyIndex } from './key-index.ts';
import { wholeKeySpace } from './key-range.ts';
import { encodeRowKey } from './revision.ts';
import type { MvccStore } from './store.ts';
import type { Compaction } from './types.ts';
import type { VersionId } from './version-table.ts';

/**
 * Takes out of the index, key by key, what nobody can read from `revision` on, and names the rows to
 * delete. Of the versions at or below `revision` each key keeps the newest; but a tombstone only when
 * it stands exactly at `revision`, as etcd has it since 3.5.16 (etcd issue 19179: whoever watches from
 * `revision` on must still see that deletion). A key with nothing left goes.
 *
 * What is deleted depends on the versions up to `revision` alone, so it is the same on every member,
 * whatever is written between the slices, and the same again after a crash. Rows of one key are named
 * from the oldest on, for restore.ts.
 */
export class IndexCompaction implements Compaction {
  readonly revision: number;
  private readonly store: MvccStore;
  private readonly index: KeyIndex;
  /** Where the next slice begins; undefined when all keys have been looked at. */
  private nextKey: Bytes | undefined = wholeKeySpace.from;
  /** Versions out of the index whose rows are still to be named, from the oldest on. */
  private unnamed: VersionId = 0;

  constructor(store: MvccStore, revision: number) {
    this.store = store;
    this.index = store.index;
    this.revision = revision;
  }

  get isPostponed(): boolean {
    return this.store.isPinnedBelow(this.revision);
  }

  advance(keysMax: number): { readonly deleted: readonly Bytes[]; readonly isDone: boolean } {
    const deleted: Bytes[] = [];
    if (this.isPostponed) return { deleted, isDone: false };
    this.index.raiseFloor(this.revision);
    this.nameRows(deleted, keysMax);
    if (this.nextKey !== undefined && deleted.length < keysMax) {
      this.compactKeys(this.nextKey, deleted, keysMax);
    }
    return { deleted, isDone: this.nextKey === undefined && this.unnamed === 0 };
  }

  private compactKeys(from: Bytes, deleted: Bytes[], keysMax: number): void {
    const { keys, tree } = this.index;
    const emptied: KeyHandle[] = [];
    let looked = 0;
    this.nextKey = undefined;
    tree.visit({ from, to: undefined }, (handle) => {
      if (looked === keysMax || deleted.length >= keysMax || this.unnamed !== 0) {
        this.nextKey = keys.keyOf(handle);
        return false;
      }
      looked++;
      this.unnamed = this.detach(handle);
      if (keys.newestOf(handle) === 0) emptied.push(handle);
      this.nameRows(deleted, keysMax);
      return true;
    });
    for (const handle of emptied) {
      tree.remove(keys.keyOf(handle));
      keys.free(handle);
    }
  }

  /** Takes the versions to delete off the key's chain; answers the oldest, each leading to a newer. */
  private detach(handle: KeyHandle): VersionId {
    const { keys, versions } = this.index;
    let newer: VersionId = 0;
    let id = keys.newestOf(handle);
    while (id !== 0 && versions.modRevisionOf(id) > this.revision) {
      newer = id;
      id = versions.olderOf(id);
    }
    const isKept =
      id !== 0 && (!versions.isTombstone(id) || versions.modRevisionOf(id) === this.revision);
    if (isKept) {
      newer = id;
      id = versions.olderOf(id);
    }
    if (newer === 0) keys.setNewest(handle, 0);
    else versions.setOlder(newer, 0);
    return this.reversed(id);
  }

  private reversed(newest: VersionId): VersionId {
    const { changes, floor, versions } = this.index;
    let head: VersionId = 0;
    for (let id = newest; id !== 0;) {
      if (versions.modRevisionOf(id) === floor) changes.drop(id);
      const older = versions.olderOf(id);
      versions.setOlder(id, head);
      head = id;
      id = older;
    }
    return head;
  }

  private nameRows(deleted: Bytes[], rowsMax: number): void {
    const { versions } = this.index;
    while (this.unnamed !== 0 && deleted.length < rowsMax) {
      const id = this.unnamed;
      deleted.push(
        encodeRowKey(versions.modRevisionOf(id), versions.modSubOf(id), versions.isTombstone(id)),
      );
      this.unnamed = versions.olderOf(id);
      versions.free(id);
    }
  }
}
