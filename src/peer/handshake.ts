import { emptyBytes, equalBytes, type Bytes } from '../base/bytes.ts';
import type { MemberId } from '../raft/types.ts';
import type { KnownPeers } from './directory.ts';
import type { PeerAddress, PeerIdentity } from './types.ts';

/**
 * Who may talk to whom. Each stream between members opens with a hello, and nothing is believed before it is
 * accepted: a peer of another cluster, or one that lost its disk under its old id, breaks Raft's promises
 * without meaning to (etcd #10166, #13493).
 */

/** The newest form of the peer protocol that this program speaks, and the oldest it still understands. */
export const protocolVersion = 1;
export const protocolVersionMin = 1;

export interface Hello {
  readonly clusterId: bigint;
  readonly from: MemberId;
  readonly to: MemberId;
  /** Of `from`. */
  readonly incarnation: bigint;
  readonly protocolVersion: number;
  readonly protocolVersionMin: number;
  /** The cluster's history of forced starts and restores, once there is one: members of two histories never talk. */
  readonly lineage: Bytes;
  /** Of `from`; empty while it has no record of itself. */
  readonly peerUrls: readonly string[];
}

export interface Refusal {
  readonly reason: string;
  /** The one that is refused must stop: waiting cannot make it welcome. */
  readonly isFinal: boolean;
}

export function helloTo(to: MemberId, local: PeerIdentity, peerUrls: readonly string[]): Hello {
  return {
    clusterId: local.clusterId,
    from: local.memberId,
    to,
    incarnation: local.incarnation,
    protocolVersion,
    protocolVersionMin,
    lineage: local.lineage ?? emptyBytes,
    peerUrls,
  };
}

/**
 * Judges a hello that came to `local`: undefined is welcome. Final is the removal of a
 * member, and another data dir under a known id. An unknown one that is a member by its own record may be one that
 * this member has yet to hear of, and is let in. Of two clusters, or two lineages, that meet, neither can tell which
 * of them has gone astray.
 */
export function judgeHello(
  local: PeerIdentity,
  peers: KnownPeers,
  hello: Hello,
): Refusal | undefined {
  const refuse = (reason: string, isFinal = false): Refusal => ({ reason, isFinal });
  if (hello.protocolVersion < protocolVersionMin || hello.protocolVersionMin > protocolVersion) {
    return refuse(
      `peer protocol version mismatch: ${describeId(hello.from)} speaks ` +
        `${hello.protocolVersionMin} to ${hello.protocolVersion}, ` +
        `${describeId(local.memberId)} speaks ${protocolVersionMin} to ${protocolVersion}`,
    );
  }
  if (hello.clusterId !== local.clusterId) {
    return refuse(
      `cluster ID mismatch: ${describeId(hello.from)} is of cluster ${describeId(hello.clusterId)}, ` +
        `${describeId(local.memberId)} is of cluster ${describeId(local.clusterId)}`,
    );
  }
  if (!equalBytes(hello.lineage, local.lineage ?? emptyBytes)) {
    return refuse(describeOtherLineage(hello.from, local.memberId));
  }
  if (hello.to !== local.memberId) {
    return refuse(
      `wrong member: ${describeId(hello.from)} looks for ${describeId(hello.to)} ` +
        `at the peer URL of ${describeId(local.memberId)}`,
    );
  }
  if (peers.isRemoved(hello.from)) return refuse(describeRemoved(hello.from), true);
  const peer = peers.get(hello.from);
  if (peer === undefined && hello.peerUrls.length === 0) {
    return refuse(
      `${describeId(hello.from)} is not a member that ${describeId(local.memberId)} knows`,
    );
  }
  if (peer?.incarnation !== undefined && peer.incarnation !== hello.incarnation) {
    return refuse(describeOtherDataDir(hello.from), true);
  }
  return undefined;
}

/** What is wrong with the identity that the member at a peer's URL answered with, if anything is. */
export function judgeAnswer(
  expected: PeerAddress,
  local: PeerIdentity,
  answer: PeerIdentity,
): string | undefined {
  if (answer.clusterId !== local.clusterId) {
    return `cluster ID mismatch: ${describeId(answer.memberId)} is of cluster ${describeId(answer.clusterId)}`;
  }
  if (answer.memberId !== expected.memberId) {
    return `wrong member: ${describeId(answer.memberId)} answers at the peer URL of ${describeId(expected.memberId)}`;
  }
  if (expected.incarnation !== undefined && expected.incarnation !== answer.incarnation) {
    return describeOtherDataDir(answer.memberId);
  }
  return undefined;
}

/** An id as etcd prints it: lower-case hexadecimal without leading zeros. */
export function describeId(id: bigint): string {
  return id.toString(16);
}

/** etcd's words (server/etcdserver/api/rafthttp), and what to do. */
export function describeRemoved(id: MemberId): string {
  return (
    'the member has been permanently removed from the cluster: ' +
    `${describeId(id)} can never come back; to run it again, remove its data dir, add it with ` +
    '"etcdctl member add" and start it with --initial-cluster-state=existing'
  );
}

function describeOtherDataDir(id: MemberId): string {
  const name = describeId(id);
  return (
    `member ${name} has another data dir than the cluster knows it by: what it had acknowledged may be lost. ` +
    `Remove its data dir, remove it from the cluster ("etcdctl member remove ${name}"), add it as a new member ` +
    '("etcdctl member add") and start it with --initial-cluster-state=existing'
  );
}

function describeOtherLineage(from: MemberId, local: MemberId): string {
  return (
    `lineage mismatch: the data of ${describeId(from)} and of ${describeId(local)} parted when one of them was ` +
    'forced to start as a new cluster or restored. Whichever is not to go on must be stopped; to join the other, ' +
    'remove its data dir and add it as a new member'
  );
}
