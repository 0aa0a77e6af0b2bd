import { assert, mustBeSafe, mustGet } from '../base/assert.ts';
import type { Timer } from '../base/clock.ts';
import type { Entry, HardState } from '../raft/types.ts';
import type { Database, WriteBatch } from './database.ts';
import type { StorageContext } from './disk.ts';
import { StorageError } from './errors.ts';
import type { RecentEntries, TermRuns } from './log-cache.ts';
import { hardStateFields, hardStateKey, positionFields, startKey } from './log-rows.ts';
import type { LogPosition } from './log-rows.ts';
import { RunCodec, runKey, splitRuns } from './log-runs.ts';
import type { RunPosition, RunTable } from './log-runs.ts';
import { encodeRecord } from './record.ts';
import type { SpaceGuard } from './space-guard.ts';
import type { TailWitness, WitnessState } from './tail-witness.ts';
import type { LogBatch, LogStore } from './types.ts';

/** Bytes of recent entries kept in memory. */
export const logCacheBytesDefault = 32 * 1024 * 1024;
/** The witness follows the log's own syncs at this distance at most. */
const witnessDelayMs = 100;
/** An append takes along at most this many deletions of a compaction. It adds a run, as a rule. */
const compactionRunsMax = 64;
/** Runs that one batch of `reset` deletes. */
const resetRunsMax = 10_000;

/** What opening found in the database (log-open.ts). */
export interface LogContent {
  readonly hardState: HardState;
  readonly start: LogPosition;
  readonly lastIndex: number;
  readonly terms: TermRuns;
  readonly recent: RecentEntries;
  readonly runs: RunTable;
}

/** The Raft log in an ordered database. Every write is synced, and one at a time. */
export class DatabaseLogStore implements LogStore {
  private readonly context: StorageContext;
  private readonly db: Database;
  private readonly codec: RunCodec;
  private readonly witness: TailWitness;
  private readonly space: SpaceGuard;
  private readonly terms: TermRuns;
  private readonly recent: RecentEntries;
  /** What is on disk, of which the first may begin before the log does. */
  private readonly runs: RunTable;
  /** The run last read from disk. */
  private lastRead: readonly Entry[] = [];
  private currentHardState: HardState;
  /** The position before the first entry. */
  private start: LogPosition;
  /** The same on disk: entries in between are deleted by the appends to come. */
  private startOnDisk: LogPosition;
  private last: number;
  private isWriting = false;
  /** What waits for the batch in flight: the end of the log. */
  private afterWrite: (() => void) | undefined;
  /** While a suffix is being removed the witness must not be raised to it again. */
  private isReplacing = false;
  private witnessTimer: Timer | undefined;

  constructor(parts: {
    readonly context: StorageContext;
    readonly db: Database;
    readonly clusterId: bigint;
    readonly witness: TailWitness;
    readonly space: SpaceGuard;
    readonly content: LogContent;
  }) {
    this.context = parts.context;
    this.db = parts.db;
    this.codec = new RunCodec(parts.clusterId);
    this.witness = parts.witness;
    this.space = parts.space;
    this.terms = parts.content.terms;
    this.recent = parts.content.recent;
    this.runs = parts.content.runs;
    this.currentHardState = parts.content.hardState;
    this.start = parts.content.start;
    this.startOnDisk = parts.content.start;
    this.last = parts.content.lastIndex;
    this.scheduleWitness();
  }

  get hardState(): HardState {
    return this.currentHardState;
  }

  firstIndex(): number {
    return this.start.index + 1;
  }

  lastIndex(): number {
    return this.last;
  }

  term(index: number): number | undefined {
    return index < this.start.index || index > this.last ? undefined : this.terms.termAt(index);
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] {
    assert(low > this.start.index && high <= this.last + 1, `the log holds [${low}, ${high})`);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = low; index < high; index++) {
      const entry = this.recent.get(index) ?? this.read(index);
      bytes += entry.data.length;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  append(batch: LogBatch, done: () => void): void {
    assert(!this.isWriting, 'one log batch is in flight at a time');
    if (this.context.hasFailed) return;
    this.checkBatch(batch);
    this.isWriting = true;
    const first = batch.entries[0];
    this.isReplacing = first !== undefined && first.index <= this.last;
    if (first !== undefined && this.isReplacing && this.witness.state.lastIndex >= first.index) {
      const kept = first.index - 1;
      const lastTerm = mustGet(this.term(kept), 'the entry before a replaced suffix is known');
      const lowered = { ...this.witness.state, lastIndex: kept, lastTerm };
      this.witness.write(lowered, () => this.write(batch, done));
    } else this.write(batch, done);
  }

  compact(index: number): void {
    if (index <= this.start.index) return;
    assert(index <= this.last, `the log reaches to the compaction at index ${index}`);
    this.start = { index, term: this.terms.termAt(index) };
    this.terms.dropThrough(this.start);
    this.recent.dropThrough(index);
  }

  reset(index: number, term: number, hardState: HardState, done: () => void): void {
    assert(!this.isWriting, 'one log batch is in flight at a time');
    if (this.context.hasFailed) return;
    this.isWriting = true;
    this.isReplacing = true;
    // Down to nothing first: a crash on the way must not look like a loss.
    const lowered = { ...this.witness.state, lastIndex: 0, lastTerm: 0 };
    this.witness.write(lowered, () => this.resetSlice({ index, term }, hardState, done));
  }

  close(done: () => void): void {
    if (this.isWriting && !this.context.hasFailed) {
      this.afterWrite = () => this.close(done);
      return;
    }
    this.witnessTimer?.cancel();
    if (this.context.hasFailed) return this.db.close(done);
    if (this.isWitnessBehind()) this.witness.write(this.witnessState(), () => undefined);
    this.witness.close(() => this.db.close(done));
  }

  private checkBatch(batch: LogBatch): void {
    const { entries } = batch;
    const first = entries[0];
    if (first === undefined) return;
    const { index } = first;
    assert(index > this.start.index && index <= this.last + 1, `entry ${index} joins the log`);
    let term = mustGet(this.term(index - 1), 'the entry before an append is known');
    entries.forEach((entry, i) => {
      assert(entry.index === index + i, 'appended entries are contiguous');
      assert(entry.term >= term, 'terms do not decrease along the log');
      term = mustBeSafe(entry.term, 'term');
    });
  }

  private write(batch: LogBatch, done: () => void): void {
    if (this.context.hasFailed) return;
    const dbBatch = this.db.batch();
    const { entries } = batch;
    const newRuns: RunPosition[] = [];
    let bytes = 0;
    if (this.isReplacing) bytes += this.deleteFrom(dbBatch, firstOf(entries).index);
    for (const run of splitRuns(entries)) {
      const { index } = firstOf(run);
      const value = this.codec.encode(run);
      dbBatch.put(runKey(index), value);
      newRuns.push({ first: index, lastTerm: firstOf(run.slice(-1)).term });
      bytes += value.length + rowOverheadBytes;
    }
    if (batch.hardState !== undefined) putHardState(dbBatch, batch.hardState);
    // A replaced suffix may begin within the run that the compaction ends in.
    const compacted = this.isReplacing ? undefined : this.addCompaction(dbBatch);
    if (compacted === undefined && entries.length === 0 && batch.hardState === undefined) {
      // Nothing to write, but the promise still comes later.
      this.context.scheduler.endOfTurn(() => this.finish(done));
      return;
    }
    this.space.fits(bytes + rowOverheadBytes, () => {
      dbBatch.write((error) => {
        if (this.context.hasFailed) return;
        if (error !== undefined) return this.context.writeFailed('a write to the log', error);
        if (compacted !== undefined) this.compactedOnDisk(compacted);
        this.appended(batch, newRuns);
        this.witnessThen(done);
      });
    });
  }

  /** Deletes the entries from `index` on, which may lie within a run; answers the bytes that takes. */
  private deleteFrom(batch: WriteBatch, index: number): number {
    const { runs } = this;
    const number = runs.numberOf(index);
    for (let n = number; n < runs.count; n++) batch.del(runKey(runs.at(n).first));
    const { first } = runs.at(number);
    if (!this.isPartKept(first, index)) return 0;
    const value = this.codec.encode(this.readRun(first).slice(0, index - first));
    batch.put(runKey(first), value);
    return value.length + rowOverheadBytes;
  }

  /** Whether entries of the run are left when those from `index` on are gone. */
  private isPartKept(first: number, index: number): boolean {
    return first < index && this.startOnDisk.index < index - 1;
  }

  /** Deletes some of what `compact` has forgotten, together with the new start. Runs go whole. */
  private addCompaction(batch: WriteBatch): DeletedRuns | undefined {
    if (this.startOnDisk.index >= this.start.index) return undefined;
    const { runs, start } = this;
    let count = 0;
    while (count < runs.count && count < compactionRunsMax && this.runEnd(count) <= start.index) {
      batch.del(runKey(runs.at(count).first));
      count++;
    }
    // An intermediate start only has to be at most the real one.
    const isWhole = count === runs.count || this.runEnd(count) > start.index;
    const newStart = isWhole ? start : this.endOfRun(count - 1);
    batch.put(startKey, encodeRecord(startKey, positionFields(newStart)));
    return { start: newStart, count };
  }

  private compactedOnDisk({ start, count }: DeletedRuns): void {
    this.startOnDisk = start;
    this.runs.dropFirst(count);
  }

  private runEnd(number: number): number {
    return number + 1 < this.runs.count ? this.runs.at(number + 1).first - 1 : this.last;
  }

  private endOfRun(number: number): LogPosition {
    return { index: this.runEnd(number), term: this.runs.at(number).lastTerm };
  }

  private appended(batch: LogBatch, newRuns: readonly RunPosition[]): void {
    if (batch.hardState !== undefined) this.currentHardState = batch.hardState;
    const first = batch.entries[0];
    if (first === undefined) return;
    if (this.isReplacing) this.cutRuns(first.index);
    this.terms.dropFrom(first.index);
    this.recent.dropFrom(first.index);
    for (const entry of batch.entries) {
      this.terms.push(entry);
      this.recent.push(entry);
      this.last = entry.index;
    }
    for (const run of newRuns) this.runs.push(run);
  }

  private cutRuns(index: number): void {
    const { runs } = this;
    const number = runs.numberOf(index);
    const { first } = runs.at(number);
    runs.truncate(number);
    if (this.isPartKept(first, index)) runs.push({ first, lastTerm: this.terms.termAt(index - 1) });
    this.lastRead = [];
  }

  /** A vote or a new term is promised only with the witness behind it; entries are not held up by it. */
  private witnessThen(done: () => void): void {
    this.isReplacing = false;
    const { hardTerm, vote } = this.witness.state;
    if (hardTerm === this.currentHardState.term && vote === this.currentHardState.vote) {
      this.scheduleWitness();
      this.finish(done);
    } else this.witness.write(this.witnessState(), () => this.finish(done));
  }

  private finish(done: () => void): void {
    this.isWriting = false;
    if (this.context.hasFailed) return;
    done();
    this.afterWrite?.();
  }

  private scheduleWitness(): void {
    if (this.witnessTimer !== undefined || !this.isWitnessBehind()) return;
    this.witnessTimer = this.context.scheduler.after(witnessDelayMs, () => {
      this.witnessTimer = undefined;
      // The end of the batch in flight comes back here.
      if (this.isReplacing || this.context.hasFailed) return;
      if (this.isWitnessBehind()) this.witness.write(this.witnessState(), () => undefined);
    });
  }

  private isWitnessBehind(): boolean {
    const { lastIndex, lastTerm, hardTerm, vote } = this.witness.state;
    const state = this.witnessState();
    return (
      lastIndex !== state.lastIndex ||
      lastTerm !== state.lastTerm ||
      hardTerm !== state.hardTerm ||
      vote !== state.vote
    );
  }

  private witnessState(): WitnessState {
    return {
      hardTerm: this.currentHardState.term,
      vote: this.currentHardState.vote,
      lastIndex: this.last,
      lastTerm: this.terms.termAt(this.last),
    };
  }

  /** Deletes from the front, so that every step leaves a whole log, and sets the new start with the last. */
  private resetSlice(start: LogPosition, hardState: HardState, done: () => void): void {
    if (this.context.hasFailed) return;
    const { runs } = this;
    const count = Math.min(runs.count, resetRunsMax);
    const isLast = count === runs.count;
    const newStart = isLast ? start : this.endOfRun(count - 1);
    const batch = this.db.batch();
    for (let n = 0; n < count; n++) batch.del(runKey(runs.at(n).first));
    batch.put(startKey, encodeRecord(startKey, positionFields(newStart)));
    if (isLast) putHardState(batch, hardState);
    batch.write((error) => {
      if (this.context.hasFailed) return;
      if (error !== undefined) return this.context.writeFailed('resetting the log', error);
      this.compactedOnDisk({ start: newStart, count });
      if (isLast) this.wasReset(start, hardState, done);
      else this.resetSlice(start, hardState, done);
    });
  }

  private wasReset(start: LogPosition, hardState: HardState, done: () => void): void {
    this.currentHardState = hardState;
    this.start = start;
    this.last = start.index;
    this.terms.reset(start);
    this.recent.clear();
    this.runs.clear();
    this.lastRead = [];
    this.isReplacing = false;
    this.witness.write(this.witnessState(), () => this.finish(done));
  }

  private read(index: number): Entry {
    const from = this.lastRead[0]?.index ?? Infinity;
    if (index < from || index >= from + this.lastRead.length) {
      this.lastRead = this.readRun(this.runs.at(this.runs.numberOf(index)).first);
    }
    const { index: first } = firstOf(this.lastRead);
    return mustGet(this.lastRead[index - first], `entry ${index} is in its run`);
  }

  private readRun(first: number): readonly Entry[] {
    const value = this.db.get(runKey(first));
    const entries = value === undefined ? undefined : this.codec.decode(first, value);
    if (entries !== undefined) return entries;
    const what = `the entries from ${first} on`;
    const state = value === undefined ? 'are gone from' : 'do not match their checksum in';
    const error = new StorageError('LOG_DAMAGED', `${what} ${state} the log`);
    this.context.fail(error);
    throw error;
  }
}

function firstOf(entries: readonly Entry[]): Entry {
  return mustGet(entries[0], 'a run is not empty');
}

/** What a compaction deletes with one batch, and where the log on disk begins then. */
interface DeletedRuns {
  readonly start: LogPosition;
  readonly count: number;
}

/** Key, header and LevelDB's own framing of a row, about. */
const rowOverheadBytes = 64;

function putHardState(batch: WriteBatch, hardState: HardState): void {
  batch.put(hardStateKey, encodeRecord(hardStateKey, hardStateFields(hardState)));
}
