import assert from 'node:assert/strict';
import { utf8 } from '../../../src/base/bytes.ts';
import { Cluster } from '../support/cluster.ts';
import {
  appendResp,
  heartbeat,
  loneLeader,
  loneMember,
  saidOf,
  timeoutNow,
} from '../support/messages.ts';

/** Section 3.10: leadership transfer extension. */

describe('section 3.10: leadership transfer', () => {
  it('the leader stops taking requests, brings the target up to date, then tells it to stand', () => {
    const leader = loneLeader();
    leader.raft.transferLeadership(2n);
    assert.equal(leader.raft.propose(utf8('x')), 'dropped');
    assert.deepEqual(saidOf(leader, 'MsgTimeoutNow'), [], 'the target lacks an entry');
    leader.raft.step(appendResp(2n, 1, 1));
    assert.deepEqual(
      saidOf(leader, 'MsgTimeoutNow').map(({ to }) => to),
      [2n],
    );
  });

  it('the target stands at once, whatever its timer says', () => {
    const member = loneMember({ term: 1, config: { preVote: true, checkQuorum: true } });
    member.raft.step(heartbeat(2n, 1));
    member.raft.step(timeoutNow(2n, 1));
    const requests = saidOf(member, 'MsgVote');
    assert.equal(member.raft.term, 2, 'no pre-vote: it is the leader who asks');
    assert(requests.length === 2 && requests.every(({ isTransfer }) => isTransfer));
  });

  it('only the leader’s word counts', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(heartbeat(2n, 1));
    member.raft.step(timeoutNow(3n, 1));
    assert.equal(member.raft.state, 'follower');
  });

  it('after an election timeout the leader gives up and serves again', () => {
    const leader = loneLeader();
    leader.raft.transferLeadership(2n);
    for (let i = 0; i < 10; i++) leader.raft.tick();
    assert.equal(leader.raft.propose(utf8('x')), 'accepted');
  });

  it('can be asked of any member, and works with PreVote and CheckQuorum on', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.member(3).raft.transferLeadership(2n);
    cluster.settle();
    assert.equal(cluster.leader.id, 2n);
    assert.equal(cluster.member(1).raft.state, 'follower');
  });

  it('goes to no learner, no stranger, and a second target replaces the first', () => {
    const leader = loneLeader({ learners: [4n] });
    for (const id of [4n, 9n, 1n]) leader.raft.transferLeadership(id);
    assert.equal(leader.raft.status().leadTransferee, 0n);
    leader.raft.transferLeadership(2n);
    leader.raft.transferLeadership(3n);
    assert.equal(leader.raft.status().leadTransferee, 3n);
  });
});
