import { equalBytes, readUint32, writeUint32 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Row, Space } from './types.ts';

/**
 * The store's keys and values on disk: a byte for the space, then the row's key; the row's value, then its key on
 * disk once more, 4 bytes of that key's length, and 4 bytes of CRC-32C over all that. With its key in its value a
 * row can be scanned by value alone, and shows when it lies where another should. Rows of revisions are the same
 * bytes as in etcd's `key` bucket.
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

const lengthBytes = 4;
const checksumBytes = 4;
const lengthScratch = new Uint8Array(lengthBytes);

/** What lies behind the row's value as its checksum. */
export function rowChecksum(diskKey: Bytes, value: Bytes): number {
  writeUint32(lengthScratch, 0, diskKey.length);
  return crc32c(lengthScratch, crc32c(diskKey, crc32c(value)));
}

/** Adds keys and checksums to values in memory that it uses again. */
export class RowSealer {
  private scratch = new Uint8Array(4096);
  /** Of the last row sealed. */
  checksum = 0;

  seal(diskKey: Bytes, value: Bytes): Bytes {
    const keyAt = value.length;
    const lengthAt = keyAt + diskKey.length;
    const checksumAt = lengthAt + lengthBytes;
    const length = checksumAt + checksumBytes;
    if (this.scratch.length < length) this.scratch = new Uint8Array(length * 2);
    const { scratch } = this;
    scratch.set(value);
    scratch.set(diskKey, keyAt);
    writeUint32(scratch, lengthAt, diskKey.length);
    this.checksum = crc32c(scratch.subarray(0, checksumAt));
    writeUint32(scratch, checksumAt, this.checksum);
    return scratch.subarray(0, length);
  }
}

/** Where the key begins in a sealed value; negative when there is none. */
function keyStart(sealed: Bytes): number {
  const lengthAt = sealed.length - lengthBytes - checksumBytes;
  return lengthAt < 0 ? -1 : lengthAt - readUint32(sealed, lengthAt);
}

/** The row's key on disk and its value without what was added, as views; undefined when it is damaged. */
export function unseal(sealed: Bytes): Row | undefined {
  const keyAt = keyStart(sealed);
  if (keyAt < 0) return undefined;
  const checksumAt = sealed.length - checksumBytes;
  if (crc32c(sealed.subarray(0, checksumAt)) !== readUint32(sealed, checksumAt)) return undefined;
  return {
    key: sealed.subarray(keyAt, checksumAt - lengthBytes),
    value: sealed.subarray(0, keyAt),
  };
}

/** The value of the row with this key; undefined when it is damaged, or is another row. */
export function unsealAt(diskKey: Bytes, sealed: Bytes): Bytes | undefined {
  const row = unseal(sealed);
  return row !== undefined && equalBytes(row.key, diskKey) ? row.value : undefined;
}

/** The key that a sealed value says it has, unchecked. */
export function sealedKey(sealed: Bytes): Bytes {
  const keyAt = Math.max(0, keyStart(sealed));
  return sealed.subarray(keyAt, Math.max(keyAt, sealed.length - lengthBytes - checksumBytes));
}

/** The checksum that a sealed value says it has, unchecked: `rowChecksum` of a row that could be unsealed. */
export function sealedChecksum(sealed: Bytes): number {
  return readUint32(sealed, sealed.length - checksumBytes);
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
    this.add(bytes, sealedChecksum(sealed));
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

/** The totals of a set of rows without some of them. */
export function totalsWithout(all: RowTotals, some: RowTotals): RowTotals {
  const borrow = some.sumLow > all.sumLow ? 1 : 0;
  return {
    count: all.count - some.count,
    bytes: all.bytes - some.bytes,
    sumHigh: (all.sumHigh - some.sumHigh - borrow) >>> 0,
    sumLow: (all.sumLow - some.sumLow) >>> 0,
  };
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
