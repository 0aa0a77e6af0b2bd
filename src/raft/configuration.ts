import { entersJoint, isLeaveJoint, type ConfChange } from './confchange.ts';
import type { ConfState, MemberId } from './types.ts';

/** Configurations as plain data, and the one function that makes the next from the one before. */

export const emptyConfState: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export type ConfOutcome = { readonly confState: ConfState } | { readonly refused: string };

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/**
 * The configuration after `change`, or why it cannot be made from this one. Deterministic: every member that
 * applies the same entries gets the same answers. An empty configuration may be given its first voters.
 */
export function nextConfState(conf: ConfState, change: ConfChange): ConfOutcome {
  if (isLeaveJoint(change)) {
    return isJoint(conf)
      ? { confState: left(conf) }
      : { refused: 'the configuration is not joint' };
  }
  if (isJoint(conf)) return { refused: 'the joint configuration must be left first' };
  const joint = entersJoint(change);
  if (joint && conf.voters.length === 0) {
    return { refused: 'a configuration without voters cannot become joint' };
  }
  const draft: Draft = {
    voters: new Set(conf.voters),
    outgoing: new Set(joint ? conf.voters : []),
    learners: new Set(conf.learners),
    learnersNext: new Set(),
  };
  applyChanges(draft, change);
  if (draft.voters.size === 0) return { refused: 'no voter would be left' };
  return {
    confState: {
      voters: sorted(draft.voters),
      votersOutgoing: sorted(draft.outgoing),
      learners: sorted(draft.learners),
      learnersNext: sorted(draft.learnersNext),
      autoLeave: joint && change.transition !== 'jointExplicit',
    },
  };
}

/** From both majorities to the new one alone: `C_old,new` to `C_new` (section 4.3). */
function left(conf: ConfState): ConfState {
  return {
    voters: conf.voters,
    votersOutgoing: [],
    learners: sorted(new Set([...conf.learners, ...conf.learnersNext])),
    learnersNext: [],
    autoLeave: false,
  };
}

interface Draft {
  readonly voters: Set<MemberId>;
  readonly outgoing: Set<MemberId>;
  readonly learners: Set<MemberId>;
  readonly learnersNext: Set<MemberId>;
}

function applyChanges(draft: Draft, change: ConfChange): void {
  for (const { type, memberId } of change.changes) {
    draft.voters.delete(memberId);
    draft.learners.delete(memberId);
    draft.learnersNext.delete(memberId);
    if (type === 'addVoter') draft.voters.add(memberId);
    if (type === 'addLearner') {
      // Nobody is voter and learner at once: one who still votes in the outgoing half becomes a learner later.
      const target = draft.outgoing.has(memberId) ? draft.learnersNext : draft.learners;
      target.add(memberId);
    }
  }
}

function sorted(ids: ReadonlySet<MemberId>): readonly MemberId[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Every member of a configuration, once each, in ascending order. */
export function membersOf(conf: ConfState): readonly MemberId[] {
  return sorted(
    new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext]),
  );
}

export function isVoter(conf: ConfState, id: MemberId): boolean {
  return conf.voters.includes(id) || conf.votersOutgoing.includes(id);
}
