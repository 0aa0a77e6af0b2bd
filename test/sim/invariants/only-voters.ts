import type { ConfState, MemberId } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I11 only voters elect and are elected';

/** A leader is a voter and has the votes of a quorum of voters, of both halves, when it is first seen to lead. */
export const onlyVoters: Property = {
  name,
  on: ['start', 'figures'],
  judge(sight, record) {
    const { now, before, isNew, id } = sight;
    if (now.state !== 'leader') return;
    if (!isNew && before.state === 'leader' && before.term === now.term) return;
    const isElected = [before.confState, now.confState].some(
      (confState) => isVoter(confState, id) && hasVotes(sight, confState, record),
    );
    must(isElected, name, () => {
      const votes = [...(record.votes.get(now.term) ?? [])].map(
        ([from, to]) => `${from} for ${to}`,
      );
      return `${id} leads term ${now.term} with the votes ${votes.join(', ')}`;
    });
  },
};

function isVoter({ voters, votersOutgoing }: ConfState, id: MemberId): boolean {
  return voters.includes(id) || votersOutgoing.includes(id);
}

function hasVotes({ id, now }: Sight, confState: ConfState, record: Record): boolean {
  const { term } = now;
  const votes = record.votes.get(term);
  return record.isQuorum(confState, (voter) => {
    if (votes?.get(voter) === id) return true;
    // Alone, a voter tells nobody.
    const hardState = record.disks.get(voter)?.hardState;
    return hardState?.term === term && hardState.vote === id;
  });
}
