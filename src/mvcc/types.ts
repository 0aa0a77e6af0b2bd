import type { Bytes } from '../base/bytes.ts';
import type { KvsWriter } from '../wire/kvs-writer.ts';

/**
 * The multi-version store as layer 2 uses it. Synchronous and pure: rows come from a `RowReader`, changed rows
 * go out as values. etcd's counterpart is server/storage/mvcc.
 */

/** Reads one row by its key (revision.ts): the encoded `mvccpb.KeyValue`, or undefined when it is not there. */
export interface RowReader {
  get(rowKey: Bytes): Bytes | undefined;
  /** The same for a row that is no tombstone, if it is in memory: without its key having to be made. */
  recent?(main: number, sub: number): Bytes | undefined;
  /** The same, to be appended to an answer; false: it is not in memory. */
  maybeCopyRecent?(main: number, sub: number, to: KvsWriter): boolean;
  /** The first `count` of these are going to be asked for. */
  prefetch?(names: RowNames, count: number): void;
}

/** Rows by their revisions, number by number. */
export interface RowNames {
  readonly mains: Float64Array;
  readonly subs: Uint32Array;
}

/** Keys with `from <= key < to`; `to` undefined means to the end of the key space. */
export interface KeyRange {
  readonly from: Bytes;
  readonly to: Bytes | undefined;
}

/** Names a watcher: a small number, used again when the watcher is no more. 0 is none. */
export type WatcherId = number;

/** One version of a key, as the index knows it: everything but the value and the lease. */
export interface KeyVersion {
  readonly key: Bytes;
  readonly createRevision: number;
  /** The revision that wrote it, and the number of the write within that revision. */
  readonly modRevision: number;
  readonly modSub: number;
  /** 1 for a key's first version. */
  readonly version: number;
  /** The length of what `read` answers: known without reading it. */
  readonly rowBytes: number;
}

/** What one stretch of reading may come to at most; one row at least is read. */
export interface StretchLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** Rows that are not in memory. */
  readonly storedRowsMax: number;
}

/** What a stretch of reading has come to. */
export interface Stretch {
  readonly rows: number;
  /** Undefined when there was no row. */
  readonly lastKey: Bytes | undefined;
}

export interface PutRow {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** What a write transaction did. Without a change `rows` is empty and `revision` is what it was. */
export interface WriteResult {
  readonly revision: number;
  /** New rows in the order of their sub-revisions, tombstones included; without those that `takeRows` has answered. */
  readonly rows: readonly PutRow[];
}

/** One write transaction: all its writes share the revision `store.revision + 1`. */
export interface WriteTxn {
  /** True once something was written. */
  readonly hasChanged: boolean;
  /** Writes a version of `key`; both arrays are copied. `lease` 0n is none. */
  put(key: Bytes, value: Bytes, lease: bigint): void;
  /**
   * Writes a tombstone for each live key of the range, or for the first `limit` of them, in key order; answers the
   * versions that it ended. When that is `limit`, more may be left above the last.
   */
  deleteRange(range: KeyRange, limit?: number): readonly KeyVersion[];
  /** The rows written since the last call: who writes many need not hand them on together. */
  takeRows(): readonly PutRow[];
  end(): WriteResult;
}

export interface RevisionStore {
  /** 1 on a fresh store. Within a write transaction that has changed something it is still the one before. */
  readonly revision: number;
  /** -1 before the first compaction. */
  readonly compactRevision: number;

  /**
   * The version of `key` that is live at `revision`; undefined revision means the newest, the writes of an open
   * transaction included.
   */
  get(key: Bytes, revision?: number): KeyVersion | undefined;
  /** Live keys of the range. O(log n) at the newest revision, O(log n + changes since) at an older one. */
  count(range: KeyRange, revision?: number): number;
  /** What `count` will answer, for who knows it: the rest of a list of which a page was read. May be forgotten. */
  rememberCount(range: KeyRange, revision: number, count: number): void;
  /** The first `limit` live versions in key order: O(log n + limit) at the newest revision. */
  scan(range: KeyRange, limit: number, revision?: number): readonly KeyVersion[];
  /** The encoded `KeyValue` of a version that was found; an invariant breaks when its row is not there. */
  read(version: KeyVersion): Bytes;

  /** One at a time. */
  begin(): WriteTxn;

  /** Makes revisions up to `revision` unreadable (it itself stays readable). The rows go by a `Compaction`. */
  compact(revision: number): void;
}

/**
 * The physical part of a compaction, in slices that may be interleaved with anything else but another
 * compaction: one is finished before the next begins.
 */
export interface Compaction {
  readonly revision: number;
  /** True while a pinned older revision holds it up: `advance` then does nothing. */
  readonly isPostponed: boolean;
  /**
   * Row keys to delete: at most `keysMax`, from looking at no more than `keysMax` keys. They are to be
   * committed in this order. Resumes by key, never by tree node.
   */
  advance(keysMax: number): { readonly deleted: readonly Bytes[]; readonly isDone: boolean };
}

/** HashKV folded over the rows of the store in key order (etcd server/storage/mvcc/hash.go). */
export interface HashKvFold {
  readonly revision: number;
  readonly compactRevision: number;
  /** The next rows; those above `revision` may be left out. */
  feed(rows: readonly PutRow[]): void;
  /** The hash of what was fed. Closes the fold. */
  result(): number;
  /** Lets compactions go on that had to wait for the fold. Harmless when it is closed already. */
  close(): void;
}
