import { emptyBytes, type Bytes } from '../base/bytes.ts';
import {
  bytes,
  enumeration,
  message,
  repeatedNested,
  uint64Id,
  type Codec,
} from '../wire/message.ts';
import { WireError } from '../wire/varint.ts';
import { noMember, type MemberId } from './types.ts';

/**
 * A change of the configuration, as a `confChange` entry carries it. Field numbers and values are those of
 * raftpb.ConfChangeV2 (go.etcd.io/raft raftpb/raft.proto).
 */
export interface ConfChange {
  /**
   * `auto` takes one step where one change allows it and a joint configuration otherwise; the others always
   * go through a joint one, left by the leader itself (`jointImplicit`) or by a proposal (`jointExplicit`).
   */
  readonly transition: ConfTransition;
  readonly changes: readonly ConfChangeSingle[];
  /** The proposer's own; the core does not look at it. */
  readonly context: Bytes;
}

export type ConfTransition = 'auto' | 'jointImplicit' | 'jointExplicit';

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly memberId: MemberId;
}

export type ConfChangeType = 'addVoter' | 'addLearner' | 'remove';

/** The change that leaves a joint configuration: it encodes to no bytes at all. */
export const leaveJoint: ConfChange = { transition: 'auto', changes: [], context: emptyBytes };

export function isLeaveJoint(change: ConfChange): boolean {
  return change.transition === 'auto' && change.changes.length === 0;
}

/** Whether the change enters a joint configuration (section 4.3) rather than taking one step (4.1). */
export function entersJoint(change: ConfChange): boolean {
  return change.transition !== 'auto' || change.changes.length > 1;
}

const transitions: readonly ConfTransition[] = ['auto', 'jointImplicit', 'jointExplicit'];
const typeNumbers: Readonly<Record<ConfChangeType, number>> = {
  addVoter: 0,
  remove: 1,
  addLearner: 3,
};
const typesByNumber = new Map<number, ConfChangeType>([
  [0, 'addVoter'],
  [1, 'remove'],
  [3, 'addLearner'],
]);

interface WireSingle {
  readonly type: number;
  readonly memberId: MemberId;
}

const singleCodec: Codec<WireSingle> = message('raftpb.ConfChangeSingle', {
  type: enumeration(1),
  memberId: uint64Id(2),
});

const codec = message('raftpb.ConfChangeV2', {
  transition: enumeration(1),
  changes: repeatedNested(2, singleCodec),
  context: bytes(3),
});

export function encodeConfChange(change: ConfChange): Bytes {
  return codec.encode({
    transition: transitions.indexOf(change.transition),
    changes: change.changes.map(({ type, memberId }) => ({ type: typeNumbers[type], memberId })),
    context: change.context,
  });
}

/** @throws WireError when the bytes are no change that this version knows. `context` is a view of them. */
export function decodeConfChange(encoded: Bytes): ConfChange {
  const { message: wire, hasUnknownFields } = codec.inspect(encoded);
  const transition = transitions[wire.transition];
  if (transition === undefined || hasUnknownFields) {
    throw new WireError('a configuration change of an unknown kind');
  }
  const changes = wire.changes.map(({ type, memberId }): ConfChangeSingle => {
    const name = typesByNumber.get(type);
    if (name === undefined || memberId === noMember) {
      throw new WireError(`a configuration change of unknown type ${type}`);
    }
    return { type: name, memberId };
  });
  return { transition, changes, context: wire.context };
}
