import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/base/random.ts';
import { Cluster } from '../support/cluster.ts';
import {
  append,
  heartbeat,
  loneLeader,
  loneMember,
  said,
  saidOf,
  vote,
  voteResp,
} from '../support/messages.ts';
import type { Message } from '../../../src/raft/types.ts';

/** The rules of the dissertation's sections 3.3 and 3.4 and of Figure 3.1 on terms, votes and elections. */

describe('section 3.3 (Figure 3.1, all servers): terms', () => {
  const news: readonly (readonly [string, Message])[] = [
    ['MsgApp', append(2n, 9)],
    ['MsgHeartbeat', heartbeat(2n, 9)],
    ['MsgVote', vote(2n, 9, { index: 0, logTerm: 0 })],
    ['MsgVoteResp', voteResp(2n, 9, true)],
  ];
  for (const [name, message] of news) {
    it(`a later term in a ${name} is entered, by a follower, a candidate and a leader`, () => {
      const follower = loneMember({ term: 3 });
      const candidate = loneMember({ term: 3 });
      candidate.raft.campaign();
      const leader = loneLeader({ term: 3 });
      for (const { raft } of [follower, candidate, leader]) {
        raft.step(message);
        assert.equal(raft.state, 'follower');
        assert.equal(raft.term, 9);
      }
    });
  }

  it('what is of an earlier term is refused, and answered with the term reached', () => {
    const member = loneMember({ term: 5, log: [1] });
    member.raft.step(append(2n, 4, { index: 1, logTerm: 1, entries: [] }));
    member.raft.step(vote(3n, 4, { index: 9, logTerm: 4 }));
    const answers = said(member);
    assert.deepEqual(
      answers.map(({ type, term }) => [type, term]),
      [
        ['MsgAppResp', 5],
        ['MsgVoteResp', 5],
      ],
    );
    assert.equal(member.raft.lead, 0n);
  });
});

describe('section 3.4: leader election', () => {
  it('a member begins as a follower', () => {
    assert.equal(loneMember().raft.state, 'follower');
  });

  it('a follower stays one while it hears from the leader', () => {
    const { raft } = loneMember({ term: 2 });
    for (let i = 0; i < 50; i++) {
      raft.tick();
      if (i % 9 === 0) raft.step(heartbeat(2n, 2));
      assert.equal(raft.state, 'follower');
    }
  });

  it('a leader sends heartbeats to all, every heartbeat interval', () => {
    const leader = loneLeader({ config: { heartbeatTicks: 3 } });
    for (let tick = 1; tick <= 9; tick++) {
      leader.raft.tick();
      const to = saidOf(leader, 'MsgHeartbeat').map((message) => message.to);
      assert.deepEqual(to, tick % 3 === 0 ? [2n, 3n] : []);
    }
  });

  it('a follower whose election timeout passes begins an election in the next term, with its own vote', () => {
    const member = loneMember({ term: 4, log: [2, 4] });
    for (let i = 0; i < 10; i++) member.raft.tick();
    const requests = saidOf(member, 'MsgVote');
    assert.equal(member.raft.state, 'candidate');
    assert.deepEqual(
      requests.map(({ to, term, index, logTerm }) => ({ to, term, index, logTerm })),
      [2n, 3n].map((to) => ({ to, term: 5, index: 2, logTerm: 4 })),
    );
    assert.deepEqual(member.log.hardState, { term: 5, vote: 1n, commit: 0 });
  });

  const elections: readonly (readonly [number, number, number, string])[] = [
    // voters, further votes granted, refused, what becomes of the candidate
    [1, 0, 0, 'leader'],
    [3, 1, 0, 'leader'],
    [3, 0, 1, 'candidate'],
    [3, 0, 2, 'follower'],
    [5, 2, 0, 'leader'],
    [5, 2, 2, 'leader'],
    [5, 1, 2, 'candidate'],
    [5, 1, 3, 'follower'],
  ];
  for (const [size, granted, refused, expected] of elections) {
    it(`of ${size} voters, with its own, ${granted} more and ${refused} refusals: ${expected}`, () => {
      const voters = Array.from({ length: size }, (_, i) => BigInt(i + 1));
      const member = loneMember({ voters });
      member.raft.campaign();
      member.settle();
      for (let i = 0; i < granted; i++) member.raft.step(voteResp(BigInt(i + 2), 1));
      for (let i = 0; i < refused; i++) {
        member.raft.step(voteResp(BigInt(granted + i + 2), 1, true));
      }
      assert.equal(member.raft.state, expected);
    });
  }

  it('a voter that answers twice counts once', () => {
    const member = loneMember({ voters: [1n, 2n, 3n, 4n, 5n] });
    member.raft.campaign();
    member.settle();
    for (let i = 0; i < 3; i++) member.raft.step(voteResp(2n, 1));
    assert.equal(member.raft.state, 'candidate');
  });

  it('each member votes for one candidate a term, the first that asks', () => {
    const member = loneMember();
    const log = { index: 0, logTerm: 0 };
    member.raft.step(vote(2n, 1, log));
    member.raft.step(vote(3n, 1, log));
    member.raft.step(vote(2n, 1, log));
    member.raft.step(vote(3n, 2, log));
    assert.deepEqual(
      saidOf(member, 'MsgVoteResp').map(({ to, term, reject }) => [to, term, reject]),
      [
        [2n, 1, false],
        [3n, 1, true],
        [2n, 1, false],
        [3n, 2, false],
      ],
    );
  });

  it('a candidate that hears from a leader of its term follows it', () => {
    for (const message of [append(2n, 1), heartbeat(2n, 1)]) {
      const { raft } = loneMember();
      raft.campaign();
      raft.step(message);
      assert.equal(raft.state, 'follower');
      assert.equal(raft.lead, 2n);
    }
  });

  it('a candidate that hears from a leader of an earlier term goes on', () => {
    const { raft } = loneMember({ term: 3 });
    raft.campaign();
    raft.step(append(2n, 3));
    assert.equal(raft.state, 'candidate');
  });

  it('a candidate that neither wins nor loses begins another election in the next term', () => {
    const member = loneMember();
    member.raft.campaign();
    member.settle();
    for (let i = 0; i < 10; i++) member.raft.tick();
    assert.equal(member.raft.term, 2);
    assert.equal(member.raft.state, 'candidate');
  });

  it('election timeouts are random, within [electionTicks, 2 * electionTicks)', () => {
    const timeouts = new Set<number>();
    const { raft } = loneMember({ config: { random: seededRandom(7) } });
    for (let round = 0; round < 300; round++) {
      const { term } = raft;
      let ticks = 0;
      for (; raft.term === term; ticks++) raft.tick();
      timeouts.add(ticks);
    }
    assert.deepEqual(
      [...timeouts].sort((a, b) => a - b),
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    );
  });

  it('only a vote that is granted resets the timer, not a candidate that was refused', () => {
    const { raft } = loneMember({ log: [1, 1], term: 1 });
    for (let i = 0; i < 9; i++) raft.tick();
    raft.step(vote(2n, 2, { index: 1, logTerm: 1 }));
    raft.tick();
    assert.equal(raft.state, 'candidate');
  });

  it('no term has two leaders, however the votes fall', () => {
    const cluster = Cluster.of(5);
    for (const id of [1, 2, 3]) cluster.member(id).raft.campaign();
    cluster.settle();
    const leaders = [...cluster.members.values()].filter(({ raft }) => raft.state === 'leader');
    assert(leaders.length <= 1);
  });
});

describe('section 3.6.1: election restriction', () => {
  const cases: readonly (readonly [readonly number[], number, number, boolean])[] = [
    // log of the voter, last index and term of the candidate, whether it gets the vote
    [[1], 1, 1, true],
    [[1], 2, 1, true],
    [[1, 1], 1, 1, false],
    [[1], 1, 2, true],
    [[1, 1], 1, 2, true],
    [[2], 1, 1, false],
    [[2], 5, 1, false],
    [[1, 2], 1, 2, false],
  ];
  for (const [log, index, logTerm, isGranted] of cases) {
    const verb = isGranted ? 'gets' : 'does not get';
    it(`a candidate with last entry ${logTerm}/${index} ${verb} the vote of a log [${log.join()}]`, () => {
      const member = loneMember({ log });
      member.raft.step(vote(2n, 7, { index, logTerm }));
      assert.deepEqual(
        saidOf(member, 'MsgVoteResp').map(({ reject }) => !reject),
        [isGranted],
      );
    });
  }
});
