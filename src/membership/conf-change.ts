import type { Bytes } from '../base/bytes.ts';
import { message, repeatedNested } from '../wire/message.ts';
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
  /**
   * The records of the members that are new (`encodeConfChangeContext`); empty when there are none.
   */
  readonly context: Bytes;
}

const ConfChangeContext = message('quorate.ConfChangeContext', {
  members: repeatedNested(1, MemberRecord),
});

export function encodeConfChangeContext(members: readonly MemberRecord[]): Bytes {
  return ConfChangeContext.encode({ members });
}

/** @throws WireError when the context is malformed. */
export function decodeConfChangeContext(context: Bytes): readonly MemberRecord[] {
  return ConfChangeContext.decode(context).members;
}
