import { assert } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { KeyIndex } from './key-index.ts';
import { wholeKeySpace } from './key-range.ts';
import { decodeRowKey } from './revision.ts';
import { decodeRowHead } from './row.ts';
import type { MvccStore } from './store.ts';
import type { HashKvFold, PutRow } from './types.ts';

/** The name of etcd's bucket, which its hash begins with. */
const bucketName = utf8('key');

/**
 * etcd's HashKV (server/storage/mvcc/hash.go): CRC-32C over keys and values of the rows up to
 * `revision` in the order of their keys, except
 *
 * - rows at or below `compactRevision` whose version is no longer live at `revision`: they may be
 *   deleted already or not. Where nothing is live at `revision` etcd skips none of the rows it still
 *   has; here that is what was live at `compactRevision`, so that it is the same at any moment;
 * - a tombstone exactly at `compactRevision`, which etcd before 3.5.16 used to delete.
 *
 * A fold pins `compactRevision`: later compactions wait until it is closed.
 */
class StoreHashFold implements HashKvFold {
  readonly revision: number;
  readonly compactRevision: number;
  private readonly index: KeyIndex;
  /** A row at or below `compactRevision` counts when its version is live at this revision. */
  private readonly liveRevision: number;
  private readonly release: () => void;
  private isClosed = false;
  private sum = crc32c(bucketName);
  private lastMain = -1;
  private lastSub = -1;

  constructor(store: MvccStore, at: FoldRevisions) {
    this.index = store.index;
    this.revision = at.revision;
    this.compactRevision = at.compactRevision;
    this.liveRevision = at.skipsDead ? at.revision : at.compactRevision;
    this.release = store.pin(at.compactRevision);
  }

  feed(rows: readonly PutRow[]): void {
    assert(!this.isClosed, 'rows were fed to a hash that is closed');
    for (const row of rows) {
      if (this.counts(row)) this.sum = crc32c(row.value, crc32c(row.key, this.sum));
    }
  }

  result(): number {
    this.close();
    return this.sum;
  }

  close(): void {
    this.isClosed = true;
    this.release();
  }

  private counts(row: PutRow): boolean {
    const { main, sub } = decodeRowKey(row.key);
    const isLater = main > this.lastMain || (main === this.lastMain && sub > this.lastSub);
    assert(isLater, `row ${main}.${sub} was hashed out of order`);
    this.lastMain = main;
    this.lastSub = sub;
    if (main > this.revision) return false;
    if (main > this.compactRevision) return true;
    return this.isLive(row, main, sub);
  }

  /** Never true of a tombstone, so the one at `compactRevision` is skipped too. */
  private isLive(row: PutRow, main: number, sub: number): boolean {
    const { index } = this;
    const handle = index.tree.find(decodeRowHead(row.value).key);
    const id = handle === 0 ? 0 : index.liveAt(handle, this.liveRevision);
    if (id === 0) return false;
    return index.versions.modRevisionOf(id) === main && index.versions.modSubOf(id) === sub;
  }
}

interface FoldRevisions {
  readonly revision: number;
  readonly compactRevision: number;
  /** Whether etcd would skip, at or below `compactRevision`, what is dead at `revision`. */
  readonly skipsDead: boolean;
}

/** The hash that HashKV(`revision`) answers, computed now. A negative revision has no rows. */
export function hashKvFold(store: MvccStore, revision: number): HashKvFold {
  const liveCount = revision < 0 ? 0 : store.count(wholeKeySpace, revision);
  const { compactRevision } = store;
  return new StoreHashFold(store, { revision, compactRevision, skipsDead: liveCount > 0 });
}

/**
 * The hash that etcd computes while it compacts, to be begun right after `store.compact` and before
 * any row is deleted: it covers the rows since the compaction before. HashKV at the revision of a
 * compaction answers this hash as long as it is remembered.
 */
export function compactionHashFold(store: MvccStore, previousCompactRevision: number): HashKvFold {
  const revision = store.compactRevision;
  assert(previousCompactRevision < revision, 'a compaction before itself');
  // What the compaction keeps is not empty when it keeps a tombstone: unlike in HashKV before it.
  const keepsAny =
    store.count(wholeKeySpace, revision) > 0 || hasTombstoneAt(store.index, revision);
  return new StoreHashFold(store, {
    revision,
    compactRevision: previousCompactRevision,
    skipsDead: keepsAny,
  });
}

function hasTombstoneAt({ changes, versions }: KeyIndex, revision: number): boolean {
  for (let at = changes.firstAfter(revision - 1); at < changes.end; at++) {
    const id = changes.at(at);
    if (versions.modRevisionOf(id) > revision) return false;
    if (versions.isTombstone(id)) return true;
  }
  return false;
}
