import { mustBeSafe } from '../base/assert.ts';
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
import type { Entry, HardState } from '../raft/types.ts';
import type { FieldReader } from './record.ts';

/** The log's keys and values on disk. */

export const identityKey: Bytes = new Uint8Array([0x01]);
export const hardStateKey: Bytes = new Uint8Array([0x02]);
/** Holds index and term of the entry before the first: what has been compacted. */
export const startKey: Bytes = new Uint8Array([0x03]);
const entryPrefix = 0x10;
/** Every key of an entry is within these two. */
export const entriesFrom: Bytes = new Uint8Array([entryPrefix]);
export const entriesTo: Bytes = new Uint8Array([entryPrefix + 1]);

export function entryKey(index: number): Bytes {
  const key = new Uint8Array(9);
  key[0] = entryPrefix;
  writeUint64(key, 1, index);
  return key;
}

export function entryIndexOf(key: Bytes): number {
  return key.length === 9 ? readUint64(key, 1) : Number.NaN;
}

/** Format, 4 bytes of CRC-32C, 8 of term, 1 of type; then the data. */
const headerBytes = 14;
const entryFormat = 1;
const crcAt = 1;
const termAt = 5;
const typeAt = 13;

/** Encodes and checks entries of one cluster: the cluster's id is part of every checksum. */
export class EntryCodec {
  private readonly clusterCrc: number;
  private readonly indexBytes = new Uint8Array(8);
  private scratch = new Uint8Array(4096);

  constructor(clusterId: bigint) {
    const bytes = new Uint8Array(8);
    writeBigUint64(bytes, 0, clusterId);
    this.clusterCrc = crc32c(bytes);
  }

  /** The value of the entry's row. It lies in memory that the next call overwrites. */
  encode(entry: Entry): Bytes {
    const length = headerBytes + entry.data.length;
    if (this.scratch.length < length) this.scratch = new Uint8Array(length * 2);
    const value = this.scratch.subarray(0, length);
    value[0] = entryFormat;
    writeUint64(value, termAt, mustBeSafe(entry.term, 'term'));
    value[typeAt] = entry.type === 'normal' ? 0 : 1;
    value.set(entry.data, headerBytes);
    writeUint32(value, crcAt, this.checksum(entry.index, value));
    return value;
  }

  /** Undefined when the row is not the entry of this index that was written. `data` is a view of `value`. */
  decode(index: number, value: Bytes): Entry | undefined {
    if (value.length < headerBytes || value[0] !== entryFormat) return undefined;
    if (readUint32(value, crcAt) !== this.checksum(index, value)) return undefined;
    const data = value.length === headerBytes ? emptyBytes : value.subarray(headerBytes);
    const type = value[typeAt] === 0 ? 'normal' : 'confChange';
    return { term: readUint64(value, termAt), index, type, data };
  }

  private checksum(index: number, value: Bytes): number {
    writeUint64(this.indexBytes, 0, mustBeSafe(index, 'index'));
    return crc32c(value.subarray(termAt), crc32c(this.indexBytes, this.clusterCrc));
  }
}

export function hardStateFields(hardState: HardState): readonly (number | bigint)[] {
  return [hardState.term, hardState.vote, hardState.commit];
}

export function readHardState(fields: FieldReader): HardState {
  return { term: fields.number(), vote: fields.bigint(), commit: fields.number() };
}

/** A position in the log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export const logStart: LogPosition = { index: 0, term: 0 };

export function positionFields(position: LogPosition): readonly number[] {
  return [position.index, position.term];
}

export function readPosition(fields: FieldReader): LogPosition {
  return { index: fields.number(), term: fields.number() };
}
