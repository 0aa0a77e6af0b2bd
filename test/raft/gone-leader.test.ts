import assert from 'node:assert/strict';
import { Cluster } from './support/cluster.ts';
import {
  append,
  heartbeat,
  loneMember,
  preVote,
  preVoteResp,
  said,
  saidOf,
} from './support/messages.ts';
import { emptyBytes } from '../../src/base/bytes.ts';
import { encodeConfChange } from '../../src/raft/confchange.ts';
import type { RaftConfig } from '../../src/raft/config.ts';
import type { TestMember } from './support/member.ts';

/** A hint that the leader's process has ended: what it hastens, and what it must never do. */

const guarded: Partial<RaftConfig> = { preVote: true, checkQuorum: true };
const nothing = { index: 0, logTerm: 0 };

/** Member 1, which follows member 3 in term 5. */
function follower(config: Partial<RaftConfig> = guarded): TestMember {
  const member = loneMember({ term: 5, config: { ...config, random: { below: () => 0 } } });
  member.raft.step(heartbeat(3n, 5));
  said(member);
  return member;
}

describe('a leader that is gone', () => {
  it('is followed at once, when all others know: no tick has to pass', () => {
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    cluster.propose(3, 'kept');
    cluster.isolate(3);
    cluster.member(2).raft.reportGone(3n);
    cluster.member(1).raft.reportGone(3n);
    cluster.settle();
    assert.equal(cluster.leader.id, 1n);
    assert.equal(cluster.member(2).raft.lead, 1n);
    cluster.propose(1, 'later');
    assert.deepEqual(cluster.texts(2), ['kept', 'later']);
  });

  it('whoever learns of it first asks, and is answered when the others learn of it', () => {
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    cluster.isolate(3);
    cluster.member(1).raft.reportGone(3n);
    cluster.settle();
    assert.equal(cluster.member(1).raft.state, 'preCandidate');
    cluster.member(2).raft.reportGone(3n);
    cluster.settle();
    assert.equal(cluster.leader.id, 1n);
  });

  it('voters campaign one after the other, so that one which cannot win does not hold up the next', () => {
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    cluster.cut(3, 1);
    cluster.propose(3, 'not at 1');
    cluster.isolate(3);
    for (const id of [1, 2]) cluster.member(id).raft.reportGone(3n);
    cluster.settle();
    assert.equal(cluster.member(1).raft.state, 'preCandidate', 'its log is too short');
    cluster.tick();
    assert.equal(cluster.member(2).raft.state, 'follower');
    cluster.tick();
    assert.equal(cluster.leader.id, 2n);
  });

  it('a leader whom a majority hears is not disturbed by those who believe it gone', () => {
    const cluster = Cluster.of(5, guarded);
    cluster.elect(5);
    const { term } = cluster.member(5).raft;
    for (let round = 0; round < 20; round++) {
      for (const id of [1, 2]) cluster.member(id).raft.reportGone(5n);
      cluster.tick();
    }
    for (const id of [1, 2, 3, 4, 5]) {
      assert.equal(cluster.member(id).raft.term, term);
      assert.equal(cluster.member(id).raft.lead, 5n);
    }
  });

  it('is heard all the same: the hint was wrong and is forgotten', () => {
    const member = follower();
    member.raft.reportGone(3n);
    assert.equal(saidOf(member, 'MsgPreVote').length, 2);
    member.raft.step(heartbeat(3n, 5));
    assert.equal(member.raft.state, 'follower');
    assert.equal(member.raft.lead, 3n);
    member.raft.step(preVote(2n, 6, nothing));
    assert.equal(saidOf(member, 'MsgPreVoteResp').length, 0, 'in lease again');
  });

  it('is heard before the turn of a member has come: nothing is left of the hint', () => {
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    // Member 2 has its turn after member 1.
    cluster.member(2).raft.reportGone(3n);
    cluster.tick();
    cluster.cut(3, 1);
    cluster.cut(3, 2);
    cluster.member(1).raft.campaign();
    cluster.settle();
    assert.equal(cluster.member(1).raft.state, 'preCandidate', 'member 2 is in lease again');
    assert.equal(cluster.propose(2, 'x'), 'accepted');
    cluster.tick(5);
    assert.equal(cluster.member(2).raft.state, 'follower');
  });

  it('is not succeeded by one that has a change of the members to apply, before it has (row 25)', () => {
    const member = follower();
    const addFour = { type: 'addVoter', memberId: 4n } as const;
    const data = encodeConfChange({ transition: 'auto', changes: [addFour], context: emptyBytes });
    const entries = [{ index: 1, term: 5, type: 'confChange', data } as const];
    member.raft.step(append(3n, 5, { entries, commit: 1 }));
    member.raft.reportGone(3n);
    assert.equal(member.raft.state, 'follower');
    assert.equal(saidOf(member, 'MsgPreVote').length, 0, 'now it is applied');
    member.raft.tick();
    assert.equal(saidOf(member, 'MsgPreVote').length, 3);
  });

  it('is asked about once in a term', () => {
    const member = follower();
    member.raft.reportGone(3n);
    assert.equal(saidOf(member, 'MsgPreVote').length, 2);
    member.raft.step(heartbeat(3n, 5));
    member.raft.reportGone(3n);
    for (let ticks = 0; ticks < 9; ticks++) member.raft.tick();
    assert.equal(saidOf(member, 'MsgPreVote').length, 0);
    member.raft.tick();
    assert.equal(saidOf(member, 'MsgPreVote').length, 2, 'as ever, after an election timeout');
  });

  it('is succeeded by pre-votes first, also where PreVote is off', () => {
    const member = follower({ ...guarded, preVote: false });
    member.raft.reportGone(3n);
    assert.equal(saidOf(member, 'MsgPreVote').length, 2);
    assert.equal(member.raft.term, 5);
    member.raft.step(preVoteResp(2n, 6));
    assert.equal(member.raft.term, 6);
    assert.equal(saidOf(member, 'MsgVote').length, 2);
  });

  it('gets no proposal and no read any more: they wait for the next', () => {
    // Member 2 has its turn after member 1.
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    cluster.isolate(3);
    const { raft } = cluster.member(2);
    raft.reportGone(3n);
    assert.equal(cluster.propose(2, 'x'), 'dropped');
    raft.readIndex(7);
    cluster.settle();
    assert.deepEqual(cluster.member(2).droppedReads, [7]);
  });

  it('is nobody but the leader: the end of another member changes nothing', () => {
    const member = follower();
    member.raft.reportGone(2n);
    member.raft.reportGone(0n);
    for (let ticks = 0; ticks < 5; ticks++) member.raft.tick();
    assert.deepEqual(said(member), []);
    assert.equal(member.raft.propose(new Uint8Array(1)), 'accepted');
  });

  it('a leader and a candidate do not listen to it', () => {
    const cluster = Cluster.of(3, guarded);
    cluster.elect(3);
    cluster.member(3).raft.reportGone(3n);
    cluster.settle();
    assert.equal(cluster.leader.id, 3n);
    const candidate = loneMember({ term: 5, config: guarded });
    candidate.raft.campaign();
    said(candidate);
    candidate.raft.reportGone(3n);
    assert.deepEqual(said(candidate), []);
  });

  it('a learner does not campaign, but lets others win', () => {
    const member = loneMember({ voters: [2n, 3n], learners: [1n], term: 5, config: guarded });
    member.raft.step(heartbeat(3n, 5));
    said(member);
    member.raft.reportGone(3n);
    for (let ticks = 0; ticks < 5; ticks++) member.raft.tick();
    assert.deepEqual(said(member), []);
    member.raft.step(preVote(2n, 6, nothing));
    assert.deepEqual(
      saidOf(member, 'MsgPreVoteResp').map(({ reject }) => reject),
      [false],
    );
  });
});
