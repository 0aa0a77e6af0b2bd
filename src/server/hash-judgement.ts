import type { KvHash } from '../mvcc/compaction-hashes.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import { isComparable, type PeerHash } from './peer-hashes.ts';

/** What hashes of members say, compared at one revision. */
export type HashJudgement =
  | { readonly result: 'equal' }
  /** Of those that answered all are equal; what the others have is not known. */
  | { readonly result: 'unknown'; readonly unknown: readonly MemberId[] }
  | {
      readonly result: 'different';
      /** Those that a quorum of all members contradicts; `noMember` alone when there is no such quorum. */
      readonly blamed: readonly MemberId[];
    };

/**
 * Where a quorum has one hash, the others are wrong; without one nobody can tell who is, and the whole cluster is
 * blamed (etcd server/etcdserver/corrupt.go, checkPeerHashes).
 */
export function judgeHashes(
  ownId: MemberId,
  own: KvHash,
  peers: readonly PeerHash[],
): HashJudgement {
  const byHash = new Map<number, MemberId[]>([[own.hash, [ownId]]]);
  const unknown: MemberId[] = [];
  for (const { memberId, outcome } of peers) {
    if (!outcome.ok || !isComparable(own, outcome.value)) {
      unknown.push(memberId);
      continue;
    }
    const { hash } = outcome.value;
    const equal = byHash.get(hash);
    if (equal === undefined) byHash.set(hash, [memberId]);
    else equal.push(memberId);
  }
  if (byHash.size === 1) {
    return unknown.length === 0 ? { result: 'equal' } : { result: 'unknown', unknown };
  }
  const quorum = Math.floor((peers.length + 1) / 2) + 1;
  const groups = [...byHash.values()];
  const majority = groups.find((members) => members.length >= quorum);
  if (majority === undefined) return { result: 'different', blamed: [noMember] };
  return { result: 'different', blamed: groups.filter((members) => members !== majority).flat() };
}

/** For people: who has which hash, or why it is not known. */
export function describeHashes(
  ownId: MemberId,
  own: KvHash,
  peers: readonly PeerHash[],
): Readonly<Record<string, string>> {
  const described: Record<string, string> = { [ownId.toString(16)]: hexOf(own.hash) };
  for (const { memberId, outcome } of peers) {
    described[memberId.toString(16)] = outcome.ok
      ? describeAnswer(own, outcome.value)
      : `unknown: ${outcome.error.text}`;
  }
  return described;
}

function describeAnswer(own: KvHash, answer: KvHash): string {
  if (isComparable(own, answer)) return hexOf(answer.hash);
  return `unknown: its hash is of revision ${answer.revision}, compacted at ${answer.compactRevision}`;
}

function hexOf(hash: number): string {
  return hash.toString(16).padStart(8, '0');
}
