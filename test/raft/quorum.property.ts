import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { quorumIndex, voteResult, type VoteResult } from '../../src/raft/quorum.ts';
import type { MemberId } from '../../src/raft/types.ts';

/** The quorum arithmetic against versions so simple that they can be read as the definition. */

const someIds = fc.uniqueArray(fc.bigInt(1n, 9n), { maxLength: 7 });
const configurations = fc.record({ voters: someIds, votersOutgoing: someIds });
const indexes = fc.array(fc.nat(12), { minLength: 10, maxLength: 10 });
const answers = fc.array(fc.constantFrom('granted', 'refused', 'silent'), {
  minLength: 10,
  maxLength: 10,
});
const runs = { numRuns: 20_000 };

/** An index is reached by a majority if more than half of the voters are at it or beyond. */
function isReached(voters: readonly MemberId[], at: readonly number[], index: number): boolean {
  if (voters.length === 0) return true;
  const there = voters.filter((id) => (at[Number(id)] ?? 0) >= index);
  return there.length > voters.length / 2;
}

function naiveResult(voters: readonly MemberId[], said: readonly string[]): VoteResult {
  if (voters.length === 0) return 'won';
  const granted = voters.filter((id) => said[Number(id)] === 'granted').length;
  const silent = voters.filter((id) => said[Number(id)] === 'silent').length;
  if (granted > voters.length / 2) return 'won';
  return granted + silent > voters.length / 2 ? 'pending' : 'lost';
}

describe('quorum arithmetic', () => {
  it('finds the highest index that both majorities have reached', () => {
    fc.assert(
      fc.property(configurations, indexes, (conf, at) => {
        const { voters, votersOutgoing } = conf;
        fc.pre(voters.length + votersOutgoing.length > 0);
        const found = quorumIndex(conf, (id) => at[Number(id)] ?? 0);
        assert(isReached(voters, at, found) && isReached(votersOutgoing, at, found));
        const isHigher =
          isReached(voters, at, found + 1) && isReached(votersOutgoing, at, found + 1);
        assert(!isHigher, `${found} is not the highest`);
      }),
      runs,
    );
  });

  it('wins with both majorities and loses with either', () => {
    fc.assert(
      fc.property(configurations, answers, (conf, said) => {
        const votes = new Map<MemberId, boolean>();
        said.forEach((word, id) => {
          if (word !== 'silent') votes.set(BigInt(id), word === 'granted');
        });
        const halves = [naiveResult(conf.voters, said), naiveResult(conf.votersOutgoing, said)];
        let expected: VoteResult = 'pending';
        if (halves.includes('lost')) expected = 'lost';
        else if (halves.every((half) => half === 'won')) expected = 'won';
        assert.equal(voteResult(conf, votes), expected);
      }),
      runs,
    );
  });

  it('never lets two disjoint sets of one configuration both be a quorum', () => {
    fc.assert(
      fc.property(configurations, answers, (conf, said) => {
        fc.pre(conf.voters.length > 0);
        const yes = new Map(said.map((word, id) => [BigInt(id), word === 'granted']));
        const no = new Map(said.map((word, id) => [BigInt(id), word !== 'granted']));
        assert(voteResult(conf, yes) !== 'won' || voteResult(conf, no) !== 'won');
      }),
      runs,
    );
  });
});
