import { mustBeSafe, mustGet } from '../base/assert.ts';
import {
  emptyBytes,
  readUint32,
  readUint64,
  writeBigUint64,
  writeUint32,
  writeUint64,
} from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Entry } from '../raft/types.ts';

/**
 * A run: entries that follow each other, in one row of the log, because a row costs more than an entry: the
 * database's own work is per row. What one append brings becomes one run, or several when it is large.
 */

/** Bytes of a run, about; one entry may be larger. Reading any entry of it from disk reads all of it. */
export const runBytesMax = 1024 * 1024;

const entryPrefix = 0x10;
/** Every key of a run is within these two. */
export const runsFrom: Bytes = new Uint8Array([entryPrefix]);
export const runsTo: Bytes = new Uint8Array([entryPrefix + 1]);

/** A run is known by the index of its first entry. */
export function runKey(first: number): Bytes {
  const key = new Uint8Array(9);
  key[0] = entryPrefix;
  writeUint64(key, 1, first);
  return key;
}

export function runFirstOf(key: Bytes): number {
  return key.length === 9 ? readUint64(key, 1) : Number.NaN;
}

/** Format, 4 bytes of CRC-32C over all that follows; then entries: 8 of term, 1 of type, 4 of length, the data. */
const runHeaderBytes = 5;
const runFormat = 2;
const crcAt = 1;
const entryHeaderBytes = 13;
const typeAt = 8;
const lengthAt = 9;
/** Scratch memory above this is not kept. */
const scratchKeptBytes = 2 * runBytesMax;

/** Encodes and checks runs of one cluster: the cluster's id is part of every checksum, and so is the first index. */
export class RunCodec {
  private readonly clusterCrc: number;
  private readonly indexBytes = new Uint8Array(8);
  private scratch = new Uint8Array(16 * 1024);

  constructor(clusterId: bigint) {
    const bytes = new Uint8Array(8);
    writeBigUint64(bytes, 0, clusterId);
    this.clusterCrc = crc32c(bytes);
  }

  /** The value of the run's row. It lies in memory that the next call overwrites. */
  encode(entries: readonly Entry[]): Bytes {
    let length = runHeaderBytes;
    for (const entry of entries) length += entryHeaderBytes + entry.data.length;
    const value = this.reserve(length);
    value[0] = runFormat;
    let at = runHeaderBytes;
    for (const { term, type, data } of entries) {
      writeUint64(value, at, mustBeSafe(term, 'term'));
      value[at + typeAt] = type === 'normal' ? 0 : 1;
      writeUint32(value, at + lengthAt, data.length);
      value.set(data, at + entryHeaderBytes);
      at += entryHeaderBytes + data.length;
    }
    writeUint32(value, crcAt, this.checksum(entries[0]?.index ?? 0, value));
    return value;
  }

  /** Undefined when the row is not the run from this index on that was written. `data` are views of `value`. */
  decode(first: number, value: Bytes): readonly Entry[] | undefined {
    if (value.length <= runHeaderBytes || value[0] !== runFormat) return undefined;
    if (readUint32(value, crcAt) !== this.checksum(first, value)) return undefined;
    const entries: Entry[] = [];
    let at = runHeaderBytes;
    while (at < value.length) {
      const dataAt = at + entryHeaderBytes;
      if (dataAt > value.length) return undefined;
      const end = dataAt + readUint32(value, at + lengthAt);
      if (end > value.length) return undefined;
      entries.push({
        term: readUint64(value, at),
        index: first + entries.length,
        type: value[at + typeAt] === 0 ? 'normal' : 'confChange',
        data: end === dataAt ? emptyBytes : value.subarray(dataAt, end),
      });
      at = end;
    }
    return entries;
  }

  private reserve(length: number): Bytes {
    if (length > scratchKeptBytes) return new Uint8Array(length);
    if (this.scratch.length < length) {
      this.scratch = new Uint8Array(Math.min(2 * length, scratchKeptBytes));
    }
    return this.scratch.subarray(0, length);
  }

  private checksum(first: number, value: Bytes): number {
    writeUint64(this.indexBytes, 0, mustBeSafe(first, 'index'));
    return crc32c(value.subarray(runHeaderBytes), crc32c(this.indexBytes, this.clusterCrc));
  }
}

/** Cuts entries into what becomes one run each. */
export function splitRuns(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const runs: (readonly Entry[])[] = [];
  let from = 0;
  let bytes = 0;
  entries.forEach(({ data }, at) => {
    bytes += entryHeaderBytes + data.length;
    if (bytes <= runBytesMax || at === from) return;
    runs.push(entries.slice(from, at));
    from = at;
    bytes = entryHeaderBytes + data.length;
  });
  if (from === 0) return entries.length === 0 ? [] : [entries];
  runs.push(entries.slice(from));
  return runs;
}

/** A run of the log as memory knows it. It ends where the next begins. */
export interface RunPosition {
  readonly first: number;
  /** Of its last entry. */
  readonly lastTerm: number;
}

/** Where the runs on disk begin, in order. */
export class RunTable {
  private runs: RunPosition[] = [];
  /** Slots before this one have been dropped. */
  private head = 0;

  get count(): number {
    return this.runs.length - this.head;
  }

  /** The n-th from the front. */
  at(n: number): RunPosition {
    return mustGet(this.runs[this.head + n], `run ${n} of the log is known`);
  }

  push(run: RunPosition): void {
    this.runs.push(run);
  }

  /** The number of the run that holds an entry of the log. */
  numberOf(index: number): number {
    let low = this.head;
    let high = this.runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.runs[middle] as RunPosition).first <= index) low = middle;
      else high = middle - 1;
    }
    return low - this.head;
  }

  dropFirst(count: number): void {
    this.head += count;
    if (this.head < 64 || this.head * 2 < this.runs.length) return;
    this.runs = this.runs.slice(this.head);
    this.head = 0;
  }

  /** Keeps the first `count`. */
  truncate(count: number): void {
    this.runs.length = this.head + count;
  }

  clear(): void {
    this.runs = [];
    this.head = 0;
  }
}
