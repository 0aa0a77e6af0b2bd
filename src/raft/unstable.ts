import { assert, mustGet } from '../base/assert.ts';
import type { Entry, HardState, SnapshotMeta } from './types.ts';

/** One batch the shell is writing: what a Ready asked to have on disk. */
export interface AppendInFlight {
  readonly hardState: HardState | undefined;
  /** Of its entries; `firstIndex` is 0 when it has none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The snapshot it installs. */
  readonly snapshot: SnapshotMeta | undefined;
}

/**
 * The end of the log that is not known to be on disk, and the batches that are taking it there.
 *
 * `entries[i]` has index `offset + i`; everything below `offset` is stable and no batch in flight writes there.
 * Invariant: offset <= nextToWrite <= offset + entries.length.
 */
export class Unstable {
  entries: Entry[] = [];
  offset: number;
  /** The first entry no batch has taken yet. */
  nextToWrite: number;
  /** A snapshot that is to replace the log, until it is installed. Invariant: `entries` is empty then. */
  snapshot: SnapshotMeta | undefined = undefined;
  isSnapshotTaken = false;
  /** Batches complete in the order in which they were taken. */
  readonly inFlight: AppendInFlight[] = [];

  constructor(offset: number) {
    this.offset = offset;
    this.nextToWrite = offset;
  }

  get lastIndex(): number {
    return this.offset + this.entries.length - 1;
  }

  get hasEntriesToWrite(): boolean {
    return this.nextToWrite <= this.lastIndex;
  }

  term(index: number): number | undefined {
    if (index >= this.offset) return this.entries[index - this.offset]?.term;
    return this.snapshot?.index === index ? this.snapshot.term : undefined;
  }

  /** Entries of [low, high), which must all be here. */
  slice(low: number, high: number): readonly Entry[] {
    assert(low >= this.offset && high <= this.lastIndex + 1, 'a slice beyond the unstable log');
    return this.entries.slice(low - this.offset, high - this.offset);
  }

  /** Puts `entries` at their indexes; what was there from the first of them on is gone. */
  replaceFrom(entries: readonly Entry[]): void {
    const first = mustGet(entries[0], 'an append without entries').index;
    assert(first <= this.lastIndex + 1, `a gap in the log before index ${first}`);
    if (first <= this.offset) {
      this.entries = [...entries];
      this.offset = first;
    } else {
      this.entries.length = first - this.offset;
      for (const entry of entries) this.entries.push(entry);
    }
    this.nextToWrite = Math.min(this.nextToWrite, first);
  }

  /** Replaces the whole log by a snapshot that is still to be installed. */
  restore(snapshot: SnapshotMeta): void {
    this.snapshot = snapshot;
    this.isSnapshotTaken = false;
    this.entries = [];
    this.offset = snapshot.index + 1;
    this.nextToWrite = this.offset;
  }

  /** Hands out what no batch has taken yet. */
  takeEntries(): readonly Entry[] {
    if (!this.hasEntriesToWrite) return [];
    const entries = this.slice(this.nextToWrite, this.lastIndex + 1);
    this.nextToWrite = this.lastIndex + 1;
    return entries;
  }

  takeSnapshot(): SnapshotMeta | undefined {
    if (this.snapshot === undefined || this.isSnapshotTaken) return undefined;
    this.isSnapshotTaken = true;
    return this.snapshot;
  }

  /** The oldest batch is on disk. */
  completed(): AppendInFlight {
    const done = mustGet(this.inFlight.shift(), 'a completion without an append in flight');
    if (done.firstIndex > 0) this.#settle(done);
    if (done.snapshot !== undefined && this.snapshot === done.snapshot) {
      this.snapshot = undefined;
      this.isSnapshotTaken = false;
    }
    return done;
  }

  /**
   * Entries leave memory only up to where no later batch, in flight or still to be taken, writes again. An
   * entry with the right term at the right index is not enough: a batch in flight may first overwrite it with
   * another, and a later one put it back (the ABA race in go.etcd.io/raft rawnode.go).
   */
  #settle(done: AppendInFlight): void {
    let settled = Math.min(done.lastIndex, this.nextToWrite - 1);
    for (const later of this.inFlight) {
      if (later.firstIndex > 0) settled = Math.min(settled, later.firstIndex - 1);
    }
    if (settled < this.offset) return;
    if (settled === done.lastIndex) {
      assert(this.term(settled) === done.lastTerm, 'a settled entry differs from the one written');
    }
    this.entries.splice(0, settled + 1 - this.offset);
    this.offset = settled + 1;
  }
}
