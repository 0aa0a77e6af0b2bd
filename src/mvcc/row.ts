import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Slab } from '../base/slab.ts';
import { WireReader } from '../wire/varint.ts';

/**
 * A row's value is an encoded `mvccpb.KeyValue`. It is written here by hand, into one array of the
 * exact length: every Put does it once, and a value may be large. The bytes are those of
 * protobuf-go, which HashKV depends on: fields in order of number, those at zero left out.
 */

export interface RowFields {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

// Tags are (field number << 3) | wire type; all field numbers are below 16, so a tag is one byte.
const keyTag = 0x0a;
const createRevisionTag = 0x10;
const modRevisionTag = 0x18;
const versionTag = 0x20;
const valueTag = 0x2a;
const leaseTag = 0x30;

/** The row lies in `memory`. */
export function encodeRow(key: Bytes, value: Bytes, fields: RowFields, memory: Slab): Bytes {
  const lease = fields.lease === 0n ? 0n : BigInt.asUintN(64, fields.lease);
  const length =
    bytesFieldLength(key) +
    numberFieldLength(fields.createRevision) +
    numberFieldLength(fields.modRevision) +
    numberFieldLength(fields.version) +
    bytesFieldLength(value) +
    (lease === 0n ? 0 : 1 + bigVarintLength(lease));
  const row = memory.take(length);
  let offset = writeBytesField(row, 0, keyTag, key);
  offset = writeNumberField(row, offset, createRevisionTag, fields.createRevision);
  offset = writeNumberField(row, offset, modRevisionTag, fields.modRevision);
  offset = writeNumberField(row, offset, versionTag, fields.version);
  offset = writeBytesField(row, offset, valueTag, value);
  if (lease !== 0n) offset = writeLeaseField(row, offset, lease);
  assert(offset === length, 'row length was computed wrongly');
  return row;
}

/** A tombstone's row names its key and nothing else, as etcd's does. */
export function encodeTombstoneRow(key: Bytes): Bytes {
  const row = new Uint8Array(bytesFieldLength(key));
  writeBytesField(row, 0, keyTag, key);
  return row;
}

/** What the index keeps of a row. */
export interface RowHead {
  /** A view of the row, not a copy. */
  readonly key: Bytes;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** Reads a stored row without its value. @throws WireError on bytes that are no valid message. */
export function decodeRowHead(row: Bytes): RowHead {
  const reader = new WireReader(row);
  let key = row.subarray(0, 0);
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let lease = 0n;
  while (!reader.atEnd) {
    reader.readVarint();
    const tag = reader.low;
    if (tag === keyTag) key = reader.readDelimited();
    else if (tag === createRevisionTag) createRevision = readNumber(reader);
    else if (tag === modRevisionTag) modRevision = readNumber(reader);
    else if (tag === versionTag) version = readNumber(reader);
    else if (tag === leaseTag) {
      reader.readVarint();
      lease = reader.signedBig();
    } else reader.skip(tag & 7, tag >>> 3);
  }
  return { key, createRevision, modRevision, version, lease };
}

function readNumber(reader: WireReader): number {
  reader.readVarint();
  return reader.signedSaturating();
}

function bytesFieldLength(bytes: Bytes): number {
  return bytes.length === 0 ? 0 : 1 + varintLength(bytes.length) + bytes.length;
}

function numberFieldLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

function bigVarintLength(value: bigint): number {
  let length = 1;
  for (let rest = value; rest >= 0x80n; rest >>= 7n) length++;
  return length;
}

function writeBytesField(row: Bytes, start: number, tag: number, bytes: Bytes): number {
  if (bytes.length === 0) return start;
  row[start] = tag;
  const offset = writeVarint(row, start + 1, bytes.length);
  row.set(bytes, offset);
  return offset + bytes.length;
}

function writeNumberField(row: Bytes, start: number, tag: number, value: number): number {
  if (value === 0) return start;
  row[start] = tag;
  return writeVarint(row, start + 1, value);
}

function writeVarint(row: Bytes, start: number, value: number): number {
  let offset = start;
  let rest = value;
  while (rest >= 0x80) {
    row[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  row[offset++] = rest;
  return offset;
}

function writeLeaseField(row: Bytes, start: number, lease: bigint): number {
  row[start] = leaseTag;
  let offset = start + 1;
  let rest = lease;
  while (rest >= 0x80n) {
    row[offset++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  row[offset++] = Number(rest);
  return offset;
}
