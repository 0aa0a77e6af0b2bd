import type { ConfState, MemberId } from './types.ts';

/**
 * Quorum arithmetic of one majority and of two at once: while a configuration is joint, both must agree
 * (section 4.3).
 */
export type Voters = Pick<ConfState, 'voters' | 'votersOutgoing'>;

export type VoteResult = 'won' | 'lost' | 'pending';

/** What no voters agree on: everything, so that an absent second majority never holds the first back. */
const unbounded = Number.MAX_SAFE_INTEGER;

/** The highest index that a quorum has reached. `indexOf` answers 0 for a voter nothing is known of. */
export function quorumIndex(conf: Voters, indexOf: (id: MemberId) => number): number {
  const incoming = majorityIndex(conf.voters, indexOf);
  if (conf.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityIndex(conf.votersOutgoing, indexOf));
}

/** Sorted downwards, the value in the middle is the highest that more than half have reached. */
function majorityIndex(voters: readonly MemberId[], indexOf: (id: MemberId) => number): number {
  if (voters.length === 0) return unbounded;
  const reached: number[] = [];
  for (const id of voters) reached.push(indexOf(id));
  reached.sort(descending);
  return reached[reached.length >> 1] as number;
}

function descending(a: number, b: number): number {
  return b - a;
}

/** How an election stands; a voter absent from `votes` has not answered. */
export function voteResult(conf: Voters, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  const incoming = majorityResult(conf.voters, votes);
  const outgoing = majorityResult(conf.votersOutgoing, votes);
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';
}

function majorityResult(
  voters: readonly MemberId[],
  votes: ReadonlyMap<MemberId, boolean>,
): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const majority = (voters.length >> 1) + 1;
  if (granted >= majority) return 'won';
  return granted + missing >= majority ? 'pending' : 'lost';
}
