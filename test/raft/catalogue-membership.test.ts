import assert from 'node:assert/strict';
import { emptyBytes, utf8 } from '../../src/base/bytes.ts';
import { encodeConfChange, type ConfChangeSingle } from '../../src/raft/confchange.ts';
import { Cluster } from './support/cluster.ts';
import {
  append,
  appendResp,
  entriesOf,
  heartbeat,
  loneLeader,
  loneMember,
  preVote,
  said,
  saidOf,
  timeoutNow,
  vote,
} from './support/messages.ts';
import type { ConfState, Entry, MemberId } from '../../src/raft/types.ts';

/**
 * Bugs that other implementations of Raft had (the table in reliability.md section 4), as scenarios: what has
 * to do with elections and configurations. Logs, reads and disks are in the file beside.
 */

function conf(voters: readonly MemberId[], learners: readonly MemberId[] = []): ConfState {
  return { voters, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
}

function confEntry(term: number, index: number, ...changes: readonly ConfChangeSingle[]): Entry {
  const data = encodeConfChange({ transition: 'auto', changes, context: emptyBytes });
  return { term, index, type: 'confChange', data };
}

describe('row 6 (openraft #1808): a stale configuration is kept after a snapshot was installed', () => {
  it('the snapshot’s configuration replaces one that was never applied', () => {
    const member = loneMember({ term: 3 });
    const entries = [confEntry(3, 1, { type: 'addVoter', memberId: 9n })];
    member.raft.step(append(2n, 3, { entries }));
    member.settle();
    const snapshot = { index: 50, term: 3, confState: conf([1n, 2n, 4n]) };
    const image = { applied: 50, appliedTerm: 3, confState: snapshot.confState, texts: [] };
    member.receive({ type: 'MsgSnap', from: 2n, to: 1n, term: 3, snapshot }, image);
    member.settle();
    assert.deepEqual(member.raft.confState, snapshot.confState);
    member.restart();
    assert.deepEqual(member.raft.confState, snapshot.confState);
  });

  it('entries handed out before it came change the old configuration, not the snapshot’s', () => {
    const member = loneMember({ term: 3 });
    const entries = [confEntry(3, 1, { type: 'addVoter', memberId: 9n })];
    member.raft.step(append(2n, 3, { entries, commit: 1 }));
    member.takeReady();
    member.completeAppend();
    const snapshot = { index: 50, term: 3, confState: conf([1n, 2n]) };
    const image = { applied: 50, appliedTerm: 3, confState: snapshot.confState, texts: [] };
    member.receive({ type: 'MsgSnap', from: 2n, to: 1n, term: 3, snapshot }, image);
    member.takeReady();
    member.apply();
    assert.deepEqual(member.store.confState.voters, [1n, 2n, 3n, 9n]);
    member.completeAppend();
    assert.deepEqual(member.raft.confState.voters, [1n, 2n]);
  });
});

describe('row 7 (dragonboat #94): a learner becomes voter by the snapshot of another', () => {
  it('its role is that of its own id in the configuration', () => {
    const member = loneMember({ voters: [2n], learners: [1n], term: 3 });
    const snapshot = { index: 50, term: 3, confState: conf([2n, 3n], [1n]) };
    const image = { applied: 50, appliedTerm: 3, confState: snapshot.confState, texts: [] };
    member.receive({ type: 'MsgSnap', from: 2n, to: 1n, term: 3, snapshot }, image);
    member.settle();
    assert(member.raft.isLearner);
    for (let i = 0; i < 40; i++) member.raft.tick();
    assert.equal(member.raft.state, 'follower');
  });

  it('a snapshot that leaves the member out is not installed', () => {
    const member = loneMember({ term: 3 });
    const snapshot = { index: 50, term: 3, confState: conf([2n, 3n]) };
    member.raft.step({ type: 'MsgSnap', from: 2n, to: 1n, term: 3, snapshot });
    assert.equal(member.takeReady().snapshot, undefined);
  });
});

describe('row 8 (raft-dev 2015): two leaders by single-server changes of different terms', () => {
  it('a leader proposes no change before it has committed and applied an entry of its own term', () => {
    const leader = loneLeader({ log: [1], term: 1 });
    const change = {
      transition: 'auto' as const,
      changes: [{ type: 'addVoter' as const, memberId: 4n }],
      context: emptyBytes,
    };
    assert.equal(leader.raft.proposeConfChange(change), 'dropped');
    leader.raft.step(appendResp(2n, 2, 2));
    assert.equal(leader.raft.committed, 2);
    assert.equal(leader.raft.proposeConfChange(change), 'dropped');
    leader.settle();
    assert.equal(leader.raft.proposeConfChange(change), 'accepted');
  });
});

describe('row 9 (hashicorp #524): a removed member keeps disturbing the others', () => {
  it('one that never heard of its removal changes neither leader nor term', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.isolate(3);
    cluster.member(1).raft.proposeConfChange({
      transition: 'auto',
      changes: [{ type: 'remove', memberId: 3n }],
      context: emptyBytes,
    });
    cluster.settle();
    cluster.heal();
    const { term } = cluster.leader.raft;
    cluster.tick(100);
    assert.notEqual(cluster.member(3).raft.state, 'follower', 'it asks and asks');
    assert.equal(cluster.leader.id, 1n);
    assert.equal(cluster.leader.raft.term, term);
  });
});

describe('row 10 (hashicorp #605): with PreVote no leader is found though two of three are alive', () => {
  it('after the leader and another restart at once', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
      cluster.elect(1);
      cluster.isolate(3);
      cluster.tick(seed % 10);
      for (const id of [1, 2].slice(seed % 2)) cluster.member(id).restart();
      cluster.tick(60);
      assert(cluster.leader.raft.state === 'leader');
      assert.equal(cluster.propose(Number(cluster.leader.id), 'served'), 'accepted');
    }
  });
});

describe('row 11 (hashicorp #609): granting a pre-vote resets the timer, and nobody ever campaigns', () => {
  it('a pre-vote has no side effect', () => {
    const member = loneMember({ term: 1, config: { preVote: true } });
    for (let i = 0; i < 9; i++) member.raft.tick();
    member.raft.step(preVote(2n, 2, { index: 0, logTerm: 0 }));
    assert.deepEqual(
      saidOf(member, 'MsgPreVoteResp').map(({ reject }) => reject),
      [false],
    );
    member.raft.tick();
    assert.equal(member.raft.state, 'preCandidate');
  });
});

describe('row 12 (canonical/raft #279): pre-votes of different terms never align', () => {
  it('a member with the better log and the lower term is elected', () => {
    const cluster = Cluster.of(3, { preVote: true });
    cluster.isolate(3);
    const behind = cluster.member(1);
    const ahead = cluster.member(2);
    behind.log.append({ term: 3, vote: 0n, commit: 1 }, entriesOf([3], 2));
    ahead.log.append({ term: 9, vote: 2n, commit: 1 }, []);
    behind.restart();
    ahead.restart();
    cluster.tick(60);
    assert.equal(cluster.leader.id, 1n);
    assert(cluster.leader.raft.term > 9);
  });
});

describe('row 13 (canonical/raft #203): a transfer is cancelled by PreVote or a heartbeat', () => {
  it('the target goes on when a heartbeat of the old leader overtakes the election', () => {
    const member = loneMember({ term: 1, config: { preVote: true, checkQuorum: true } });
    member.raft.step(heartbeat(2n, 1));
    member.raft.step(timeoutNow(2n, 1));
    member.raft.step(heartbeat(2n, 1));
    assert.equal(member.raft.state, 'candidate');
  });
});

describe('row 14 (nebula #2419): a voter refuses the repeated request of its own candidate', () => {
  it('the vote is given again', () => {
    const member = loneMember();
    for (let i = 0; i < 3; i++) member.raft.step(vote(2n, 1, { index: 0, logTerm: 0 }));
    assert.deepEqual(
      saidOf(member, 'MsgVoteResp').map(({ reject }) => reject),
      [false, false, false],
    );
  });
});

describe('row 15 (scylla #10379): a learner stands, or sends requests to a leader that is gone', () => {
  it('a learner forgets a silent leader, and finds the next', () => {
    const learner = loneMember({ voters: [2n, 3n], learners: [1n], term: 1 });
    learner.raft.step(heartbeat(2n, 1));
    learner.raft.readIndex(1);
    for (let i = 0; i < 10; i++) learner.raft.tick();
    learner.settle();
    assert.deepEqual(learner.droppedReads, [1]);
    assert.equal(learner.raft.propose(utf8('x')), 'dropped');
    assert.equal(learner.raft.state, 'follower');
    learner.raft.step(heartbeat(3n, 2));
    said(learner);
    assert.equal(learner.raft.propose(utf8('x')), 'accepted');
    assert.deepEqual(
      saidOf(learner, 'MsgProp').map(({ to }) => to),
      [3n],
    );
  });
});

describe('row 25: a member restarts between entering and leaving a joint configuration (3 to 1)', () => {
  /**
   * 1 becomes the only voter by a joint configuration and commits alone. 2 has both configuration entries on
   * disk and has applied neither; 3 has none. Both restart, and cannot reach 1.
   */
  function reduced(): Cluster {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.isolate(3);
    const [one, two] = [cluster.member(1), cluster.member(2)];
    one.raft.proposeConfChange({
      transition: 'jointImplicit',
      changes: [2n, 3n].map((memberId) => ({ type: 'remove', memberId })),
      context: emptyBytes,
    });
    for (let round = 0; round < 12 && one.raft.confState.voters.length !== 1; round++) relay();
    for (let round = 0; round < 12 && one.raft.confState.votersOutgoing.length > 0; round++)
      relay();
    assert.deepEqual(one.raft.confState, conf([1n]));
    one.raft.propose(utf8('committed by 1 alone'));
    one.settle();
    cluster.inTransit = [];
    cluster.heal();
    cluster.isolate(1);
    for (const id of [2, 3]) cluster.member(id).restart();
    return cluster;

    /** 1 works as it should; 2 writes and answers, and never applies. */
    function relay(): void {
      one.settle();
      while (two.raft.hasReady()) two.takeReady();
      while (two.appends.length > 0) two.completeAppend();
      cluster.collect();
      for (const item of cluster.inTransit.splice(0)) cluster.deliver(item);
    }
  }

  it('2 has both entries, and has written that the first is committed', () => {
    const two = reduced().member(2);
    assert.deepEqual(
      two.log
        .all()
        .filter(({ type }) => type === 'confChange')
        .map(({ index }) => index),
      [3, 4],
    );
    assert(two.log.hardState.commit >= 3);
    assert.deepEqual(two.raft.confState.voters, [1n, 2n, 3n], 'and has yet to apply it');
  });

  it('2 does not stand before it has applied, though 3 would elect it', () => {
    const cluster = reduced();
    const two = cluster.member(2);
    for (let i = 0; i < 40; i++) two.raft.tick();
    two.raft.campaign();
    assert.equal(two.raft.state, 'follower');
  });

  it('2 and 3 elect nobody without 1, and lose nothing when it is back', () => {
    const cluster = reduced();
    cluster.tick(100);
    for (const id of [2, 3]) assert.notEqual(cluster.member(id).raft.state, 'leader');
    cluster.heal();
    cluster.tick(60);
    assert.equal(cluster.leader.id, 1n);
    assert(cluster.texts(1).includes('committed by 1 alone'));
  });
});

describe('a leader that leaves its configuration, whose followers do not know that it may', () => {
  it('tells a candidate what is committed when it refuses its vote (found by the random cluster)', () => {
    const cluster = Cluster.of(2);
    cluster.addEmpty(3n);
    cluster.elect(1);
    // 1 makes itself a learner; the entry is on both disks, but 2 never hears that it is committed.
    const one = cluster.member(1);
    const two = cluster.member(2);
    one.raft.proposeConfChange({
      transition: 'auto',
      changes: [{ type: 'addLearner', memberId: 1n }],
      context: emptyBytes,
    });
    one.settle();
    cluster.collect();
    for (const item of cluster.inTransit.splice(0)) cluster.deliver(item);
    two.settle();
    cluster.collect();
    const toOne = cluster.inTransit.splice(0);
    one.raft.propose(utf8('only at 1'));
    one.takeReady();
    for (const item of toOne) cluster.deliver(item);
    one.settle();
    one.commitStore();
    one.restart();
    cluster.inTransit = [];
    assert(one.raft.isLearner && one.raft.lastIndex > two.raft.lastIndex);
    assert.deepEqual(two.raft.confState.voters, [1n, 2n], '2 believes that it needs the vote of 1');

    cluster.tick(60);
    assert.equal(cluster.leader.id, 2n);
    assert.deepEqual(two.raft.confState, conf([2n], [1n]));
  });

  it('tells a candidate nothing of what is another entry there, or none', () => {
    const { raft } = loneMember({ log: [1, 2, 2], term: 3 });
    raft.campaign();
    const refusal = { type: 'MsgVoteResp', from: 2n, to: 1n, reject: true } as const;
    const tell = (commit: number, logTerm: number): void =>
      raft.step({ ...refusal, term: raft.term, commit, logTerm });
    for (const [commit, logTerm] of [
      [3, 3],
      [4, 3],
      [2, 1],
    ] as const) {
      tell(commit, logTerm);
      assert.equal(raft.committed, 0, `its own entry ${commit} may be lost yet`);
    }
    tell(2, 2);
    assert.equal(raft.committed, 2);
  });
});
