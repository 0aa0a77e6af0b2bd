import { assert, mustGet } from '../base/assert.ts';
import { encodeConfChangeContext } from '../membership/conf-change.ts';
import { Membership } from '../membership/membership.ts';
import {
  decodeConfChange,
  encodeConfChange,
  leaveJoint,
  type ConfChange,
} from '../raft/confchange.ts';
import { isJoint, nextConfState } from '../raft/configuration.ts';
import type { ConfState, Entry, HardState, LogReader, MemberId } from '../raft/types.ts';
import type { Row, StoreState } from '../storage/types.ts';

/**
 * What makes a cluster of one from the data of one member (etcd server/etcdserver/bootstrap.go,
 * `bootstrapWALFromSnapshot`): what is not known to be committed is dropped, and behind it stand entries that remove
 * all others, committed by decree.
 */
export interface ForcedStart {
  /** They take the place of whatever the log has from the first of them on. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
  /** The last entry that is kept. */
  readonly fork: { readonly term: number; readonly index: number };
  readonly removed: readonly MemberId[];
}

export type ForcedStartPlan =
  | { readonly kind: 'forced'; readonly start: ForcedStart }
  /** This member is the whole cluster already. */
  | { readonly kind: 'unneeded' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface ForcedStartParts {
  readonly self: MemberId;
  /** Rows of the `members` space, as of the applied index. */
  readonly rows: readonly Row[];
  readonly state: StoreState;
  readonly log: LogReader;
  readonly hardState: HardState;
}

export function planForcedStart(parts: ForcedStartParts): ForcedStartPlan {
  const { self, log, hardState } = parts;
  const draft = new Draft(Membership.load(parts.rows), parts.state.confState);
  for (const change of committedChanges(parts)) draft.maybeApply(change);
  const own = draft.membership.get(self);
  if (own === undefined) {
    const reason = draft.membership.isRemoved(self)
      ? 'this member was removed from the cluster that its data is of'
      : 'this member has not received the data of its cluster yet';
    return { kind: 'refused', reason };
  }
  const others = draft.membership.list().filter(({ id }) => id !== self);
  if (others.length === 0 && !isJoint(draft.confState)) return { kind: 'unneeded' };
  const changes: ConfChange[] = [];
  const make = (change: ConfChange): void => {
    assert(draft.maybeApply(change), 'a forced change can be applied');
    changes.push(change);
  };
  if (isJoint(draft.confState)) make(leaveJoint);
  if (own.isLearner || !draft.confState.voters.includes(self)) make(changeOf('addVoter', self));
  for (const { id } of others) make(changeOf('remove', id));

  const index = hardState.commit;
  const term = mustGet(log.term(index), 'the log reaches to its commit index');
  // A term of its own: nothing of the old cluster stands at the same index and term.
  const ownTerm = hardState.term + 1;
  const entries = changes.map((change, i): Entry => ({
    term: ownTerm,
    index: index + 1 + i,
    type: 'confChange',
    data: encodeConfChange(change),
  }));
  const commit = index + entries.length;
  return {
    kind: 'forced',
    start: {
      entries,
      hardState: { term: ownTerm, vote: self, commit },
      fork: { term, index },
      removed: others.map(({ id }) => id),
    },
  };
}

/** Members and configuration as they become, entry by entry. */
class Draft {
  readonly membership: Membership;
  confState: ConfState;

  constructor(membership: Membership, confState: ConfState) {
    this.membership = membership;
    this.confState = confState;
  }

  /** False when the entry stands for nothing, as it does when it is applied. */
  maybeApply(change: ConfChange): boolean {
    if (!this.membership.change(change).ok) return false;
    const outcome = nextConfState(this.confState, change);
    assert(!('refused' in outcome), 'what the record takes, the configuration takes');
    if (!('refused' in outcome)) this.confState = outcome.confState;
    return true;
  }
}

/** Committed, and not applied to the store yet. */
function committedChanges({ state, log, hardState }: ForcedStartParts): readonly ConfChange[] {
  const changes: ConfChange[] = [];
  const end = hardState.commit + 1;
  for (let index = state.appliedIndex + 1; index < end;) {
    const entries = log.entries(index, end, readBytesMax);
    for (const { type, data } of entries) {
      if (type === 'confChange') changes.push(decodeConfChange(data));
    }
    index += entries.length;
  }
  return changes;
}

const readBytesMax = 1024 * 1024;

function changeOf(type: 'addVoter' | 'remove', memberId: MemberId): ConfChange {
  const context = encodeConfChangeContext([]);
  return { transition: 'auto', changes: [{ type, memberId }], context };
}
