import type { Entry, Message, SnapshotMeta } from '../raft/types.ts';
import { WireError } from '../wire/varint.ts';
import { MessagesRequest, type WireMessage } from './messages.ts';
import type { Bytes } from '../base/bytes.ts';

/** Raft's messages to and from their form on the wire. Entry data that is decoded is a view of the frame. */

const typeNumbers: Readonly<Record<Message['type'], number>> = {
  MsgProp: 1,
  MsgApp: 2,
  MsgAppResp: 3,
  MsgVote: 4,
  MsgVoteResp: 5,
  MsgPreVote: 6,
  MsgPreVoteResp: 7,
  MsgSnap: 8,
  MsgHeartbeat: 9,
  MsgHeartbeatResp: 10,
  MsgReadIndex: 11,
  MsgReadIndexResp: 12,
  MsgTransferLeader: 13,
  MsgTimeoutNow: 14,
};
const typeNames = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as Message['type']]),
);

/** One frame: the messages that leave together. */
export function encodeBatch(messages: readonly Message[]): Bytes {
  const value = { messages: messages.map(toWire) as readonly WireMessage[] };
  return MessagesRequest.encode({ request: { case: 'batch', value } });
}

/** Only the fields that its type has; the encoder leaves out the rest. */
export function toWire(message: Message): Partial<WireMessage> {
  const { type, ...fields } = message;
  if ('entries' in fields) {
    // The encoder leaves out what a proposal does not have yet.
    const entries = fields.entries as readonly Entry[];
    return { ...fields, type: typeNumbers[type], entries };
  }
  return { ...fields, type: typeNumbers[type] };
}

/** @throws WireError when it is no message that this program knows. */
export function fromWire(wire: WireMessage): Message {
  const type = typeNames.get(wire.type);
  if (type === undefined) throw new WireError(`peer: unknown message type ${wire.type}`);
  const { from, to, term, index, logTerm, commit, reject } = wire;
  switch (type) {
    case 'MsgProp':
      return { type, from, to, term, entries: wire.entries.map(proposalFromWire) };
    case 'MsgApp':
      return { type, from, to, term, index, logTerm, commit, entries: wire.entries };
    case 'MsgAppResp':
      return { type, from, to, term, index, reject, rejectHint: wire.rejectHint, logTerm };
    case 'MsgVote':
    case 'MsgPreVote':
      return { type, from, to, term, index, logTerm, isTransfer: wire.isTransfer };
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return { type, from, to, term, reject, commit, logTerm };
    case 'MsgSnap':
      return { type, from, to, term, snapshot: snapshotFromWire(wire) };
    case 'MsgHeartbeat':
      return { type, from, to, term, commit, readSequence: wire.readSequence };
    case 'MsgHeartbeatResp':
      return { type, from, to, term, readSequence: wire.readSequence };
    case 'MsgReadIndex':
      return { type, from, to, term, context: wire.context };
    case 'MsgReadIndexResp':
      return { type, from, to, term, context: wire.context, index };
    case 'MsgTransferLeader':
      return { type, from, to, term, transferee: wire.transferee };
    case 'MsgTimeoutNow':
      return { type, from, to, term };
    default:
      return unknownType(type);
  }
}

function unknownType(type: never): never {
  throw new WireError(`peer: unknown message type ${String(type)}`);
}

function proposalFromWire({ type, data }: Entry): Pick<Entry, 'type' | 'data'> {
  return { type, data };
}

function snapshotFromWire({ snapshot }: WireMessage): SnapshotMeta {
  const { confState } = snapshot ?? {};
  if (snapshot === undefined || confState === undefined) {
    throw new WireError('peer: a snapshot without its position');
  }
  return { index: snapshot.index, term: snapshot.term, confState };
}
