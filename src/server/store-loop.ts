import { readUint32, readUint64, type Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import { RowArena } from '../mvcc/row-arena.ts';
import type { RowNames, RowReader } from '../mvcc/types.ts';
import type { KvsWriter } from '../wire/kvs-writer.ts';
import type { Row, SpaceChange, StateStore, StoreState } from '../storage/types.ts';

/**
 * Gathers what was applied and writes it as one atomic, synced batch together with the applied index: every
 * `intervalMs`, `rowsMax` rows or 8 MiB. Until a row is durable it is read from here. A commit waits until the
 * member's own log holds what was applied; answering clients does not wait for it.
 */
export interface StoreLoopParts {
  readonly scheduler: Scheduler;
  readonly intervalMs: number;
  readonly rowsMax: number;
  /** What the store would say of itself if all that was applied were committed now. */
  readonly currentState: () => StoreState;
  /** How far the own log is durable. */
  readonly logSyncedIndex: () => number;
  readonly onCommitted: (state: StoreState) => void;
  readonly commitTook: (durationMs: number) => void;
  /** Bytes of rows kept in memory that are durable already. */
  readonly arenaBytesMax: number;
}

const batchBytesMax = 8 * 1024 * 1024;
/** Bytes gathered behind a slow commit before applying waits for it. */
const gatheredBytesMax = 64 * 1024 * 1024;

interface Gathering {
  readonly put: Row[];
  readonly deleted: Bytes[];
  readonly changes: SpaceChange[];
  bytes: number;
  isDirty: boolean;
}

export class StoreLoop implements RowReader {
  private readonly parts: StoreLoopParts;
  private readonly arena: RowArena;
  private store: StateStore;
  private gathering = emptyGathering();
  private inFlight: Gathering | undefined;
  private waiters: (() => void)[] = [];
  private timer: Timer | undefined;
  private isDue = false;
  /** The end of a commit is being told: the next one waits for it. */
  private isTelling = false;
  private isWithinEntry = false;
  private isStopped = false;

  constructor(store: StateStore, parts: StoreLoopParts) {
    this.store = store;
    this.parts = parts;
    this.arena = new RowArena(parts.arenaBytesMax);
  }

  /** Applying should wait until a commit has made room. */
  get isFull(): boolean {
    return this.gathering.bytes > gatheredBytesMax;
  }

  /** Bytes of rows that were applied and are not in the store yet. */
  get unwrittenBytes(): number {
    return this.gathering.bytes + (this.inFlight?.bytes ?? 0);
  }

  get(rowKey: Bytes): Bytes | undefined {
    const main = readUint64(rowKey, 0);
    const sub = readUint32(rowKey, subLowOffset);
    const unwritten =
      rowOf(this.gathering.put, main, sub) ??
      (this.inFlight === undefined ? undefined : rowOf(this.inFlight.put, main, sub));
    if (unwritten !== undefined) return unwritten;
    const row = this.store.get(rowKey);
    if (row !== undefined) this.arena.add(main, sub, row);
    return row;
  }

  /** What was written of late or is read often. */
  recent(main: number, sub: number): Bytes | undefined {
    return this.arena.get(main, sub);
  }

  maybeCopyRecent(main: number, sub: number, to: KvsWriter): boolean {
    return this.arena.maybeCopy(main, sub, to);
  }

  prefetch(names: RowNames, count: number): void {
    this.arena.prefetch(names, count);
  }

  /** An entry is added in parts: nothing is committed until it is whole. */
  beginEntry(): void {
    this.isWithinEntry = true;
  }

  /** `addLast` adds what is left of it, with which the applied index moves. */
  endEntry(addLast: () => void): void {
    addLast();
    this.isWithinEntry = false;
    if (this.isDue) this.maybeCommit();
  }

  /** Something was applied, if only an index. */
  add(put: readonly Row[], changes: readonly SpaceChange[]): void {
    const { gathering } = this;
    for (const row of put) {
      gathering.put.push(row);
      gathering.bytes += row.key.length + row.value.length;
      this.arena.add(readUint64(row.key, 0), readUint32(row.key, subLowOffset), row.value);
    }
    for (const change of changes) gathering.changes.push(change);
    this.markDirty();
  }

  /** Rows that a compaction gives up; they are durable already. */
  delete(rowKeys: readonly Bytes[]): void {
    for (const key of rowKeys) this.gathering.deleted.push(key);
    this.markDirty();
  }

  /** Calls back when everything applied so far is durable, at once if it is; no commit is in flight then. */
  flush(done: () => void): void {
    if (!this.gathering.isDirty && this.inFlight === undefined) {
      done();
      return;
    }
    this.waiters.push(done);
    this.isDue = true;
    this.gathering.isDirty = true;
    this.maybeCommit();
  }

  /** The own log has synced more: a commit may have waited for that. */
  logSynced(): void {
    if (this.isDue) this.maybeCommit();
  }

  /** A received snapshot, durable, has taken the place of the store; what was gathered is part of the past. */
  replaceStore(store: StateStore): void {
    this.store = store;
    this.gathering = emptyGathering();
    this.isWithinEntry = false;
    this.arena.clear();
    this.isDue = false;
    const waited = this.waiters;
    this.waiters = [];
    for (const done of waited) done();
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  /** Whether a commit is being written, so that the store must not be closed or replaced yet. */
  get isCommitting(): boolean {
    return this.inFlight !== undefined;
  }

  private markDirty(): void {
    const { gathering } = this;
    const { scheduler, intervalMs, rowsMax } = this.parts;
    if (!gathering.isDirty) {
      gathering.isDirty = true;
      this.timer ??= scheduler.after(intervalMs, () => {
        this.timer = undefined;
        this.isDue = true;
        this.maybeCommit();
      });
    }
    if (
      gathering.put.length + gathering.deleted.length >= rowsMax ||
      gathering.bytes >= batchBytesMax
    ) {
      this.isDue = true;
      this.maybeCommit();
    }
  }

  private maybeCommit(): void {
    const { gathering, parts } = this;
    if (this.isStopped || this.isTelling || this.inFlight !== undefined) return;
    if (!gathering.isDirty || this.isWithinEntry) return;
    const state = parts.currentState();
    if (state.appliedIndex > parts.logSyncedIndex()) return;
    this.isDue = false;
    this.timer?.cancel();
    this.timer = undefined;
    const waited = this.waiters;
    this.waiters = [];
    this.inFlight = gathering;
    this.gathering = emptyGathering();
    const started = parts.scheduler.nowMs();
    const { put, deleted, changes } = gathering;
    this.store.commit({ state, put, deleted, changes }, () => {
      this.inFlight = undefined;
      if (this.isStopped) return;
      parts.commitTook(parts.scheduler.nowMs() - started);
      this.isTelling = true;
      for (const done of waited) done();
      parts.onCommitted(state);
      this.isTelling = false;
      if (this.isDue) this.maybeCommit();
    });
  }
}

/** A row key is 8 bytes of main revision, `_`, 8 bytes of sub-revision: this is the low half of the latter. */
const subLowOffset = 13;

/** The value of a row among those gathered, which ascend. */
function rowOf(rows: readonly Row[], main: number, sub: number): Bytes | undefined {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { key } = rows[middle] as Row;
    const order = readUint64(key, 0) - main || readUint32(key, subLowOffset) - sub;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  const row = rows[low];
  if (row === undefined || readUint64(row.key, 0) !== main) return undefined;
  return readUint32(row.key, subLowOffset) === sub ? row.value : undefined;
}

function emptyGathering(): Gathering {
  return { put: [], deleted: [], changes: [], bytes: 0, isDirty: false };
}
