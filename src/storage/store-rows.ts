import { readUint32, writeUint32 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Space } from './types.ts';

/**
 * The store's keys and values on disk: a byte for the space, then the row's key; the row's value, then 4 bytes
 * of CRC-32C over both. Rows of revisions are the same bytes as in etcd's `key` bucket.
 */

export type SmallSpace = Exclude<Space, 'meta'>;

export const identityKey: Bytes = new Uint8Array([0x01]);
export const metaKey: Bytes = new Uint8Array([0x02]);
/** Everything from here on is replicated: equal on all members at one applied index. */
export const replicatedFrom: Bytes = new Uint8Array([0x10]);
export const replicatedTo: Bytes = new Uint8Array([0x20]);

const revisionPrefix = 0x10;
const prefixes: Readonly<Record<SmallSpace, number>> = {
  lease: 0x11,
  auth: 0x12,
  members: 0x13,
  alarm: 0x14,
};
export const smallSpaces: readonly SmallSpace[] = ['lease', 'auth', 'members', 'alarm'];

/** The space of a key on disk; undefined when it is none of ours. */
export function spaceOf(diskKey: Bytes): SmallSpace | 'revision' | undefined {
  const prefix = diskKey[0];
  if (prefix === revisionPrefix) return 'revision';
  return smallSpaces.find((space) => prefixes[space] === prefix);
}

export function revisionKey(rowKey: Bytes): Bytes {
  return prefixed(revisionPrefix, rowKey);
}

export function spaceKey(space: SmallSpace, key: Bytes): Bytes {
  return prefixed(prefixes[space], key);
}

/** The first key on disk after all revisions. */
export const revisionsTo: Bytes = new Uint8Array([revisionPrefix + 1]);

function prefixed(prefix: number, key: Bytes): Bytes {
  const diskKey = new Uint8Array(key.length + 1);
  diskKey[0] = prefix;
  diskKey.set(key, 1);
  return diskKey;
}

export function rowChecksum(diskKey: Bytes, value: Bytes): number {
  return crc32c(value, crc32c(diskKey));
}

const checksumBytes = 4;

/** Adds checksums to values in memory that it uses again. */
export class RowSealer {
  private scratch = new Uint8Array(4096);
  /** Of the last row sealed. */
  checksum = 0;

  seal(diskKey: Bytes, value: Bytes): Bytes {
    const length = value.length + checksumBytes;
    if (this.scratch.length < length) this.scratch = new Uint8Array(length * 2);
    this.checksum = rowChecksum(diskKey, value);
    this.scratch.set(value);
    writeUint32(this.scratch, value.length, this.checksum);
    return this.scratch.subarray(0, length);
  }
}

/** The value without its checksum, as a view; undefined when they do not match. */
export function unseal(diskKey: Bytes, sealed: Bytes): Bytes | undefined {
  const length = sealed.length - checksumBytes;
  if (length < 0) return undefined;
  const value = sealed.subarray(0, length);
  return rowChecksum(diskKey, value) === readUint32(sealed, length) ? value : undefined;
}

/** Bytes of a row as sizes count it, keys and values without what this file adds. */
export function rowBytes(diskKey: Bytes, valueLength: number): number {
  return diskKey.length - 1 + valueLength;
}

/** Count, bytes and the sum mod 2^64 of the checksums of a set of rows: what shows that a row is missing. */
export interface RowTotals {
  readonly count: number;
  readonly bytes: number;
  readonly sumHigh: number;
  readonly sumLow: number;
}

export const noRows: RowTotals = { count: 0, bytes: 0, sumHigh: 0, sumLow: 0 };

export class RowTally {
  private count: number;
  private bytes: number;
  private sumHigh: number;
  private sumLow: number;

  constructor(totals: RowTotals) {
    this.count = totals.count;
    this.bytes = totals.bytes;
    this.sumHigh = totals.sumHigh;
    this.sumLow = totals.sumLow;
  }

  add(bytes: number, checksum: number): void {
    this.count++;
    this.bytes += bytes;
    const low = this.sumLow + checksum;
    this.sumLow = low >>> 0;
    if (low > 0xffff_ffff) this.sumHigh = (this.sumHigh + 1) >>> 0;
  }

  /** Adds a row by the checksum behind its value. */
  addSealed(bytes: number, sealed: Bytes): void {
    this.add(bytes, readUint32(sealed, sealed.length - checksumBytes));
  }

  remove(bytes: number, checksum: number): void {
    this.count--;
    this.bytes -= bytes;
    if (checksum > this.sumLow) this.sumHigh = (this.sumHigh - 1) >>> 0;
    this.sumLow = (this.sumLow - checksum) >>> 0;
  }

  totals(): RowTotals {
    const { count, bytes, sumHigh, sumLow } = this;
    return { count, bytes, sumHigh, sumLow };
  }
}

export function equalTotals(a: RowTotals, b: RowTotals): boolean {
  return (
    a.count === b.count && a.bytes === b.bytes && a.sumHigh === b.sumHigh && a.sumLow === b.sumLow
  );
}

export function describeTotals(totals: RowTotals): string {
  const sum = (BigInt(totals.sumHigh) << 32n) | BigInt(totals.sumLow);
  return `${totals.count} rows of ${totals.bytes} bytes with checksum ${sum.toString(16)}`;
}
