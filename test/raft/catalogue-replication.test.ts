import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Raft } from '../../src/raft/raft.ts';
import { Cluster } from './support/cluster.ts';
import { MemoryLog } from './support/memory-log.ts';
import { testConfig } from './support/member.ts';
import {
  append,
  appendResp,
  entriesOf,
  heartbeat,
  heartbeatResp,
  loneLeader,
  loneMember,
  said,
  saidOf,
  voteResp,
} from './support/messages.ts';
import type { SnapshotMeta } from '../../src/raft/types.ts';

/**
 * Bugs that other implementations of Raft had (the table in reliability.md section 4), as scenarios: what has
 * to do with logs, commitment, snapshots, reads and disks. Elections and configurations are in the file beside.
 */

const confState = {
  voters: [1n, 2n, 3n],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

function snapshot(index: number, term: number): SnapshotMeta {
  return { index, term, confState };
}

function withLogs(logs: readonly (readonly number[])[], term: number): Cluster {
  const cluster = Cluster.of(logs.length, { maxSizePerMsgBytes: 1 });
  for (const [i, terms] of logs.entries()) {
    const member = cluster.member(i + 1);
    member.log.append({ term, vote: 0n, commit: 1 }, entriesOf(terms.slice(1), 2));
    member.restart();
  }
  return cluster;
}

describe('row 1 (LogCabin #44): entries of older terms committed by counting replicas', () => {
  it('the entry of Figure 3.8 may still be overwritten, and is not committed before', () => {
    const cluster = withLogs([[1, 2], [1, 2], [1], [1], [1, 3]], 3);
    const one = cluster.member(1);
    cluster.isolate(5);
    one.raft.campaign();
    // 1 leads again and copies 2/2 to a majority; its own 4/3 reaches nobody.
    for (let round = 0; round < 8 && cluster.member(3).raft.lastIndex < 2; round++) {
      for (const member of cluster.members.values()) member.settle();
      cluster.collect();
      for (const item of cluster.inTransit.splice(0)) cluster.deliver(item);
    }
    for (const id of [2, 3]) cluster.member(id).settle();
    cluster.collect();
    const answers = cluster.inTransit.splice(0).filter(({ message }) => message.to === 1n);
    for (const item of answers) cluster.deliver(item);
    assert.equal(cluster.member(3).log.term(2), 2);
    assert.equal(one.raft.committed, 1);

    cluster.heal();
    cluster.isolate(1);
    for (let i = 0; i < 3 && cluster.member(5).raft.state !== 'leader'; i++) cluster.elect(5);
    assert.equal(cluster.leader.id, 5n);
    cluster.heal();
    cluster.tick(3);
    assert.equal(one.log.term(2), 3, 'overwritten everywhere, and nobody had applied it');
    assert.deepEqual(cluster.texts(1), cluster.texts(5));
  });
});

describe('row 2 (PySyncObj #166, raft.tla #19): the commit index moves back', () => {
  it('a delayed AppendEntries does not take back what is committed', () => {
    const { raft } = loneMember({ term: 1 });
    const early = append(2n, 1, { entries: entriesOf([1]), commit: 0 });
    raft.step(append(2n, 1, { entries: entriesOf([1, 1, 1]), commit: 3 }));
    raft.step(early);
    raft.step(heartbeat(2n, 1, 1));
    assert.equal(raft.committed, 3);
    assert.equal(raft.lastIndex, 3);
  });
});

describe('row 3 (PySyncObj #167): match and next move back after a stale answer', () => {
  it('older answers, and rejections of what was accepted since, are ignored', () => {
    const leader = loneLeader({ log: [1, 1, 1, 1], term: 1 });
    const { raft } = leader;
    raft.step(appendResp(2n, 2, 5));
    const before = raft.status().progress[1];
    raft.step(appendResp(2n, 2, 3));
    raft.step({ ...appendResp(2n, 2, 4), reject: true, rejectHint: 2, logTerm: 1 } as never);
    const after = raft.status().progress[1];
    assert.deepEqual([after?.match, after?.next], [before?.match, before?.next]);
    assert.equal(after?.match, 5);
  });

  it('an answer beyond the leader’s log changes nothing', () => {
    const { raft } = loneLeader();
    raft.step(appendResp(2n, 1, 77));
    assert.equal(raft.status().progress[1]?.match, 0);
  });
});

describe('row 4 (CCF #5674): a suffix lost when a leader steps down', () => {
  it('the log of a leader that becomes follower stays as it is, uncommitted entries included', () => {
    const leader = loneLeader();
    leader.raft.propose(utf8('x'));
    leader.settle();
    leader.raft.step(heartbeat(2n, 5));
    leader.settle();
    assert.equal(leader.raft.lastIndex, 2);
    assert.equal(leader.log.lastIndex(), 2);
  });
});

describe('row 14 (nebula #2419): the log in memory differs from the log on disk', () => {
  it('after entries were replaced while their write was in flight, the disk ends as the core does', () => {
    const leader = loneLeader();
    leader.raft.proposeBatch([utf8('a'), utf8('b')]);
    leader.takeReady();
    leader.raft.step(append(2n, 5, { index: 1, logTerm: 1, entries: entriesOf([5], 2) }));
    leader.takeReady();
    assert.equal(leader.raft.lastIndex, 2);
    leader.completeAppend();
    assert.equal(leader.log.lastIndex(), 3, 'the old write, late');
    leader.completeAppend();
    assert.deepEqual([leader.log.lastIndex(), leader.log.term(2)], [2, 5]);
    assert.equal(leader.raft.lastIndex, 2);
  });
});

describe('row 17 (etcd #14370): acknowledged before it is on disk', () => {
  it('what a client may have been told of survives a power cut of all members', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    cluster.propose(1, 'told');
    for (const member of cluster.members.values()) member.restart();
    cluster.inTransit = [];
    cluster.elect(2);
    assert.deepEqual(cluster.texts(2), ['told']);
  });

  it('a single member commits when its own write is done', () => {
    const member = loneLeader({ voters: [1n] });
    member.raft.propose(utf8('x'));
    assert.deepEqual(member.takeReady().committedEntries, []);
    member.completeAppend();
    assert.equal(member.takeReady().committedEntries.length, 1);
  });
});

describe('row 18 (etcd #20418): an acknowledgement of one ReadIndex round confirms a later one', () => {
  it('late answers to the first round do not count for the second', () => {
    const leader = loneLeader({ voters: [1n, 2n, 3n, 4n, 5n] });
    for (const id of [2n, 3n]) leader.raft.step(appendResp(id, 1, 1));
    leader.settle();
    leader.raft.readIndex(1);
    for (const id of [2n, 3n]) leader.raft.step(heartbeatResp(id, 1, 1));
    leader.raft.readIndex(2);
    for (const id of [4n, 5n]) leader.raft.step(heartbeatResp(id, 1, 1));
    leader.settle();
    assert.deepEqual(
      leader.readStates.map(({ context }) => context),
      [1],
    );
    for (const id of [4n, 5n]) leader.raft.step(heartbeatResp(id, 1, 2));
    leader.settle();
    assert.deepEqual(
      leader.readStates.map(({ context }) => context),
      [1, 2],
    );
  });

  it('a token does not come again when leadership does', () => {
    const leader = loneLeader();
    leader.raft.step(appendResp(2n, 1, 1));
    leader.raft.readIndex(1);
    const [first] = saidOf(leader, 'MsgHeartbeat');
    leader.raft.step(heartbeat(2n, 2));
    leader.raft.campaign();
    leader.settle();
    leader.raft.step(voteResp(2n, 3));
    leader.settle();
    leader.raft.step(appendResp(2n, 3, 2));
    leader.raft.readIndex(2);
    const second = saidOf(leader, 'MsgHeartbeat').at(-1);
    assert.notDeepEqual([first?.term, first?.readSequence], [second?.term, second?.readSequence]);
    leader.raft.step(heartbeatResp(2n, 1, first?.readSequence));
    leader.settle();
    assert.deepEqual(leader.readStates, []);
  });

  it('an answer to a member’s earlier life finds no read of its present one', () => {
    const config = { random: seededRandom(1) };
    const member = loneMember({ term: 1, config });
    const ask = (): number => {
      member.raft.step(heartbeat(2n, 1));
      member.raft.readIndex(1);
      return saidOf(member, 'MsgReadIndex')[0]?.context ?? -1;
    };
    const before = ask();
    member.restart();
    const now = ask();
    assert.notEqual(before, now);
    const answer = { type: 'MsgReadIndexResp' as const, from: 2n, to: 1n, term: 1, index: 0 };
    member.raft.step({ ...answer, context: before });
    member.settle();
    assert.deepEqual(member.readStates, []);
  });
});

describe('row 19 (etcd #7331): ReadIndex before an entry of the own term is committed', () => {
  it('a new leader that does not know of a commit of its predecessor does not serve without it', () => {
    const leader = loneLeader({ log: [1, 1], term: 1, commit: 0 });
    leader.raft.readIndex(1);
    leader.raft.step(heartbeatResp(2n, 2, 1));
    leader.settle();
    assert.deepEqual(leader.readStates, []);
    leader.raft.step(appendResp(2n, 2, 3));
    leader.raft.step(heartbeatResp(2n, 2, 1));
    leader.settle();
    assert.deepEqual(leader.readStates, [{ context: 1, index: 3 }]);
  });
});

describe('row 20 (etcd tocommit panic): a member comes back under its id without its data', () => {
  it('it stops itself, and says why; the others go on', () => {
    const cluster = Cluster.of(3);
    cluster.elect(1);
    cluster.propose(1, 'before');
    cluster.members.delete(3n);
    const wiped = cluster.addEmpty(3n);
    for (const id of [1, 2]) cluster.member(id).raft.tick();
    for (const id of [1, 2]) cluster.member(id).settle();
    cluster.collect();
    const toWiped = cluster.inTransit.splice(0).filter(({ message }) => message.to === 3n);
    assert.throws(
      () => toWiped.forEach((item) => cluster.deliver(item)),
      /entry 3 is committed, but this log ends at 0/,
    );
    assert.equal(wiped.raft.lastIndex, 0);
    cluster.members.delete(3n);
    assert.equal(cluster.propose(1, 'after'), 'accepted');
    assert.deepEqual(cluster.texts(2), ['before', 'after']);
  });
});

describe('row 21 (Redis-Raft): gaps between snapshot and log, old snapshots', () => {
  it('a log that begins after the next entry to apply is refused at the start', () => {
    const log = new MemoryLog();
    log.reset(10, 2, { term: 2, vote: 0n, commit: 12 });
    log.append(undefined, entriesOf([2, 2], 11));
    const start = { hardState: log.hardState, confState, applied: 9 };
    assert.throws(() => new Raft(testConfig(1n), log, start), /the log begins at 11/);
  });

  it('a log that ends before the commit index is refused at the start', () => {
    const log = new MemoryLog();
    log.append({ term: 2, vote: 0n, commit: 3 }, entriesOf([2, 2]));
    const start = { hardState: log.hardState, confState, applied: 0 };
    assert.throws(() => new Raft(testConfig(1n), log, start), /entries were lost/);
  });

  it('a snapshot of what is committed already is thrown away', () => {
    const member = loneMember({ log: [1, 1, 1], term: 1, commit: 3 });
    member.raft.step({ type: 'MsgSnap', from: 2n, to: 1n, term: 1, snapshot: snapshot(2, 1) });
    assert.equal(member.takeReady().snapshot, undefined);
    assert.deepEqual(
      saidOf(member, 'MsgAppResp').map(({ index }) => index),
      [3],
    );
  });

  it('also when the log does not reach back to it', () => {
    const member = loneMember({ log: [1, 1, 1], term: 1, commit: 3 });
    member.settle();
    member.commitStore();
    member.compact();
    member.raft.step({ type: 'MsgSnap', from: 2n, to: 1n, term: 1, snapshot: snapshot(2, 1) });
    assert.deepEqual(
      saidOf(member, 'MsgAppResp').map(({ index }) => index),
      [3],
    );
    assert.equal(member.raft.appliedIndex, 3);
  });

  it('no snapshot is begun for a member that has not been heard from', () => {
    const leader = loneLeader({ config: { checkQuorum: true } });
    for (const id of [2n, 3n]) leader.raft.step(appendResp(id, 1, 1));
    leader.raft.propose(utf8('never reaches 2'));
    leader.settle();
    leader.raft.step(appendResp(3n, 1, 2));
    leader.settle();
    leader.commitStore();
    leader.compact();
    for (let i = 0; i < 10; i++) leader.raft.tick();
    leader.raft.step(heartbeatResp(3n, 1));
    leader.raft.reportUnreachable(2n);
    leader.raft.propose(utf8('x'));
    assert.deepEqual(saidOf(leader, 'MsgSnap'), []);
    leader.raft.step(heartbeatResp(2n, 1));
    assert.deepEqual(
      saidOf(leader, 'MsgSnap').map(({ to }) => to),
      [2n],
    );
  });

  it('a snapshot of what the log holds only moves the commit index', () => {
    const member = loneMember({ log: [1, 1, 1], term: 1 });
    member.raft.step({ type: 'MsgSnap', from: 2n, to: 1n, term: 1, snapshot: snapshot(2, 1) });
    assert.equal(member.takeReady().snapshot, undefined);
    assert.deepEqual([member.raft.committed, member.raft.lastIndex], [2, 3]);
  });

  it('two snapshots in a short time are installed one after the other', () => {
    const member = loneMember({ log: [1], term: 3 });
    const image = { applied: 0, appliedTerm: 3, confState, texts: ['image'] };
    for (const index of [50, 90]) {
      const message = { from: 2n, to: 1n, term: 3, snapshot: snapshot(index, 3) };
      member.receive({ type: 'MsgSnap', ...message }, { ...image, applied: index });
      assert.equal(member.takeReady().snapshot?.index, index);
    }
    member.completeAppend();
    assert.equal(member.raft.appliedIndex, 50);
    member.completeAppend();
    assert.equal(member.raft.appliedIndex, 90);
    assert.deepEqual([member.raft.lastIndex, member.log.firstIndex()], [90, 91]);
  });

  it('entries that come while a snapshot is being installed are not acknowledged before they are kept', () => {
    const member = loneMember({ log: [1], term: 3 });
    const message = { from: 2n, to: 1n, term: 3, snapshot: snapshot(50, 3) };
    const image = { applied: 50, appliedTerm: 3, confState, texts: [] };
    member.receive({ type: 'MsgSnap', ...message }, image);
    member.raft.step(append(2n, 3, { index: 50, logTerm: 3, entries: entriesOf([3], 51) }));
    assert.deepEqual(
      saidOf(member, 'MsgAppResp').map(({ index }) => index),
      [50],
    );
    member.raft.step(append(2n, 3, { index: 50, logTerm: 3, entries: entriesOf([3], 51) }));
    assert.deepEqual(
      saidOf(member, 'MsgAppResp').map(({ index }) => index),
      [51],
    );
  });
});

describe('row 22 (Redis-Raft): forwarding repeats a request, or sends it in circles', () => {
  it('a forwarded proposal that finds no leader goes no further', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(heartbeat(2n, 1));
    said(member);
    const entries = [{ type: 'normal' as const, data: utf8('x') }];
    member.raft.step({ type: 'MsgProp', from: 3n, to: 1n, term: 0, entries });
    member.raft.step({ type: 'MsgReadIndex', from: 3n, to: 1n, term: 0, context: 1 });
    assert.deepEqual(said(member), []);
  });

  it('a proposal is sent on once, and never again by the core', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(heartbeat(2n, 1));
    assert.equal(member.raft.propose(utf8('x')), 'accepted');
    let sent = saidOf(member, 'MsgProp').length;
    for (let i = 0; i < 9; i++) member.raft.tick();
    member.raft.step(heartbeat(3n, 2));
    sent += saidOf(member, 'MsgProp').length;
    assert.equal(sent, 1);
  });

  it('many proposals are sent on in messages of bounded size, each once and in order', () => {
    const member = loneMember({ term: 1, config: { maxSizePerMsgBytes: 5 } });
    member.raft.step(heartbeat(2n, 1));
    const texts = ['ab', 'cd', 'ef', 'longer than any', 'g'];
    assert.equal(member.raft.proposeBatch(texts.map(utf8)), 'accepted');
    assert.deepEqual(
      saidOf(member, 'MsgProp').map(({ entries }) => entries.map(({ data }) => data)),
      [['ab', 'cd'], ['ef'], ['longer than any'], ['g']].map((part) => part.map(utf8)),
    );
  });

  it('a proposal that is refused is nowhere', () => {
    const leader = loneLeader({ config: { maxUncommittedBytes: 10 } });
    assert.equal(
      leader.raft.propose(utf8('as large as it likes')),
      'accepted',
      'with nothing held',
    );
    assert.equal(leader.raft.propose(utf8('x')), 'dropped');
    assert.equal(leader.raft.lastIndex, 2);
    leader.settle();
    leader.raft.step(appendResp(2n, 1, 2));
    leader.settle();
    assert.equal(leader.raft.propose(utf8('x')), 'accepted', 'what was held is committed');
    assert.equal(loneMember().raft.propose(utf8('x')), 'dropped', 'no leader is known');
  });
});

describe('row 23 (etcd #15247): a leader that is stuck in its disk', () => {
  it('steps down when a write does not finish, and drops its reads', () => {
    const leader = loneLeader({ config: { appendStallTicks: 5 } });
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    leader.raft.propose(utf8('x'));
    leader.takeReady();
    leader.raft.readIndex(1);
    for (let i = 0; i < 4; i++) leader.raft.tick();
    assert.equal(leader.raft.state, 'leader');
    leader.raft.tick();
    leader.takeReady();
    assert.equal(leader.raft.state, 'follower');
    assert.deepEqual(leader.droppedReads, [1]);
  });
});
