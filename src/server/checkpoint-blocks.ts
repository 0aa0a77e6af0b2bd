import {
  fromBinaryString,
  readBigUint64,
  readUint32,
  writeBigUint64,
  writeUint32,
  type Bytes,
} from '../base/bytes.ts';
import type { IndexBlockKind } from '../mvcc/index-capture.ts';

/** The kinds of blocks in an index checkpoint. A number once used for one keeps its meaning. */
const indexBlockNumbers: Readonly<Record<IndexBlockKind, number>> = {
  keys: 1,
  versions: 2,
  changes: 3,
};
export const leaseBlockNumber = 4;

export function numberOfKind(kind: IndexBlockKind): number {
  return indexBlockNumbers[kind];
}

export function kindOfNumber(number: number): IndexBlockKind | undefined {
  const kinds = ['keys', 'versions', 'changes'] as const;
  return kinds.find((kind) => indexBlockNumbers[kind] === number);
}

/** Keys that belong to leases: for each 4 bytes of its key's length, 8 bytes of the lease, and the key. */
export function encodeAttachments(attachments: readonly (readonly [string, bigint])[]): Bytes {
  let length = 0;
  for (const [name] of attachments) length += entryBytes + name.length;
  const block = new Uint8Array(length);
  let at = 0;
  for (const [name, lease] of attachments) {
    writeUint32(block, at, name.length);
    writeBigUint64(block, at + 4, lease);
    block.set(fromBinaryString(name), at + entryBytes);
    at += entryBytes + name.length;
  }
  return block;
}

/** Answers false when the block does not end where an entry does. */
export function decodeAttachments(
  block: Bytes,
  each: (key: Bytes, lease: bigint) => void,
): boolean {
  let at = 0;
  while (at + entryBytes <= block.length) {
    const end = at + entryBytes + readUint32(block, at);
    if (end > block.length) return false;
    each(block.subarray(at + entryBytes, end), BigInt.asIntN(64, readBigUint64(block, at + 4)));
    at = end;
  }
  return at === block.length;
}

const entryBytes = 12;
