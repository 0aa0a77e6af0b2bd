import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { ChangeLog } from './change-log.ts';
import { IndexTree } from './index-tree.ts';
import { KeyArena, type KeyHandle } from './key-arena.ts';
import { keySuccessor } from './key-range.ts';
import type { KeyRange, KeyVersion } from './types.ts';
import { VersionTable, type VersionFields, type VersionId } from './version-table.ts';

/**
 * All keys in memory, each with its versions from the newest to the oldest that is still kept. etcd's
 * counterparts are index.go and key_index.go of server/storage/mvcc; their generations are the
 * stretches between tombstones here. For example put(2), put(3), delete(4), put(6), delete(7) is
 *
 *     newest -> 7t -> 6 -> 4t -> 3 -> 2
 *
 * of which a compaction leaves: at 3 all but 2; at 4 from 4t on; at 5 from 6 on; at 7 only 7t; at 8
 * nothing, and the key itself goes.
 */
export class KeyIndex {
  readonly keys = new KeyArena();
  readonly versions = new VersionTable();
  readonly tree = new IndexTree(this.keys);
  readonly changes = new ChangeLog(this.versions);
  private floorRevision = -1;

  /** The oldest revision at which the index can still answer. */
  get floor(): number {
    return this.floorRevision;
  }

  /**
   * Versions superseded at or below `revision` may be taken out from now on. Who takes one out that was written at
   * `revision` itself takes it out of the change log too.
   */
  raiseFloor(revision: number): void {
    if (revision <= this.floorRevision) return;
    this.floorRevision = revision;
    this.changes.trim(revision);
  }

  /** 0 when the key is not live. */
  newestLive(handle: KeyHandle): VersionId {
    const id = this.keys.newestOf(handle);
    return id === 0 || this.versions.isTombstone(id) ? 0 : id;
  }

  /** The version that is live at `revision`, 0 when none is. Walks the versions above it. */
  liveAt(handle: KeyHandle, revision: number): VersionId {
    const id = this.newestUpTo(handle, revision);
    return id === 0 || this.versions.isTombstone(id) ? 0 : id;
  }

  /** The newest version at or below `revision`, tombstones included; 0 when there is none. */
  newestUpTo(handle: KeyHandle, revision: number): VersionId {
    const { versions } = this;
    let id = this.keys.newestOf(handle);
    while (id !== 0 && versions.modRevisionOf(id) > revision) id = versions.olderOf(id);
    return id;
  }

  /**
   * Writes a version of `key` and answers it; a key that is not live begins again at version 1. How long its row is
   * the caller says, who makes it (`setRowBytes`).
   */
  put(key: Bytes, main: number, sub: number): VersionId {
    const handle = this.tree.find(key);
    if (handle === 0) {
      return this.putFirst(key, { main, sub, createRevision: main, version: 1, rowBytes: 0 });
    }
    const live = this.newestLive(handle);
    if (live === 0) this.tree.revive(key);
    return this.append({
      key: handle,
      createRevision: live === 0 ? main : this.versions.createRevisionOf(live),
      modRevision: main,
      modSub: sub,
      version: live === 0 ? 1 : this.versions.versionOf(live) + 1,
      rowBytes: 0,
    });
  }

  /** Writes a tombstone for each of the first `limit` live keys of the range, in key order; answers what they ended. */
  deleteRange(
    range: KeyRange,
    limit: number,
    { main, firstSub }: { readonly main: number; readonly firstSub: number },
  ): readonly KeyVersion[] {
    const ended: KeyVersion[] = [];
    this.tree.killLive(range, (handle) => {
      ended.push(this.describe(this.keys.newestOf(handle)));
      const modSub = firstSub + ended.length - 1;
      this.append({
        key: handle,
        createRevision: 0,
        modRevision: main,
        modSub,
        version: 0,
        rowBytes: 0,
      });
      return ended.length < limit;
    });
    return ended;
  }

  /**
   * Adds a version or (`version` 0) a tombstone read back from a row. What it follows may have been
   * compacted away, so the row says its createRevision and version itself.
   */
  restore(key: Bytes, row: RestoredVersion): void {
    const handle = this.tree.find(key);
    if (handle === 0) {
      this.putFirst(key, row);
      return;
    }
    const wasLive = this.newestLive(handle) !== 0;
    const isLive = row.version !== 0;
    if (!wasLive && isLive) this.tree.revive(key);
    if (wasLive && !isLive) this.tree.killLive({ from: key, to: keySuccessor(key) }, () => true);
    this.appendRestored(handle, row);
  }

  /** Adds a version to a key; whether the tree counts it as live is the caller's business. */
  appendRestored(key: KeyHandle, row: RestoredVersion): VersionId {
    const { main: modRevision, sub: modSub, createRevision, version, rowBytes } = row;
    return this.append({ key, createRevision, modRevision, modSub, version, rowBytes });
  }

  /** `key` is that of the version, where the caller has it at hand. */
  describe(id: VersionId, key = this.keys.keyOf(this.versions.keyOf(id))): KeyVersion {
    const { versions } = this;
    return {
      key,
      createRevision: versions.createRevisionOf(id),
      modRevision: versions.modRevisionOf(id),
      modSub: versions.modSubOf(id),
      version: versions.versionOf(id),
      rowBytes: versions.rowBytesOf(id),
    };
  }

  private putFirst(key: Bytes, row: RestoredVersion): VersionId {
    const handle = this.keys.add(key);
    this.tree.insert(handle, key, row.version !== 0);
    return this.appendRestored(handle, row);
  }

  private append(fields: VersionFields): VersionId {
    const { keys, versions } = this;
    const previous = keys.newestOf(fields.key);
    assert(previous === 0 || this.isBefore(previous, fields), 'versions of a key out of order');
    const id = versions.add(fields, previous);
    keys.setNewest(fields.key, id);
    if (fields.modRevision >= this.floorRevision) this.changes.add(id);
    return id;
  }

  private isBefore(id: VersionId, { modRevision, modSub }: VersionFields): boolean {
    const before = this.versions.modRevisionOf(id);
    return before < modRevision || (before === modRevision && this.versions.modSubOf(id) < modSub);
  }
}

export interface RestoredVersion {
  readonly main: number;
  readonly sub: number;
  readonly createRevision: number;
  readonly version: number;
  readonly rowBytes: number;
}
