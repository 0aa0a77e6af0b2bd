import assert from 'node:assert/strict';
import { emptyBytes, fromHex } from '../../../src/base/bytes.ts';
import {
  leaveJoint,
  type ConfChange,
  type ConfChangeSingle,
} from '../../../src/raft/confchange.ts';
import { Cluster } from '../support/cluster.ts';
import {
  appendResp,
  heartbeat,
  loneLeader,
  loneMember,
  said,
  vote,
  voteResp,
} from '../support/messages.ts';

/** Chapter 4: cluster membership changes; a configuration takes effect when it is applied. */

function change(
  transition: ConfChange['transition'],
  ...changes: readonly ConfChangeSingle[]
): ConfChange {
  return { transition, changes, context: emptyBytes };
}

const addFour: ConfChangeSingle = { type: 'addVoter', memberId: 4n };
const removeThree: ConfChangeSingle = { type: 'remove', memberId: 3n };

describe('section 4.1: safety', () => {
  it('a change takes effect at each member when it applies the entry', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    cluster.member(1).raft.proposeConfChange(change('auto', removeThree));
    assert.deepEqual(cluster.member(1).raft.confState.voters, [1n, 2n, 3n]);
    cluster.settle();
    for (const id of [1, 2]) assert.deepEqual(cluster.member(id).raft.confState.voters, [1n, 2n]);
  });

  it('a second change waits until the first is applied', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    assert.equal(leader.raft.proposeConfChange(change('auto', addFour)), 'accepted');
    assert.equal(leader.raft.proposeConfChange(change('auto', removeThree)), 'dropped');
    leader.settle();
    leader.raft.step(appendResp(2n, 1, 2));
    leader.takeReady();
    assert.equal(leader.raft.committed, 2);
    assert.equal(leader.raft.proposeConfChange(change('auto', removeThree)), 'dropped');
    leader.settle();
    assert.equal(leader.raft.proposeConfChange(change('auto', removeThree)), 'accepted');
  });

  it('a change that changes more than one voter becomes joint by itself', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    const { raft } = cluster.member(1);
    raft.proposeConfChange({ ...change('jointExplicit', addFour, removeThree) });
    cluster.settle();
    assert.deepEqual(raft.confState.votersOutgoing, [1n, 2n, 3n]);
  });

  it('a change that cannot be made is dropped, not appended', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    const all = [1n, 2n, 3n].map((memberId) => ({ type: 'remove' as const, memberId }));
    assert.equal(leader.raft.proposeConfChange(change('auto', ...all)), 'dropped');
    assert.equal(leader.raft.proposeConfChange(leaveJoint), 'dropped');
    assert.equal(leader.raft.lastIndex, 1);
  });
});

describe('a change that the leader cannot read', () => {
  it('is refused, and harms nobody', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    const entries = [{ type: 'confChange' as const, data: fromHex('0809') }];
    leader.raft.step({ type: 'MsgProp', from: 2n, to: 1n, term: 0, entries });
    assert.equal(leader.raft.lastIndex, 1);
  });
});

describe('section 4.2.1: catching up new servers', () => {
  it('a learner gets entries and counts for no majority', () => {
    const leader = loneLeader({ voters: [1n, 2n, 3n], learners: [4n, 5n] });
    leader.raft.step(appendResp(4n, 1, 1));
    leader.raft.step(appendResp(5n, 1, 1));
    leader.settle();
    assert.equal(leader.raft.committed, 0);
  });

  it('a learner neither stands nor is asked for its vote, but gives it if asked', () => {
    const learner = loneMember({ voters: [2n, 3n], learners: [1n] });
    for (let i = 0; i < 40; i++) learner.raft.tick();
    assert.equal(learner.raft.state, 'follower');
    learner.raft.step(vote(2n, 1, { index: 0, logTerm: 0 }));
    assert.deepEqual(
      said(learner).map((message) => message.type),
      ['MsgVoteResp'],
      'a candidate may know already that it is a voter',
    );
  });
});

describe('section 4.2.2: removing the current leader', () => {
  it('a leader that is removed does not count itself, and leaves when the others know', () => {
    const leader = loneLeader();
    const { raft } = leader;
    raft.step(appendResp(2n, 1, 1));
    leader.settle();
    raft.proposeConfChange(change('auto', { type: 'remove', memberId: 1n }));
    leader.settle();
    raft.step(appendResp(2n, 1, 2));
    leader.settle();
    assert.deepEqual(raft.confState.voters, [2n, 3n]);
    assert.equal(raft.state, 'leader');
    raft.step(appendResp(2n, 1, 3));
    leader.settle();
    assert.equal(raft.committed, 2, 'its own copy and one of the two that stay are no majority');
    raft.step(appendResp(3n, 1, 3));
    assert.equal(raft.committed, 3);
    assert.equal(raft.state, 'follower');
  });

  it('a member that is not in its configuration does not stand', () => {
    const member = loneMember({ voters: [2n, 3n] });
    for (let i = 0; i < 40; i++) member.raft.tick();
    member.raft.campaign();
    assert.equal(member.raft.state, 'follower');
  });
});

describe('section 4.2.3: disruptive servers', () => {
  it('a member that heard from its leader within the minimum timeout does not even enter a later term', () => {
    const member = loneMember({ term: 1, config: { checkQuorum: true } });
    member.raft.step(heartbeat(2n, 1));
    said(member);
    for (let i = 0; i < 9; i++) member.raft.tick();
    member.raft.step(vote(3n, 7, { index: 9, logTerm: 6 }));
    assert.deepEqual(said(member), []);
    assert.equal(member.raft.term, 1);
    member.raft.tick();
    member.raft.step(vote(3n, 7, { index: 9, logTerm: 6 }));
    assert.equal(member.raft.term, 7);
  });

  it('unless the election was asked for by the leader', () => {
    const member = loneMember({ term: 1, config: { checkQuorum: true } });
    member.raft.step(heartbeat(2n, 1));
    member.raft.step({ ...vote(3n, 2, { index: 0, logTerm: 0 }), isTransfer: true } as never);
    assert.equal(member.raft.status().vote, 3n);
  });

  it('a leader that a quorum has not answered for an election timeout steps down (section 6.2)', () => {
    const leader = loneLeader({ config: { checkQuorum: true } });
    for (let i = 0; i < 9; i++) leader.raft.tick();
    assert.equal(leader.raft.state, 'leader');
    leader.raft.tick();
    assert.equal(leader.raft.state, 'follower');
  });
});

describe('section 4.3: joint consensus', () => {
  it('an entry is committed by both majorities', () => {
    const cluster = Cluster.of(3);
    cluster.addEmpty(4n);
    cluster.addEmpty(5n);
    cluster.elect(1);
    const { raft } = cluster.member(1);
    const addFive: ConfChangeSingle = { type: 'addVoter', memberId: 5n };
    const removeTwo: ConfChangeSingle = { type: 'remove', memberId: 2n };
    raft.proposeConfChange(change('jointExplicit', addFour, addFive, removeTwo, removeThree));
    cluster.settle();
    assert.deepEqual(raft.confState.voters, [1n, 4n, 5n]);

    for (const gone of [
      [2, 3],
      [4, 5],
    ]) {
      const { committed } = raft;
      for (const id of gone) cluster.isolate(id);
      cluster.propose(1, 'needs both');
      assert.equal(raft.committed, committed, `without ${gone.join(' and ')}`);
      cluster.heal();
      cluster.tick();
      assert.equal(raft.committed, committed + 1);
    }
  });

  it('a read is confirmed by both majorities, also where the leader alone is one of them', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    const leader = cluster.member(1);
    const removeTwo: ConfChangeSingle = { type: 'remove', memberId: 2n };
    leader.raft.proposeConfChange(change('jointExplicit', removeTwo, removeThree));
    cluster.settle();
    assert.deepEqual(leader.raft.confState.voters, [1n]);
    for (const id of [2, 3]) cluster.isolate(id);
    leader.raft.readIndex(7);
    cluster.settle();
    assert.deepEqual(leader.readStates, [], 'the others may have left it behind');
    cluster.heal();
    cluster.tick();
    assert.deepEqual(
      leader.readStates.map(({ context }) => context),
      [7],
    );
  });

  it('an election is won by both majorities', () => {
    const cluster = Cluster.of(3);
    cluster.addEmpty(4n);
    cluster.elect(1);
    cluster
      .member(1)
      .raft.proposeConfChange(
        change('jointExplicit', addFour, removeThree, { type: 'remove', memberId: 2n }),
      );
    cluster.settle();
    const { raft } = cluster.member(1);
    assert.deepEqual(
      [raft.confState.voters, raft.confState.votersOutgoing],
      [
        [1n, 4n],
        [1n, 2n, 3n],
      ],
    );
    raft.step({ ...voteResp(2n, raft.term + 1, true), to: 1n });
    assert.equal(raft.state, 'follower');
    cluster.isolate(4);
    cluster.elect(1);
    assert.equal(raft.state, 'candidate', 'it has 1, 2 and 3, but of 1 and 4 only itself');
    cluster.heal();
    cluster.elect(1);
    assert.equal(raft.state, 'leader');
  });

  it('a leader of the joint configuration leaves it by itself, also one elected in it', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    const first = cluster.member(1);
    first.raft.proposeConfChange(change('jointImplicit', removeThree));
    first.settle();
    cluster.collect();
    for (const item of cluster.inTransit.splice(0)) cluster.deliver(item);
    for (const id of [2, 3]) cluster.member(id).settle();
    cluster.isolate(1);
    cluster.collect();
    cluster.elect(2);
    assert.deepEqual(cluster.member(2).raft.confState.voters, [1n, 2n]);
    assert.deepEqual(cluster.member(2).raft.confState.votersOutgoing, [1n, 2n, 3n]);
    cluster.heal();
    cluster.tick();
    assert.deepEqual(cluster.member(2).raft.confState.votersOutgoing, []);
  });
});
