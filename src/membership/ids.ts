import { concatBytes, readBigUint64, utf8, type Bytes } from '../base/bytes.ts';
import { encodeMemberKey } from './record.ts';

/**
 * Ids of members and of the cluster, which follow from what all first members are told, so that
 * they agree before they talk (etcd server/etcdserver/api/membership, `computeMemberID` and
 * `genID`).
 */

/** SHA-1, handed in: 20 bytes. It makes ids here and guards nothing. */
export type Sha1 = (input: Bytes) => Bytes;

/**
 * @param suffix the cluster token for first members; for one added later the Unix time in seconds.
 */
export function memberIdOf(peerUrls: readonly string[], suffix: string, sha1: Sha1): bigint {
  const joined = [...peerUrls].sort(compareText).join('');
  return readBigUint64(sha1(utf8(joined + suffix)), 0);
}

export function clusterIdOf(memberIds: readonly bigint[], sha1: Sha1): bigint {
  const sorted = [...memberIds].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return readBigUint64(sha1(concatBytes(sorted.map(encodeMemberKey))), 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
