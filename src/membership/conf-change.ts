import type { Bytes } from '../base/bytes.ts';
import { message, nested, repeatedNested, uint32, uint64, uint64Id } from '../wire/message.ts';
import type { MessageOf } from '../wire/message.ts';
import { MemberRecord } from './record.ts';

/**
 * What one member of a change becomes. Adding a learner as a voter promotes it; adding a voter as a
 * learner, which only a joint change can do, demotes it.
 */
export type MemberChangeType = 'addVoter' | 'addLearner' | 'remove';

export interface MemberChange {
  readonly type: MemberChangeType;
  readonly memberId: bigint;
}

/**
 * A change of the configuration as an entry of the log holds it; Raft reads the changes and not the
 * context.
 */
export interface ConfChange {
  readonly changes: readonly MemberChange[];
  /** An encoded `ConfChangeContext`; empty for an entry of Raft's own, which leaves a joint change. */
  readonly context: Bytes;
}

/** Who proposed a change: (memberId, nonce, sequence) is never used twice, as with commands. */
const Proposer = message('quorate.Proposer', {
  memberId: uint64Id(1),
  nonce: uint32(2),
  sequence: uint64(3),
});
export type Proposer = MessageOf<typeof Proposer>;

export const ConfChangeContext = message('quorate.ConfChangeContext', {
  /** The records of the members that are new. */
  members: repeatedNested(1, MemberRecord),
  /** Undefined in the first entries of a cluster, and in those of a forced start. */
  proposer: nested(2, Proposer),
  /**
   * `Membership.fingerprint` of the members that the change was checked against; applied to others it changes
   * nothing. So a change that is in the log twice is made once. 0: to any members.
   */
  basis: uint32(3),
  /** With one more learner there must be fewer than this; 0: any number. */
  learnersBelow: uint32(4),
});
export type ConfChangeContext = MessageOf<typeof ConfChangeContext>;

export function encodeConfChangeContext(
  members: readonly MemberRecord[],
  rest: Partial<Omit<ConfChangeContext, 'members'>> = {},
): Bytes {
  return ConfChangeContext.encode({ members, ...rest });
}

/** @throws WireError when the context is malformed. */
export function decodeConfChangeContext(context: Bytes): ConfChangeContext {
  return ConfChangeContext.decode(context);
}
