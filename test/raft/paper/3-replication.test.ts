import assert from 'node:assert/strict';
import { utf8 } from '../../../src/base/bytes.ts';
import { Cluster, type InTransit } from '../support/cluster.ts';
import {
  append,
  appendResp,
  entriesOf,
  heartbeat,
  loneLeader,
  loneMember,
  saidOf,
  vote,
} from '../support/messages.ts';
import type { TestMember } from '../support/member.ts';

/** Sections 3.5 to 3.8 and Figure 3.1 on replication, commitment and persistence. */

function termsOf(member: TestMember): readonly number[] {
  return member.log.all().map(({ term }) => term);
}

describe('section 3.5: log replication', () => {
  it('a leader appends a command and sends it with the index and term of the entry before', () => {
    const leader = loneLeader({ log: [1, 1], term: 1 });
    leader.raft.step(appendResp(2n, 2, 3));
    leader.settle();
    leader.outbox = [];
    leader.raft.propose(utf8('x'));
    const [message] = saidOf(leader, 'MsgApp').filter(({ to }) => to === 2n);
    assert.equal(message?.index, 3);
    assert.equal(message?.logTerm, 2);
    assert.deepEqual(
      message?.entries.map(({ index, term }) => [index, term]),
      [[4, 2]],
    );
  });

  it('an entry is committed when a majority has it, and told to the others with the next message', () => {
    const leader = loneLeader({ voters: [1n, 2n, 3n, 4n, 5n] });
    leader.raft.step(appendResp(2n, 1, 1));
    leader.settle();
    assert.equal(leader.raft.committed, 0, 'two of five');
    leader.raft.step(appendResp(3n, 1, 1));
    assert.equal(leader.raft.committed, 1);
    const told = saidOf(leader, 'MsgApp').filter(({ commit }) => commit === 1);
    assert.deepEqual(
      told.map(({ to }) => to),
      [2n, 3n],
    );
  });

  it('a commit index that comes by itself is not answered where it is accepted, and is where it is refused', () => {
    const member = loneMember({ log: [1, 1], term: 1 });
    member.raft.step(append(2n, 1, { index: 2, logTerm: 1, commit: 1, isNotice: true }));
    member.settle();
    assert.equal(member.raft.committed, 1);
    // Old news, too.
    member.raft.step(append(2n, 1, { index: 0, commit: 1, isNotice: true }));
    member.settle();
    assert.deepEqual(saidOf(member, 'MsgAppResp'), []);
    member.raft.step(append(2n, 1, { index: 3, logTerm: 1, commit: 3, isNotice: true }));
    member.settle();
    const answers = saidOf(member, 'MsgAppResp');
    assert.deepEqual(
      answers.map(({ reject, rejectHint }) => [reject, rejectHint]),
      [[true, 2]],
    );
  });

  it('an acknowledgement that is lost before such a message is asked for again at the next heartbeat', () => {
    const cluster = Cluster.of(3);
    const leader = cluster.elect(1);
    cluster.settle();
    leader.raft.propose(utf8('x'));
    leader.settle();
    cluster.collect();
    for (const item of cluster.inTransit.splice(0)) cluster.deliver(item);
    const answersOf3 = ({ message }: InTransit): boolean => message.from === 3n;
    for (const member of cluster.members.values()) member.settle();
    cluster.collect();
    cluster.inTransit = cluster.inTransit.filter((item) => !answersOf3(item));
    cluster.settle();
    const { lastIndex } = leader.raft;
    const matchOf3 = (): number | undefined =>
      leader.raft.status().progress.find(({ id }) => id === 3n)?.match;
    assert.equal(cluster.member(3).raft.committed, lastIndex, 'it was told');
    assert.equal(matchOf3(), lastIndex - 1, 'and was silent');
    cluster.tick();
    assert.equal(matchOf3(), lastIndex);
  });

  it('everything before a committed entry is committed, whoever made it', () => {
    const leader = loneLeader({ log: [1, 2], term: 2 });
    leader.raft.step(appendResp(2n, 3, 3));
    leader.settle();
    assert.equal(leader.raft.committed, 3);
    assert.deepEqual(leader.store.texts, ['1/1', '2/2']);
  });

  it('a follower applies what it learns to be committed, in order of the log', () => {
    const member = loneMember();
    member.raft.step(append(2n, 1, { entries: entriesOf([1, 1, 1]), commit: 2 }));
    member.settle();
    assert.deepEqual(member.store.texts, ['1/1', '1/2']);
    member.raft.step(heartbeat(2n, 1, 3));
    member.settle();
    assert.deepEqual(member.store.texts, ['1/1', '1/2', '1/3']);
  });

  it('a commit index beyond the entries of a message counts only up to those (AppendEntries step 5)', () => {
    const member = loneMember({ log: [1, 1, 1], term: 1 });
    member.raft.step(append(2n, 2, { index: 0, entries: entriesOf([1]), commit: 3 }));
    assert.equal(member.raft.committed, 1, 'entries 2 and 3 may differ from the leader’s');
  });

  const checks: readonly (readonly [number, number, boolean])[] = [
    // index and term before the entries, whether a log [1, 2] accepts
    [0, 0, true],
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [3, 3, false],
  ];
  for (const [index, logTerm, isAccepted] of checks) {
    it(`the consistency check ${isAccepted ? 'passes' : 'fails'} after entry ${logTerm}/${index}`, () => {
      const member = loneMember({ log: [1, 2], term: 2 });
      member.raft.step(append(2n, 3, { index, logTerm }));
      const [answer] = saidOf(member, 'MsgAppResp');
      assert.equal(answer?.reject, !isAccepted);
      assert.equal(answer?.index, index, 'accepted: what agrees; rejected: what was asked');
    });
  }

  it('a follower drops what conflicts with the leader, and everything after it', () => {
    const member = loneMember({ log: [1, 2, 2, 2], term: 2 });
    member.raft.step(append(2n, 3, { index: 1, logTerm: 1, entries: entriesOf([3], 2) }));
    member.settle();
    assert.deepEqual(termsOf(member), [1, 3]);
  });

  it('a follower keeps what goes beyond a message that agrees', () => {
    const member = loneMember({ log: [1, 2, 2], term: 2 });
    member.raft.step(append(2n, 2, { index: 0, logTerm: 0, entries: entriesOf([1, 2]) }));
    member.settle();
    assert.deepEqual(termsOf(member), [1, 2, 2], 'it may be an old message that came late');
  });

  const figure36: readonly (readonly [string, readonly number[]])[] = [
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
    // Beyond the figure: where they differ, the follower's is of the later term.
    ['d, but shorter', [1, 1, 1, 4, 4, 7, 7]],
  ];
  for (const [name, log] of figure36) {
    it(`a leader brings a log like (${name}) of Figure 3.6 in line with its own`, () => {
      const cluster = Cluster.of(3);
      const logs = [[1, 1, 1, 4, 4, 5, 5, 6, 6, 6], log, [1]];
      for (const [i, terms] of logs.entries()) {
        const member = cluster.member(i + 1);
        member.log.append({ term: 7, vote: 0n, commit: 1 }, entriesOf(terms.slice(1), 2));
        member.restart();
      }
      cluster.elect(1);
      assert.deepEqual(termsOf(cluster.member(2)), [1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
      assert.deepEqual(cluster.member(2).log.all(), cluster.member(1).log.all());
    });
  }
});

describe('section 3.6.2: committing entries from previous terms (Figure 3.8)', () => {
  it('an entry of an earlier term is not committed for being on a majority', () => {
    const leader = loneLeader({ log: [1, 2], term: 3 });
    leader.raft.step(appendResp(2n, 4, 2));
    leader.raft.step(appendResp(3n, 4, 2));
    leader.settle();
    assert.equal(leader.raft.committed, 0);
    leader.raft.step(appendResp(2n, 4, 3));
    assert.equal(leader.raft.committed, 3, 'with an entry of its own term, all before it');
  });
});

describe('section 3.7: follower and candidate crashes', () => {
  it('the same AppendEntries twice is as good as once', () => {
    const member = loneMember();
    const message = append(2n, 1, { entries: entriesOf([1, 1]) });
    for (let i = 0; i < 2; i++) {
      member.raft.step(message);
      assert.deepEqual(
        saidOf(member, 'MsgAppResp').map(({ index }) => index),
        [2],
      );
    }
    assert.deepEqual(termsOf(member), [1, 1]);
  });

  it('the same vote request twice gets the same vote', () => {
    const member = loneMember();
    for (let i = 0; i < 2; i++) {
      member.raft.step(vote(2n, 1, { index: 0, logTerm: 0 }));
      assert.deepEqual(
        saidOf(member, 'MsgVoteResp').map(({ reject }) => reject),
        [false],
      );
    }
  });
});

describe('section 3.8: persisted state and server restarts', () => {
  it('a vote is on disk before it is told, and binds after a restart', () => {
    const member = loneMember();
    member.raft.step(vote(2n, 1, { index: 0, logTerm: 0 }));
    const ready = member.takeReady();
    assert.deepEqual(ready.hardState, { term: 1, vote: 2n, commit: 0 });
    assert.deepEqual(ready.messages, []);
    assert.deepEqual(
      ready.messagesAfterAppend.map(({ type }) => type),
      ['MsgVoteResp'],
    );

    member.completeAppend();
    member.restart();
    member.raft.step(vote(3n, 1, { index: 0, logTerm: 0 }));
    assert.deepEqual(
      saidOf(member, 'MsgVoteResp').map(({ reject }) => reject),
      [true],
    );
  });

  it('entries are on disk before they are acknowledged', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(append(2n, 1, { entries: entriesOf([1, 1]) }));
    member.takeReady();
    assert.deepEqual(member.outbox, []);
    member.completeAppend();
    assert.deepEqual(
      saidOf(member, 'MsgAppResp').map(({ index }) => index),
      [2],
    );
    member.restart();
    assert.equal(member.raft.lastIndex, 2);
  });

  it('an answer waits for what it speaks of, though that is in an earlier batch', () => {
    const member = loneMember({ term: 1 });
    member.raft.step(append(2n, 1, { entries: entriesOf([1, 1]) }));
    member.takeReady();
    member.raft.step(append(2n, 1, { index: 2, logTerm: 1 }));
    const second = member.takeReady();
    assert.deepEqual(member.outbox, []);
    assert.deepEqual(
      second.messagesAfterAppend.map(({ type }) => type),
      ['MsgAppResp'],
    );
    member.completeAppend();
    member.completeAppend();
    assert.deepEqual(
      member.outbox.map(({ type }) => type),
      ['MsgAppResp', 'MsgAppResp'],
    );
  });

  it('a candidate asks for votes when its own is on disk, and counts its own from then on', () => {
    const member = loneMember({ voters: [1n] });
    member.raft.campaign();
    member.takeReady();
    assert.equal(member.raft.state, 'candidate');
    member.completeAppend();
    assert.equal(member.raft.state, 'leader');

    const other = loneMember();
    other.raft.campaign();
    other.takeReady();
    assert.deepEqual(other.outbox, []);
    other.completeAppend();
    assert.deepEqual(
      other.outbox.map(({ type }) => type),
      ['MsgVote', 'MsgVote'],
    );
  });

  it('a write that was in flight before says nothing of the vote', () => {
    const member = loneMember({ voters: [1n], log: [1], term: 1 });
    member.raft.step(append(2n, 2, { index: 1, logTerm: 1, entries: entriesOf([2], 2) }));
    member.takeReady();
    member.raft.campaign();
    member.takeReady();
    member.completeAppend();
    assert.equal(member.raft.state, 'candidate');
    member.completeAppend();
    assert.equal(member.raft.state, 'leader');
  });

  it('a member takes up again where its disk is: term, vote, log, and what was committed', () => {
    const member = loneMember({ log: [1, 2, 2], term: 4, vote: 3n, commit: 2 });
    const { raft } = member;
    assert.deepEqual(
      {
        term: raft.term,
        vote: raft.status().vote,
        committed: raft.committed,
        last: raft.lastIndex,
      },
      { term: 4, vote: 3n, committed: 2, last: 3 },
    );
    member.settle();
    assert.deepEqual(member.store.texts, ['1/1', '2/2'], 'applied again from the start');
  });
});
