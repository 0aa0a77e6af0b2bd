import assert from 'node:assert/strict';
import { utf8 } from '../../../src/base/bytes.ts';
import { Cluster } from '../support/cluster.ts';
import {
  append,
  appendResp,
  entriesOf,
  heartbeat,
  heartbeatResp,
  loneLeader,
  loneMember,
  preVote,
  preVoteResp,
  said,
  saidOf,
} from '../support/messages.ts';

/** Sections 6.4 (reads without log writes), 9.6 (PreVote) and 10.2.1 (writing in parallel). */

describe('section 6.4: processing read-only queries more efficiently', () => {
  it('step 1: a new leader keeps reads until an entry of its own term is committed', () => {
    const leader = loneLeader();
    leader.raft.readIndex(1);
    assert.deepEqual(said(leader), []);
    leader.raft.step(appendResp(2n, 1, 1));
    assert.equal(saidOf(leader, 'MsgHeartbeat').length, 2);
  });

  it('step 2: the read index is the commit index when the round begins', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    leader.raft.readIndex(1);
    leader.raft.propose(utf8('later'));
    leader.settle();
    leader.raft.step(appendResp(2n, 1, 2));
    leader.raft.step(heartbeatResp(2n, 1, 1));
    leader.settle();
    assert.equal(leader.raft.committed, 2);
    assert.deepEqual(leader.readStates, [{ context: 1, index: 1 }]);
  });

  it('step 3: it is given out when a majority has answered a heartbeat sent since', () => {
    const leader = loneLeader({ voters: [1n, 2n, 3n, 4n, 5n] });
    for (const id of [2n, 3n]) leader.raft.step(appendResp(id, 1, 1));
    leader.settle();
    leader.raft.readIndex(1);
    leader.raft.step(heartbeatResp(2n, 1, 1));
    leader.raft.step(heartbeatResp(3n, 1, 0));
    leader.settle();
    assert.deepEqual(leader.readStates, [], 'the second answers a heartbeat sent before');
    leader.raft.step(heartbeatResp(3n, 1, 1));
    leader.settle();
    assert.deepEqual(leader.readStates, [{ context: 1, index: 1 }]);
  });

  it('any number of reads shares one round', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    for (let context = 1; context <= 100; context++) leader.raft.readIndex(context);
    leader.raft.step(heartbeatResp(2n, 1, 1));
    assert.equal(
      saidOf(leader, 'MsgHeartbeat').length,
      4,
      'one round for the first, one for the rest',
    );
    leader.raft.step(heartbeatResp(3n, 1, 2));
    leader.settle();
    assert.equal(leader.readStates.length, 100);
  });

  it('a follower asks the leader, and gets its index', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    cluster.propose(1, 'x');
    cluster.member(3).raft.readIndex(42);
    cluster.settle();
    assert.deepEqual(cluster.member(3).readStates, [{ context: 42, index: 3 }]);
  });

  it('a leader that is the only voter answers at once, when it has committed in its term', () => {
    const member = loneMember({ voters: [1n], log: [1, 1], term: 1 });
    member.raft.campaign();
    member.takeReady();
    member.completeAppend();
    member.takeReady();
    member.raft.readIndex(1);
    member.takeReady();
    assert.deepEqual(member.readStates, [], 'it may have committed more in an earlier life');
    member.settle();
    assert.deepEqual(member.readStates, [{ context: 1, index: 3 }]);
  });

  it('a read that nobody will answer is given up: no leader, leadership lost, or lost on the way', () => {
    const alone = loneMember();
    alone.raft.readIndex(1);
    alone.settle();
    assert.deepEqual(alone.droppedReads, [1]);

    const leader = loneLeader();
    leader.raft.readIndex(2);
    leader.raft.step(heartbeat(2n, 9));
    leader.settle();
    assert.deepEqual(leader.droppedReads, [2]);

    const follower = loneMember({ term: 1 });
    follower.raft.step(heartbeat(2n, 1));
    follower.raft.readIndex(3);
    for (let i = 0; i < 9; i++) follower.raft.tick();
    follower.raft.step(heartbeat(2n, 1));
    follower.raft.tick();
    follower.settle();
    assert.deepEqual(follower.droppedReads, [3]);
  });

  it('reads beyond the limit are given up at once', () => {
    const leader = loneLeader({ config: { readsMax: 2 } });
    for (const context of [1, 2, 3]) leader.raft.readIndex(context);
    leader.settle();
    assert.deepEqual(leader.droppedReads, [3]);
  });
});

describe('section 9.6: preventing disruptions when a server rejoins the cluster', () => {
  const config = { preVote: true };

  it('a member asks first, for the next term, and raises its own only when a majority would vote', () => {
    const member = loneMember({ term: 3, config });
    for (let i = 0; i < 10; i++) member.raft.tick();
    const asked = saidOf(member, 'MsgPreVote');
    assert.deepEqual(
      asked.map(({ to, term }) => [to, term]),
      [
        [2n, 4],
        [3n, 4],
      ],
    );
    assert.deepEqual([member.raft.state, member.raft.term], ['preCandidate', 3]);
    member.raft.step(preVoteResp(2n, 4));
    assert.deepEqual([member.raft.state, member.raft.term], ['candidate', 4]);
  });

  it('a pre-candidate that would lose goes back, in its old term', () => {
    const { raft } = loneMember({ term: 3, config });
    raft.campaign();
    for (const id of [2n, 3n]) raft.step(preVoteResp(id, 3, true));
    assert.deepEqual([raft.state, raft.term], ['follower', 3]);
  });

  it('answering changes nothing: not the term, not the vote', () => {
    const member = loneMember({ term: 3, vote: 2n, log: [3], config });
    member.raft.step(preVote(3n, 4, { index: 1, logTerm: 3 }));
    const [answer] = saidOf(member, 'MsgPreVoteResp');
    assert.deepEqual([answer?.reject, answer?.term], [false, 4]);
    assert.deepEqual([member.raft.term, member.raft.status().vote], [3, 2n]);
    assert.equal(member.log.hardState.term, 3);
  });

  it('a pre-vote is for a log that is as up to date as one’s own', () => {
    const member = loneMember({ term: 3, log: [3, 3], config });
    member.raft.step(preVote(3n, 4, { index: 1, logTerm: 3 }));
    assert.deepEqual(
      saidOf(member, 'MsgPreVoteResp').map(({ reject }) => reject),
      [true],
    );
  });

  it('a pre-vote is refused while a leader is heard from', () => {
    const member = loneMember({ term: 3, config: { ...config, checkQuorum: true } });
    member.raft.step(heartbeat(2n, 3));
    member.raft.step(preVote(3n, 4, { index: 9, logTerm: 3 }));
    assert.deepEqual(
      said(member).map(({ type }) => type),
      ['MsgHeartbeatResp'],
    );
  });

  it('a member that was cut off comes back without a change of leader or term', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    const { term } = cluster.leader.raft;
    cluster.isolate(3);
    cluster.tick(100);
    cluster.heal();
    cluster.tick(30);
    assert.equal(cluster.leader.id, 1n);
    assert.equal(cluster.leader.raft.term, term);
  });
});

describe('section 10.2.1: writing to the leader’s disk in parallel', () => {
  it('entries leave for the followers before they are on the leader’s disk', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    leader.raft.propose(utf8('x'));
    const ready = leader.takeReady();
    assert.equal(ready.entries.length, 1);
    const sent = ready.messages.filter(({ type, to }) => type === 'MsgApp' && to === 2n);
    assert.equal(sent.length, 1);
  });

  it('the leader’s own copy counts when it is on disk, not before', () => {
    const leader = loneLeader({ voters: [1n, 2n, 3n] });
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    leader.raft.propose(utf8('x'));
    leader.takeReady();
    leader.raft.step(appendResp(2n, 1, 2));
    assert.equal(leader.raft.committed, 1, 'one follower, and a write in flight');
    leader.completeAppend();
    assert.equal(leader.raft.committed, 2);
  });

  it('a majority of followers commits what the leader has not written yet', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    leader.raft.propose(utf8('x'));
    leader.takeReady();
    for (const id of [2n, 3n]) leader.raft.step(appendResp(id, 1, 2));
    const ready = leader.takeReady();
    assert.deepEqual(
      ready.committedEntries.map(({ index }) => index),
      [2],
    );
    assert.equal(leader.log.lastIndex(), 1);
  });

  it('a follower may be given what is committed while its own write is in flight', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(append(2n, 1, { entries: entriesOf([1]), commit: 1 }));
    const ready = member.takeReady();
    assert.deepEqual(
      ready.committedEntries.map(({ index }) => index),
      [1],
    );
    assert.deepEqual(
      ready.hardState,
      { term: 1, vote: 0n, commit: 1 },
      'in the batch of the entry',
    );
  });
});
