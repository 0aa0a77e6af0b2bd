import { assert, mustBeSafe } from '../base/assert.ts';
import { binaryString, compareBytes, copyBytes, hex } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Database, WriteBatch } from './database.ts';
import { compactByRanges } from './defragment.ts';
import type { StorageContext } from './disk.ts';
import { StorageError } from './errors.ts';
import type { SpaceGuard } from './space-guard.ts';
import { DatabaseStoreImage } from './store-image.ts';
import { encodeMeta } from './store-meta.ts';
import type { StoreMeta } from './store-meta.ts';
import {
  RowSealer,
  RowTally,
  metaKey,
  replicatedFrom,
  replicatedTo,
  revisionKey,
  revisionsTo,
  rowBytes,
  rowChecksum,
  sealedChecksum,
  sealedKey,
  smallSpaces,
  spaceKey,
  totalsWithout,
  unseal,
  unsealAt,
} from './store-rows.ts';
import type { RowTotals, SmallSpace } from './store-rows.ts';
import type {
  Row,
  Scan,
  SpaceChange,
  StateStore,
  StoreBatch,
  StoreImage,
  StoreSizes,
  StoreState,
} from './types.ts';

/** Rows of one step of hashing. */
const hashRowsMax = 250;
/** A commit is put together in slices of at most this many rows and about these bytes. */
const sliceRowsMax = 250;
const sliceBytesMax = 512 * 1024;
/** Rows whose checksums are read at once before they are deleted; their values pass through memory. */
const deleteRowsMax = 64;

/** What opening found in the database (store-open.ts). */
export interface StoreContent {
  readonly meta: StoreMeta;
  /** The greatest row key there is or ever was, as far as known. */
  readonly lastRowKey: Bytes;
  readonly spaces: ReadonlyMap<SmallSpace, SpaceRows>;
  /** Of the rows in `spaces`. */
  readonly smallTotals: RowTotals;
}

/** Rows of a small space by `binaryString` of their key. */
export type SpaceRows = Map<string, Row>;

export function emptySpaces(): ReadonlyMap<SmallSpace, SpaceRows> {
  return new Map(smallSpaces.map((space) => [space, new Map()]));
}

export function putSpaceRow(
  spaces: ReadonlyMap<SmallSpace, SpaceRows>,
  space: SmallSpace,
  row: Row,
): void {
  spaces.get(space)?.set(binaryString(row.key), row);
}

/** The applied state in an ordered database. One commit at a time, each one synced batch. */
export class DatabaseStateStore implements StateStore {
  private readonly context: StorageContext;
  private readonly db: Database;
  private readonly space: SpaceGuard;
  private readonly smallRows: ReadonlyMap<SmallSpace, SpaceRows>;
  private readonly sealer = new RowSealer();
  private meta: StoreMeta;
  private smallTotals: RowTotals;
  private lastRowKey: Bytes;
  private isCommitting = false;
  private isClosed = false;
  /** What waits for the commit in flight. */
  private afterCommit: (() => void)[] = [];
  /** Of `deletedBytes`, what a defragmentation has already reclaimed; told to the disk by the next commit. */
  private reclaimedBytes = 0;
  /** Scans and images that read from this store. */
  private readonly readers = new Set<{ close(): void }>();

  constructor(parts: {
    readonly context: StorageContext;
    readonly db: Database;
    readonly space: SpaceGuard;
    readonly content: StoreContent;
  }) {
    this.context = parts.context;
    this.db = parts.db;
    this.space = parts.space;
    this.meta = parts.content.meta;
    this.lastRowKey = parts.content.lastRowKey;
    this.smallRows = parts.content.spaces;
    this.smallTotals = parts.content.smallTotals;
  }

  get state(): StoreState {
    return this.meta.state;
  }

  get sizes(): StoreSizes {
    const dbSizeInUse = this.meta.totals.bytes;
    const dbSize = dbSizeInUse + this.meta.deletedBytes - this.reclaimedBytes;
    return { dbSizeInUse, dbSize };
  }

  /** Of the rows of revisions, as of the last completed commit. */
  get revisionTotals(): RowTotals {
    return totalsWithout(this.meta.totals, this.smallTotals);
  }

  get spaces(): ReadonlyMap<SmallSpace, readonly Row[]> {
    const sorted = new Map<SmallSpace, readonly Row[]>();
    for (const [space, rows] of this.smallRows) {
      sorted.set(
        space,
        [...rows.values()].sort((a, b) => compareBytes(a.key, b.key)),
      );
    }
    return sorted;
  }

  commit(batch: StoreBatch, done: () => void): void {
    assert(!this.isCommitting, 'one commit is in flight at a time');
    if (this.context.hasFailed) return;
    this.checkBatch(batch);
    this.isCommitting = true;
    const commit = new Commit(batch, {
      meta: this.meta,
      smallTotals: this.smallTotals,
      reclaimedBytes: this.reclaimedBytes,
      lastRowKey: this.lastRowKey,
    });
    this.countDeleted(commit, 0, () => this.write(commit, done));
  }

  get(rowKey: Bytes): Bytes | undefined {
    const diskKey = revisionKey(rowKey);
    const sealed = this.db.get(diskKey);
    if (sealed === undefined) return undefined;
    const value = unsealAt(diskKey, sealed);
    if (value !== undefined) return value;
    const error = damagedRow(diskKey);
    this.context.fail(error);
    throw error;
  }

  scan(
    from: Bytes,
    to: Bytes | undefined,
    rowsMax: number,
    next: (rows: readonly Row[], isLast: boolean, resume: () => void) => void,
  ): Scan {
    const diskTo = to === undefined ? revisionsTo : revisionKey(to);
    return this.scanRows(revisionKey(from), diskTo, rowsMax, (rows, isLast, resume) => {
      const bare = rows.map((row) => ({ key: row.key.subarray(1), value: row.value }));
      next(bare, isLast, resume);
    });
  }

  defragment(done: () => void): void {
    const reclaimable = this.meta.deletedBytes;
    compactByRanges(this.db, this.state.revision, (error) => {
      if (this.context.hasFailed) return;
      // A store that is closed meanwhile has no use for the rest.
      if (this.isClosed) return done();
      if (error !== undefined) return this.context.writeFailed('defragmenting the store', error);
      this.reclaimedBytes = Math.max(this.reclaimedBytes, reclaimable);
      done();
    });
  }

  hash(done: (hash: number) => void): void {
    this.whenIdle(() => {
      let hash = 0;
      this.scanRows(replicatedFrom, replicatedTo, hashRowsMax, (rows, isLast, resume) => {
        for (const row of rows) hash = crc32c(row.value, crc32c(row.key, hash));
        if (isLast) done(hash);
        else resume();
      });
    });
  }

  openImage(): StoreImage {
    assert(!this.isCommitting, 'an image is taken between two commits');
    const cursor = this.db.scanValues(replicatedFrom, replicatedTo);
    const image = new DatabaseStoreImage(this.context, cursor, this.meta, () =>
      this.readers.delete(image),
    );
    this.readers.add(image);
    return image;
  }

  close(done: () => void): void {
    const close = (): void => {
      this.isClosed = true;
      for (const reader of this.readers) reader.close();
      this.db.close(done);
    };
    if (this.context.hasFailed) close();
    else this.whenIdle(close);
  }

  private checkBatch(batch: StoreBatch): void {
    const { state } = batch;
    assert(state.appliedIndex >= this.state.appliedIndex, 'the applied index does not go back');
    mustBeSafe(state.revision, 'revision');
    let last = this.lastRowKey;
    for (const row of batch.put) {
      assert(compareBytes(row.key, last) > 0, 'new rows ascend, above all rows before them');
      last = row.key;
    }
  }

  private whenIdle(run: () => void): void {
    if (this.isCommitting) this.afterCommit.push(run);
    else run();
  }

  /** The totals must know what a deleted row counted for, so it is read first. */
  private countDeleted(commit: Commit, from: number, done: () => void): void {
    const keys = commit.toRead(from, deleteRowsMax);
    if (keys.length === 0) return done();
    this.db.getMany(keys, (error, values) => {
      if (this.context.hasFailed) return;
      if (error !== undefined) return this.context.readFailed('reading rows to delete', error);
      const sealed = values.flatMap((value) => value ?? []);
      const rows = this.unsealRows(sealed);
      if (rows === undefined) return;
      rows.forEach(({ key, value }, i) => {
        commit.removed(key, value.length, sealedChecksum(sealed[i] as Bytes));
      });
      this.countDeleted(commit, from + keys.length, done);
    });
  }

  private write(commit: Commit, done: () => void): void {
    if (this.context.hasFailed) return;
    const dbBatch = this.db.batch();
    this.putSlice(commit, dbBatch, 0, () => {
      for (const change of commit.batch.changes) this.putChange(commit, change, dbBatch);
      const meta = commit.nextMeta();
      dbBatch.put(metaKey, encodeMeta(meta));
      this.space.fits(commit.writtenBytes, () => {
        dbBatch.write((error) => {
          if (this.context.hasFailed) return;
          if (error !== undefined) return this.context.writeFailed('a commit of the store', error);
          this.committed(commit, meta);
          done();
          for (const run of this.afterCommit.splice(0)) run();
        });
      });
    });
  }

  /** Fills the batch bit by bit: ten thousand rows at once would hold the event loop for 40 ms. */
  private putSlice(commit: Commit, dbBatch: WriteBatch, from: number, done: () => void): void {
    if (this.context.hasFailed) return;
    const { put } = commit.batch;
    const { deletedKeys } = commit;
    const bytesBefore = commit.writtenBytes;
    let at = from;
    while (at < from + sliceRowsMax && commit.writtenBytes < bytesBefore + sliceBytesMax) {
      const row = put[at];
      const deleted = deletedKeys[at - put.length];
      if (row !== undefined) this.putRow(commit, row, dbBatch);
      else if (deleted !== undefined) dbBatch.del(deleted);
      else return done();
      at++;
    }
    this.context.scheduler.endOfTurn(() => this.putSlice(commit, dbBatch, at, done));
  }

  private putRow(commit: Commit, row: Row, dbBatch: WriteBatch): void {
    const diskKey = revisionKey(row.key);
    if (commit.isDeletedUnwritten(diskKey)) return;
    dbBatch.put(diskKey, this.sealer.seal(diskKey, row.value));
    commit.added(diskKey, row.value.length, this.sealer.checksum);
  }

  private putChange(commit: Commit, change: SpaceChange, dbBatch: WriteBatch): void {
    const diskKey = spaceKey(change.space, change.key);
    const name = binaryString(diskKey);
    const old = commit.overlay.has(name)
      ? commit.overlay.get(name)?.value
      : this.smallRows.get(change.space)?.get(binaryString(change.key))?.value;
    if (old !== undefined) commit.removedSmall(diskKey, old.length, rowChecksum(diskKey, old));
    commit.overlay.set(name, change);
    if (change.value === undefined) dbBatch.del(diskKey);
    else {
      dbBatch.put(diskKey, this.sealer.seal(diskKey, change.value));
      commit.addedSmall(diskKey, change.value.length, this.sealer.checksum);
    }
  }

  private committed(commit: Commit, meta: StoreMeta): void {
    for (const { space, key, value } of commit.batch.changes) {
      const rows = this.smallRows.get(space);
      assert(rows !== undefined, `the space ${space} is known`);
      if (value === undefined) rows.delete(binaryString(key));
      else rows.set(binaryString(key), { key: copyBytes(key), value: copyBytes(value) });
    }
    this.meta = meta;
    this.smallTotals = commit.smallTotals;
    this.reclaimedBytes -= commit.reclaimedBytes;
    const last = commit.batch.put.at(-1);
    if (last !== undefined) this.lastRowKey = copyBytes(last.key);
    this.isCommitting = false;
  }

  /** Rows with their keys on disk, and their values without checksums. */
  private scanRows(
    from: Bytes,
    to: Bytes,
    rowsMax: number,
    next: (rows: readonly Row[], isLast: boolean, resume: () => void) => void,
  ): Scan {
    const cursor = this.db.scanValues(from, to);
    let isClosed = false;
    const scan = {
      close: (): void => {
        if (!isClosed) cursor.close();
        isClosed = true;
        this.readers.delete(scan);
      },
    };
    this.readers.add(scan);
    const resume = (): void => {
      if (isClosed) return;
      cursor.next(rowsMax, (error, rows) => {
        if (isClosed || this.context.hasFailed) return;
        if (error !== undefined) return this.context.readFailed('a scan of the store', error);
        if (rows.length === 0) scan.close();
        const unsealed = this.unsealRows(rows);
        if (unsealed !== undefined) next(unsealed, rows.length === 0, resume);
      });
    };
    resume();
    return scan;
  }

  private unsealRows(rows: readonly Bytes[]): readonly Row[] | undefined {
    const unsealed: Row[] = [];
    for (const sealed of rows) {
      const row = unseal(sealed);
      if (row === undefined) {
        this.context.fail(damagedRow(sealedKey(sealed)));
        return undefined;
      }
      unsealed.push(row);
    }
    return unsealed;
  }
}

function damagedRow(diskKey: Bytes): StorageError {
  const message = `row ${hex(diskKey)} of the store does not match its checksum`;
  return new StorageError('STORE_DAMAGED', message);
}

/** What a commit changes. */
interface StoreBefore {
  readonly meta: StoreMeta;
  readonly smallTotals: RowTotals;
  readonly reclaimedBytes: number;
  readonly lastRowKey: Bytes;
}

/** A commit while it is put together. */
class Commit {
  readonly batch: StoreBatch;
  /** On disk before this commit, or never there. */
  readonly deletedKeys: readonly Bytes[];
  /** Changes of small spaces in this commit by `binaryString` of their key on disk. */
  readonly overlay = new Map<string, SpaceChange>();
  readonly reclaimedBytes: number;
  writtenBytes = metaBytesAbout;
  private readonly previous: StoreMeta;
  private readonly tally: RowTally;
  private readonly smallTally: RowTally;
  private readonly unwritten: ReadonlySet<string>;
  private removedBytes = 0;

  constructor(batch: StoreBatch, before: StoreBefore) {
    const { lastRowKey } = before;
    this.batch = batch;
    this.previous = before.meta;
    this.reclaimedBytes = before.reclaimedBytes;
    this.tally = new RowTally(before.meta.totals);
    this.smallTally = new RowTally(before.smallTotals);
    // Rows above the last one committed can only be in this batch: they are not written at all.
    const committed = new Map<string, Bytes>();
    const unwritten = new Set<string>();
    for (const key of batch.deleted) {
      const diskKey = revisionKey(key);
      if (compareBytes(key, lastRowKey) > 0) unwritten.add(binaryString(diskKey));
      else committed.set(binaryString(diskKey), diskKey);
    }
    this.deletedKeys = [...committed.values()];
    this.unwritten = unwritten;
  }

  toRead(from: number, rowsMax: number): readonly Bytes[] {
    return this.deletedKeys.slice(from, from + rowsMax);
  }

  isDeletedUnwritten(diskKey: Bytes): boolean {
    return this.unwritten.size > 0 && this.unwritten.has(binaryString(diskKey));
  }

  added(diskKey: Bytes, valueLength: number, checksum: number): void {
    const bytes = rowBytes(diskKey, valueLength);
    this.tally.add(bytes, checksum);
    this.writtenBytes += bytes;
  }

  removed(diskKey: Bytes, valueLength: number, checksum: number): void {
    const bytes = rowBytes(diskKey, valueLength);
    this.tally.remove(bytes, checksum);
    this.removedBytes += bytes;
  }

  addedSmall(diskKey: Bytes, valueLength: number, checksum: number): void {
    this.added(diskKey, valueLength, checksum);
    this.smallTally.add(rowBytes(diskKey, valueLength), checksum);
  }

  removedSmall(diskKey: Bytes, valueLength: number, checksum: number): void {
    this.removed(diskKey, valueLength, checksum);
    this.smallTally.remove(rowBytes(diskKey, valueLength), checksum);
  }

  get smallTotals(): RowTotals {
    return this.smallTally.totals();
  }

  nextMeta(): StoreMeta {
    return {
      state: this.batch.state,
      previousIndex: this.previous.state.appliedIndex,
      totals: this.tally.totals(),
      deletedBytes: this.previous.deletedBytes - this.reclaimedBytes + this.removedBytes,
    };
  }
}

const metaBytesAbout = 1024;
