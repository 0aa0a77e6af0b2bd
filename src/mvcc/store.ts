import { assert, mustBeSafe, mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { Slab } from '../base/slab.ts';
import { kvBytes, type KvsWriter } from '../wire/kvs-writer.ts';
import { countIndex, findVersions, scanIndex } from './index-reads.ts';
import { KeyIndex } from './key-index.ts';
import { PageCounts } from './page-counts.ts';
import { KeyPrefetch } from './prefetch.ts';
import { encodeRowKey } from './revision.ts';
import type {
  KeyRange,
  KeyVersion,
  RevisionStore,
  RowReader,
  Stretch,
  StretchLimits,
  WriteTxn,
} from './types.ts';
import { OpenWriteTxn } from './write-txn.ts';

/** What a store starts from: empty, or as restore.ts built it. */
export interface StoreStart {
  readonly index: KeyIndex;
  readonly revision: number;
  readonly compactRevision: number;
}

/** The revision of a store to which nothing was ever written; the first write is revision 2. */
export const firstRevision = 1;

/** Versions that one stretch of reading looks at. */
const foundMax = 512;

/**
 * The multi-version store: the key index in memory, values read through a `RowReader`. Whether a
 * revision may be read (not compacted, not in the future) is for the caller to check and to answer;
 * here it is asserted only that the index still knows what it is asked.
 */
export class MvccStore implements RevisionStore {
  readonly index: KeyIndex;
  private readonly rows: RowReader;
  private currentRevision: number;
  private compactedRevision: number;
  private open: OpenWriteTxn | undefined;
  private readonly pageCounts = new PageCounts();
  private readonly keyPrefetch: KeyPrefetch;
  /** Rows are let go when they are durable, in the order in which they were written. */
  private readonly rowMemory = new Slab(64 * 1024);
  /** The versions of one stretch of reading. */
  private readonly found = new Uint32Array(foundMax);
  /** Revisions that physical deletion has to leave readable, each as often as it is pinned. */
  private readonly pinned: number[] = [];

  constructor(rows: RowReader, start?: StoreStart) {
    this.rows = rows;
    this.index = start?.index ?? new KeyIndex();
    this.keyPrefetch = new KeyPrefetch(this.index, rows);
    this.currentRevision = start?.revision ?? firstRevision;
    this.compactedRevision = start?.compactRevision ?? -1;
  }

  get revision(): number {
    return this.currentRevision;
  }

  get compactRevision(): number {
    return this.compactedRevision;
  }

  get(key: Bytes, revision?: number): KeyVersion | undefined {
    this.mustKnow(revision);
    const { index } = this;
    const handle = index.tree.find(key);
    if (handle === 0) return undefined;
    const id = revision === undefined ? index.newestLive(handle) : index.liveAt(handle, revision);
    return id === 0 ? undefined : index.describe(id, key);
  }

  /** These keys are going to be read: `prefetchKeysMax` of them are no dearer together than a few. */
  prefetch(keys: readonly Bytes[]): void {
    this.keyPrefetch.run(keys);
  }

  count(range: KeyRange, revision?: number): number {
    this.mustKnow(revision);
    const known = revision === undefined ? undefined : this.pageCounts.get(range, revision);
    return known ?? countIndex(this.index, range, revision);
  }

  rememberCount(range: KeyRange, revision: number, count: number): void {
    this.pageCounts.set(range, revision, count);
  }

  scan(range: KeyRange, limit: number, revision?: number): readonly KeyVersion[] {
    this.mustKnow(revision);
    return scanIndex(this.index, range, limit, revision);
  }

  read(version: KeyVersion): Bytes {
    const own = this.open?.readOwn(version);
    if (own !== undefined) return own;
    const { modRevision, modSub } = version;
    const recent = this.rows.recent?.(modRevision, modSub);
    if (recent !== undefined) return recent;
    return this.readStored(modRevision, modSub);
  }

  /** Appends the rows of the first live keys of the range to an answer: no object is made of any of them. */
  readInto(to: KvsWriter, range: KeyRange, revision: number, limits: StretchLimits): Stretch {
    this.mustKnow(revision);
    assert(this.open === undefined, 'an answer is made within a write transaction');
    const { index, rows } = this;
    const { keys, versions } = index;
    const found = this.found.subarray(0, Math.min(limits.rowsMax, foundMax));
    const count = findVersions(index, range, revision, found);
    let bytes = 0;
    let end = 0;
    while (end < count && bytes < limits.bytesMax) {
      bytes += kvBytes(versions.rowBytesOf(found[end++] as number));
    }
    to.expect(bytes);
    let stored = 0;
    let at = 0;
    while (at < end && stored < limits.storedRowsMax) {
      const id = found[at++] as number;
      const main = versions.modRevisionOf(id);
      const sub = versions.modSubOf(id);
      if (rows.maybeCopyRecent?.(main, sub, to) === true) continue;
      to.add(this.readStored(main, sub));
      stored++;
    }
    const last = at === 0 ? undefined : keys.keyOf(versions.keyOf(found[at - 1] as number));
    return { rows: at, lastKey: last };
  }

  private readStored(main: number, sub: number): Bytes {
    const row = this.rows.get(encodeRowKey(main, sub, false));
    return mustGet(row, `the row of revision ${main}.${sub} is not there`);
  }

  begin(): WriteTxn {
    assert(this.open === undefined, 'a write transaction is open already');
    const main = mustBeSafe(this.currentRevision + 1, 'revision');
    this.open = new OpenWriteTxn(this.index, main, this.rowMemory, (result) => {
      this.open = undefined;
      this.currentRevision = result.revision;
    });
    return this.open;
  }

  compact(revision: number): void {
    assert(revision > this.compactedRevision, `revision ${revision} was compacted before`);
    assert(revision <= this.currentRevision, `revision ${revision} to compact is in the future`);
    this.compactedRevision = revision;
  }

  /**
   * Keeps `revision` readable until the answer is called, though a compaction may make it unreadable
   * for new requests meanwhile: compactions above it wait. For long answers given in slices; whoever
   * pins limits the time (each release counts once).
   */
  pin(revision: number): () => void {
    this.mustKnow(revision);
    this.pinned.push(revision);
    let isPinned = true;
    return () => {
      if (isPinned) this.pinned.splice(this.pinned.indexOf(revision), 1);
      isPinned = false;
    };
  }

  /** True while some pinned revision would be lost by a compaction at `revision`. */
  isPinnedBelow(revision: number): boolean {
    return this.pinned.some((pinned) => pinned < revision);
  }

  private mustKnow(revision: number | undefined): void {
    if (revision === undefined) return;
    const { floor } = this.index;
    assert(revision >= floor, `revision ${revision} was read after its compaction at ${floor}`);
    const newest = this.currentRevision + (this.open?.hasChanged === true ? 1 : 0);
    assert(revision <= newest, `revision ${revision} was read before it was written`);
  }
}
