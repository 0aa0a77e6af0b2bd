import { assert } from '../base/assert.ts';
import type { Membership } from '../membership/membership.ts';
import type { PeerAddress } from '../peer/types.ts';
import { membersOf } from '../raft/configuration.ts';
import type { ConfState, MemberId } from '../raft/types.ts';

/** Where the members are, this one included, and which data dir each of them is known to have. */
export function peersOf(membership: Membership): readonly PeerAddress[] {
  return membership.list().map(({ id, peerUrls, incarnation }) => ({
    memberId: id,
    peerUrls,
    incarnation: incarnation === 0n ? undefined : incarnation,
  }));
}

/** Who was removed and has no say any more: until a joint configuration is left, those of the outgoing half have. */
export function goneFrom(membership: Membership, conf: ConfState): ReadonlySet<MemberId> {
  const involved = new Set(membersOf(conf));
  return new Set([...membership.removedIds].filter((id) => !involved.has(id)));
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
