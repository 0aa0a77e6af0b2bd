import type { Bytes } from '../base/bytes.ts';
import type { ConfState, Entry, HardState, LogReader, MemberId } from '../raft/types.ts';

/**
 * What layer 4 asks of the disk. Completions are callbacks; a failed write is final (`fatal` is called, the
 * callback never is), because a store that goes on after one can lose what it acknowledged.
 */

/** One synced batch of the log: hard state and entries, together or not at all. */
export interface LogBatch {
  readonly hardState: HardState | undefined;
  /** Contiguous. The first may lie within the log: then the suffix from it on is replaced. */
  readonly entries: readonly Entry[];
}

/**
 * The Raft log on disk. `LogReader` shows an append from its completion on (before `done` is called), from memory
 * where it is recent. Entries are kept as they are handed in: their bytes must not change any more.
 */
export interface LogStore extends LogReader {
  readonly hardState: HardState;
  /**
   * Appends one batch, synced. At most one may be in flight. Before `done` a new term or vote is in the tail
   * witness too. An empty batch is allowed: it only takes deletions of `compact` along.
   */
  append(batch: LogBatch, done: () => void): void;
  /**
   * Forgets entries up to and including `index`, at once for readers. On disk they are deleted bit by bit by the
   * appends that follow: a crash may bring some back, never with a gap.
   */
  compact(index: number): void;
  /** Empties the log; the next entry is `index + 1` after (index, term). Synced. */
  reset(index: number, term: number, hardState: HardState, done: () => void): void;
  close(done: () => void): void;
}

/** A row of the revision space: key = `encodeRowKey`, value = encoded `mvccpb.KeyValue`. */
export interface Row {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** The other spaces of the store. Their rows are small and known by id. */
export type Space = 'meta' | 'lease' | 'auth' | 'members' | 'alarm';

export interface SpaceChange {
  readonly space: Exclude<Space, 'meta'>;
  readonly key: Bytes;
  /** Undefined deletes. */
  readonly value: Bytes | undefined;
}

/** What each commit says about the whole store, in the same batch as the rows. */
export interface StoreState {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly revision: number;
  /** -1 before the first compaction. */
  readonly compactRevision: number;
  /** The compaction whose deletions may be unfinished, or -1: it is taken up again after a start. */
  readonly scheduledCompaction: number;
  readonly confState: ConfState;
}

/** One atomic, synced commit of the store. */
export interface StoreBatch {
  readonly state: StoreState;
  /** New rows, keys ascending and above those of all rows before. */
  readonly put: readonly Row[];
  /** Row keys to delete (compaction), also of rows put in this batch. What is not there is no error. */
  readonly deleted: readonly Bytes[];
  readonly changes: readonly SpaceChange[];
}

export interface StoreSizes {
  /** Sum of the bytes of all rows, keys and values: equal on all members at one applied index. */
  readonly dbSizeInUse: number;
  /** That plus the bytes deleted since the last Defragment. */
  readonly dbSize: number;
}

/** A scan that was cut short, or has reached its end. */
export interface Scan {
  close(): void;
}

/** The applied state on disk. */
export interface StateStore {
  /** As of the last completed commit. */
  readonly state: StoreState;
  readonly sizes: StoreSizes;
  commit(batch: StoreBatch, done: () => void): void;
  /** A committed row's value, without its checksum; verified. Synchronous. */
  get(rowKey: Bytes): Bytes | undefined;
  /**
   * Rows with `from <= key < to` (undefined: to the end) in order, from a snapshot taken now. `next` is called
   * with batches of at most `rowsMax` rows; it answers whether to go on (through `resume`). The last call has
   * `isLast`. An empty space gives one empty last batch.
   */
  scan(
    from: Bytes,
    to: Bytes | undefined,
    rowsMax: number,
    next: (rows: readonly Row[], isLast: boolean, resume: () => void) => void,
  ): Scan;
  /** All rows of the small spaces in key order, as of the last completed commit. Built on each access. */
  readonly spaces: ReadonlyMap<Exclude<Space, 'meta'>, readonly Row[]>;
  /** Compacts the files on disk; service goes on. `dbSize` falls to `dbSizeInUse`. */
  defragment(done: () => void): void;
  /** CRC-32C over every replicated row of every space, in key order; for Maintenance.Hash. */
  hash(done: (hash: number) => void): void;
  /**
   * A consistent image of the whole store as of its last commit, to stream to a member that is behind. Not while
   * a commit is in flight.
   */
  openImage(): StoreImage;
  close(done: () => void): void;
}

export interface StoreImage {
  readonly state: StoreState;
  /**
   * The next chunk of at most about `bytesMax` bytes (one row may be larger); undefined at the end, and when the
   * image is closed. Chunks are whole: they are not to be cut or joined on the way.
   */
  read(bytesMax: number, next: (chunk: Bytes | undefined) => void): void;
  close(): void;
}

/**
 * Receives an image into a fresh file set; nothing of the old one changes before `install`. Chunks one at a time,
 * in order. A refused image removes itself; otherwise `install` or `abort` ends it.
 */
export interface ImageWriter {
  /** What was received, once `finish` has found it whole. */
  readonly state: StoreState | undefined;
  write(chunk: Bytes, done: () => void): void;
  /** Makes the received store durable and whole-checked. `refused` says what is wrong with it. */
  finish(done: (refused: string | undefined) => void): void;
  abort(): void;
}

/**
 * A copy of what rows are made into in memory (keys, versions, leases of keys), from which a start goes on instead of
 * reading all rows. It helps a start and is never needed: what is wrong with one is told and costs time, nothing
 * else. It counts from `finish` on.
 */
export interface CheckpointWriter {
  /** What it is to be a copy of: the store as of its last commit when it was opened. */
  readonly state: StoreState;
  /** One block at a time; `kind` is the caller's, below 256. `failed` says why there will be no checkpoint. */
  write(kind: number, bytes: Bytes, done: (failed: string | undefined) => void): void;
  /** `count`: the rows of revisions up to that of `state`. All that was copied is durable in the store by now. */
  finish(through: CheckpointThrough, done: (failed: string | undefined) => void): void;
  /** Leaves nothing behind. Harmless when it has failed. */
  abort(): void;
}

export interface CheckpointThrough {
  /** The applied index as of which the last block was copied: the store must have reached it. */
  readonly appliedIndex: number;
}

/** Takes a checkpoint when the store is opened. */
export interface CheckpointTarget {
  /** Begins anew, with the index as of `revision`; nothing below `compactRevision` can be read in it. */
  begin(at: Pick<StoreState, 'revision' | 'compactRevision'>): void;
  /**
   * The next block, checked. Its bytes begin where their memory does, and are the target's. Throws when it is of no
   * use.
   */
  take(kind: number, bytes: Bytes): void;
  /**
   * All blocks were taken, and compactions up to that of `state` are to be made good for. Answers how many rows they
   * took. Throws when it is of no use.
   */
  finish(state: StoreState): number;
  /** What was taken is in force, and what follows are the rows above its revision. */
  used(): void;
  /** What was taken, and rows since, must be forgotten: all rows are to come. */
  ignored(reason: string): void;
}

/** What a member finds in its data dir. */
export interface DataDir {
  readonly log: LogStore;
  readonly store: StateStore;
  readonly identity: DataDirIdentity;
  /**
   * What has been proven to be missing, as a sentence for people, or undefined. A member that has lost something
   * must not vote and must not acknowledge. It stays so over restarts and snapshots: only a new member, with a new
   * data dir, is free of it.
   */
  readonly provenLoss: string | undefined;
  /** Free bytes of the disk, about. */
  readonly freeBytes: number;
  /** Less than `freeBytesMin` is free: proposals should be refused until there is more. */
  readonly isSpaceLow: boolean;
  /** One at a time. */
  receiveImage(): ImageWriter;
  /** Not while a commit is in flight. Undefined while the end of another one is still being written. */
  openCheckpoint(): CheckpointWriter | undefined;
  /** What a checkpoint says is not what the store has: no start must go by it any more. */
  removeCheckpoint(done: () => void): void;
  /**
   * Switches to the received file set (pointer file) with the log reset to its index. Nothing may be in flight.
   * From `done` on `log` and `store` are other objects; the old ones are closed and removed.
   */
  install(writer: ImageWriter, hardState: HardState, done: () => void): void;
  close(done: () => void): void;
}

/** Written when the data dir is made. */
export interface DataDirIdentity {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** Random, made with the data dir: tells a wiped disk from the one that had the id before. */
  readonly incarnation: bigint;
  /** `encodeLineage`; left out when the data was never forced or restored. The one thing that may change. */
  readonly lineage?: Bytes;
}

/** Free bytes below which a member refuses proposals, so that a write error stays rare. */
export const freeBytesMin = 64 * 1024 * 1024;
