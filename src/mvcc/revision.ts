import { assert, mustBeSafe } from '../base/assert.ts';
import { readUint64, writeUint64, type Bytes } from '../base/bytes.ts';

/**
 * Row keys, laid out as those of etcd's `key` bucket (server/storage/mvcc/revision.go), because
 * HashKV covers them and snapshots carry them:
 *
 *     0   main revision, 8 bytes, big-endian
 *     8   `_`
 *     9   sub-revision, 8 bytes, big-endian
 *     17  `t` when the row is a tombstone, else nothing
 */
export interface RowRevision {
  /** Shared by all writes of one transaction. */
  readonly main: number;
  /** The number of the write within its transaction, from 0. */
  readonly sub: number;
  readonly isTombstone: boolean;
}

const separator = 0x5f;
const tombstoneMark = 0x74;
const plainLength = 17;
const markedLength = 18;

export function encodeRowKey(main: number, sub: number, isTombstone: boolean): Bytes {
  const rowKey = new Uint8Array(isTombstone ? markedLength : plainLength);
  writeUint64(rowKey, 0, main);
  rowKey[8] = separator;
  writeUint64(rowKey, 9, sub);
  if (isTombstone) rowKey[plainLength] = tombstoneMark;
  return rowKey;
}

export function isTombstoneKey(rowKey: Bytes): boolean {
  return rowKey.length === markedLength;
}

export function decodeRowKey(rowKey: Bytes): RowRevision {
  const isTombstone = isTombstoneKey(rowKey);
  assert(isTombstone || rowKey.length === plainLength, `row key of ${rowKey.length} bytes`);
  assert(rowKey[8] === separator, 'row key without its separator');
  assert(!isTombstone || rowKey[plainLength] === tombstoneMark, 'row key with an unknown mark');
  return {
    main: mustBeSafe(readUint64(rowKey, 0), 'main revision of a row'),
    sub: mustBeSafe(readUint64(rowKey, 9), 'sub-revision of a row'),
    isTombstone,
  };
}

/** Where the rows of revisions above `revision` begin: the end of a scan of all rows up to it. */
export function rowKeyAfter(revision: number): Bytes {
  return encodeRowKey(revision + 1, 0, false);
}
