import { assert } from '../base/assert.ts';
import type { Membership } from '../membership/membership.ts';
import type { PeerAddress } from '../peer/types.ts';
import type { ConfState } from '../raft/types.ts';

/** Where the members are, this one included, and which data dir each of them is known to have. */
export function peersOf(membership: Membership): readonly PeerAddress[] {
  return membership.list().map(({ id, peerUrls, incarnation }) => ({
    memberId: id,
    peerUrls,
    incarnation: incarnation === 0n ? undefined : incarnation,
  }));
}

/** The members' records and Raft's configuration are of one mind (etcd's zombie members came from two: #20967). */
export function mustAgree(membership: Membership, conf: ConfState): void {
  const voters = new Set(conf.voters);
  const learners = new Set([...conf.learners, ...conf.learnersNext]);
  const members = membership.list();
  for (const { id, isLearner } of members) {
    const isSame = isLearner ? learners.has(id) : voters.has(id);
    assert(isSame, `member ${id.toString(16)} is another to Raft than in its record`);
  }
  const count = voters.size + learners.size;
  assert(members.length === count, `${members.length} members are recorded, Raft has ${count}`);
}
