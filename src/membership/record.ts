import { assert } from '../base/assert.ts';
import { readBigUint64, writeBigUint64, type Bytes } from '../base/bytes.ts';
import {
  bool,
  message,
  nested,
  repeatedString,
  string,
  uint64Id,
  type MessageOf,
} from '../wire/message.ts';

/**
 * A member of the cluster, voter or learner: the one record of it, from which Raft's configuration
 * follows.
 */
export const MemberRecord = message('quorate.MemberRecord', {
  id: uint64Id(1),
  /** Empty until the member has published itself, as are the client URLs. */
  name: string(2),
  peerUrls: repeatedString(3),
  clientUrls: repeatedString(4),
  isLearner: bool(5),
  /** The random number made with the member's data dir; 0 until published. */
  incarnation: uint64Id(6),
});
export type MemberRecord = MessageOf<typeof MemberRecord>;

/**
 * A row of the `members` space. The id of a removed member stays, so that it is never given again.
 */
const MemberRow = message('quorate.MemberRow', {
  member: nested(1, MemberRecord),
  isRemoved: bool(2),
});

/** What a row says of an id: `member` is undefined once it was removed. */
export interface DecodedMemberRow {
  readonly id: bigint;
  readonly member: MemberRecord | undefined;
}

const idBytes = 8;

export function encodeMemberKey(id: bigint): Bytes {
  const key = new Uint8Array(idBytes);
  writeBigUint64(key, 0, id);
  return key;
}

export function encodeMemberRow(member: MemberRecord): Bytes {
  return MemberRow.encode({ member });
}

export function encodeRemovedRow(): Bytes {
  return MemberRow.encode({ isRemoved: true });
}

/** @throws when the row is not one that `encodeMemberRow` or `encodeRemovedRow` wrote. */
export function decodeMemberRow(key: Bytes, value: Bytes): DecodedMemberRow {
  assert(key.length === idBytes, `member row key has ${key.length} bytes`);
  const id = readBigUint64(key, 0);
  const { member, isRemoved } = MemberRow.decode(value);
  if (isRemoved) return { id, member: undefined };
  assert(member !== undefined && member.id === id, `row of member ${id} holds another member`);
  return { id, member };
}
