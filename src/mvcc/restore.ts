import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { IndexBuilder } from './index-builder.ts';
import { KeyIndex, type RestoredVersion } from './key-index.ts';
import { decodeRowKey } from './revision.ts';
import { decodeRowHead } from './row.ts';
import { firstRevision, MvccStore } from './store.ts';
import type { PutRow, RowReader } from './types.ts';

/** Told of every row: the lease that its version of the key has; 0n is none, and what a tombstone has. */
export type OnVersion = (key: Bytes, lease: bigint) => void;

/**
 * How rows come. In slices: other work goes on between two calls of `feed`, and `finish` must not take long; it
 * all takes longer then. Or to an index that has all versions up to `revision`: only those above it come.
 */
export type RestoreHow =
  'at once' | 'in slices' | { readonly index: KeyIndex; readonly revision: number };

/**
 * Builds the store again from its rows, which come in the order of their keys and so of their
 * revisions. Rows that a compaction had still to delete do no harm: they lie below what may be read,
 * and the compaction, run again, deletes them. That holds because a compaction deletes the rows of a
 * key from the oldest on: a deletion left half done never uncovers an older version.
 */
export class StoreRestorer {
  private readonly index: KeyIndex;
  private readonly builder: IndexBuilder | undefined;
  private readonly compactRevision: number;
  private readonly onVersion: OnVersion;
  private lastMain = 0;
  private lastSub = 0;

  /** `compactRevision` is the last compaction that was asked for, finished or not; -1 is none. */
  constructor(
    compactRevision: number,
    onVersion: OnVersion = () => undefined,
    how: RestoreHow = 'at once',
  ) {
    this.compactRevision = compactRevision;
    this.onVersion = onVersion;
    this.index = typeof how === 'object' ? how.index : new KeyIndex();
    this.builder = how === 'at once' ? new IndexBuilder(this.index) : undefined;
    if (typeof how === 'object') {
      this.lastMain = how.revision;
      this.lastSub = Number.MAX_SAFE_INTEGER;
    }
    this.index.raiseFloor(compactRevision);
  }

  /** The next rows. Their bytes are not kept. */
  feed(rows: readonly PutRow[]): void {
    for (const row of rows) this.add(row);
  }

  /**
   * The store at `revision`, or at a higher one that a row or the compaction shows to have been
   * reached: a deletion that was the newest row is gone when it was compacted away.
   */
  finish(rows: RowReader, revision: number): MvccStore {
    this.builder?.finish();
    return new MvccStore(rows, {
      index: this.index,
      revision: Math.max(firstRevision, revision, this.lastMain, this.compactRevision),
      compactRevision: this.compactRevision,
    });
  }

  private add({ key: rowKey, value }: PutRow): void {
    const { main, sub, isTombstone } = decodeRowKey(rowKey);
    const isLater = main > this.lastMain || (main === this.lastMain && sub > this.lastSub);
    assert(isLater, `row ${main}.${sub} is out of order`);
    this.lastMain = main;
    this.lastSub = sub;
    const { key, createRevision, modRevision, version, lease } = decodeRowHead(value);
    assert(key.length > 0, `row ${main}.${sub} names no key`);
    this.onVersion(key, isTombstone ? 0n : lease);
    if (isTombstone) {
      this.restore(key, { main, sub, createRevision: 0, version: 0, rowBytes: 0 });
      return;
    }
    assert(modRevision === main, `row ${main}.${sub} says it is of revision ${modRevision}`);
    assert(version > 0 && createRevision > 0, `row ${main}.${sub} is not a version of a key`);
    this.restore(key, { main, sub, createRevision, version, rowBytes: value.length });
  }

  private restore(key: Bytes, row: RestoredVersion): void {
    if (this.builder === undefined) this.index.restore(key, row);
    else this.builder.add(key, row);
  }
}
