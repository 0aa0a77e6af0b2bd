import { assert } from '../base/assert.ts';
import { readBigUint64, writeBigUint64, type Bytes } from '../base/bytes.ts';
import { int64, int64Id, message, type MessageOf } from '../wire/message.ts';

/** A granted lease as it is replicated and stored: when it ends is no part of it (etcd #13294). TTLs are seconds. */
export const LeaseRecord = message('quorate.LeaseRecord', {
  id: int64Id(1),
  grantedTtl: int64(2),
  /** What a leader wrote down as left, so that the next one need not begin anew; 0 when nothing was. */
  remainingTtl: int64(3),
});
export type LeaseRecord = MessageOf<typeof LeaseRecord>;

/** A row of the `lease` space; an undefined value deletes it. */
export interface LeaseRowChange {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

const idBytes = 8;

/** Ids are signed; the row key is the id in two's complement, big-endian. */
export function encodeLeaseKey(id: bigint): Bytes {
  const key = new Uint8Array(idBytes);
  writeBigUint64(key, 0, BigInt.asUintN(64, id));
  return key;
}

export function decodeLeaseKey(key: Bytes): bigint {
  assert(key.length === idBytes, `lease row key has ${key.length} bytes`);
  return BigInt.asIntN(64, readBigUint64(key, 0));
}

export function encodeLeaseRow(lease: LeaseRecord): Bytes {
  return LeaseRecord.encode(lease);
}

/** @throws when the row is not one that `encodeLeaseRow` wrote. */
export function decodeLeaseRow(key: Bytes, value: Bytes): LeaseRecord {
  const id = decodeLeaseKey(key);
  const lease = LeaseRecord.decode(value);
  assert(lease.id === id && lease.grantedTtl > 0, `row of lease ${id} holds another lease`);
  return lease;
}
