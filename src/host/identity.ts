import { createHash } from 'node:crypto';
import { concatBytes, readBigUint64, utf8, writeBigUint64, type Bytes } from '../base/bytes.ts';
import type { MemberId } from '../raft/types.ts';

/**
 * Ids on which members agree before they talk, derived as etcd does (server/etcdserver/api/membership,
 * `NewMember` and `genID`): the first 8 bytes of a SHA-1.
 */

/** Of a first member: its sorted peer URLs, then the cluster token. */
export function bootstrapMemberId(peerUrls: readonly string[], token: string): MemberId {
  const joined = [...peerUrls].sort().join('') + token;
  return firstEightBytes(utf8(joined));
}

/** Of a cluster: its first members' ids in ascending order, 8 big-endian bytes each. */
export function bootstrapClusterId(memberIds: readonly MemberId[]): bigint {
  const ascending = [...memberIds].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const parts = ascending.map((id) => {
    const encoded = new Uint8Array(8);
    writeBigUint64(encoded, 0, id);
    return encoded;
  });
  return firstEightBytes(concatBytes(parts));
}

function firstEightBytes(input: Bytes): bigint {
  return readBigUint64(createHash('sha1').update(input).digest(), 0);
}
