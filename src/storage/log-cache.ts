import { assert } from '../base/assert.ts';
import type { Entry } from '../raft/types.ts';
import type { LogPosition } from './log-rows.ts';

/** The newest entries of the log, as many as fit a byte budget: what followers and the apply loop ask for. */
export class RecentEntries {
  private readonly bytesMax: number;
  private entries: Entry[] = [];
  /** Slots before this one have been evicted. */
  private head = 0;
  private bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get(index: number): Entry | undefined {
    const first = this.entries[this.head];
    return first === undefined || index < first.index
      ? undefined
      : this.entries[this.head + index - first.index];
  }

  push(entry: Entry): void {
    const last = this.entries.at(-1);
    assert(
      last === undefined || this.head === this.entries.length || entry.index === last.index + 1,
      'the cached entries are contiguous',
    );
    this.entries.push(entry);
    this.bytes += costBytes(entry);
    // The newest entry stays whatever its size: it is about to be read.
    while (this.bytes > this.bytesMax && this.head < this.entries.length - 1) this.evictFirst();
    this.trim();
  }

  /** Forgets entries up to `index`. */
  dropThrough(index: number): void {
    while ((this.entries[this.head]?.index ?? Infinity) <= index) this.evictFirst();
    this.trim();
  }

  /** Forgets entries from `index` on. */
  dropFrom(index: number): void {
    while (this.entries.length > this.head && (this.entries.at(-1)?.index ?? 0) >= index) {
      const dropped = this.entries.pop();
      if (dropped !== undefined) this.bytes -= costBytes(dropped);
    }
  }

  clear(): void {
    this.entries = [];
    this.head = 0;
    this.bytes = 0;
  }

  private evictFirst(): void {
    const entry = this.entries[this.head++];
    if (entry !== undefined) this.bytes -= costBytes(entry);
  }

  /** Evicted slots are cut off when they are half of the array: then a push costs O(1) on average. */
  private trim(): void {
    if (this.head < 64 || this.head * 2 < this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }
}

/** An entry's data and about what its object costs. */
function costBytes(entry: Entry): number {
  return entry.data.length + 128;
}

/** The terms of all entries, as the positions where a new one begins. Terms never decrease along the log. */
export class TermRuns {
  /** The first is the position before the log's first entry. */
  private runs: LogPosition[];

  constructor(start: LogPosition) {
    this.runs = [start];
  }

  /** The index is known to lie in the log or right before it. */
  termAt(index: number): number {
    let low = 0;
    let high = this.runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.runs[middle]?.index ?? Infinity) <= index) low = middle;
      else high = middle - 1;
    }
    const run = this.runs[low];
    assert(run !== undefined && run.index <= index, `the term at index ${index} is known`);
    return run.term;
  }

  push(position: LogPosition): void {
    const last = this.runs.at(-1);
    assert(last !== undefined && position.term >= last.term, 'terms do not decrease along the log');
    if (position.term > last.term) this.runs.push(position);
  }

  /** The log now begins after `start`. */
  dropThrough(start: LogPosition): void {
    const kept = this.runs.filter((run) => run.index > start.index);
    this.runs = [start, ...kept];
  }

  reset(start: LogPosition): void {
    this.runs = [start];
  }

  /** Forgets positions from `index` on. */
  dropFrom(index: number): void {
    while (this.runs.length > 1 && (this.runs.at(-1)?.index ?? 0) >= index) this.runs.pop();
  }
}
