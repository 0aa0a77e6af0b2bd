import { unreachable } from '../base/assert.ts';
import type { Entry, MemberId, Message, SnapshotMeta } from '../raft/types.ts';
import {
  bool,
  codecOf,
  message,
  nested,
  nestedField,
  nestedFields,
  readNested,
  repeatedUint64Id,
  skipUnknown,
  uint64,
  type Codec,
  type DecodeCursor,
} from '../wire/message.ts';
import { WireError, type WireWriter } from '../wire/varint.ts';
import { WireEntry } from './entry-codec.ts';

/**
 * Raft's messages on the wire (proto/peer.proto, Message), by hand: while few requests are under way they are most of
 * what a member has to say. Entry data that is decoded is a view of the frame.
 */

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
const typeNames: (Message['type'] | undefined)[] = [];
for (const [name, number] of Object.entries(typeNumbers)) {
  typeNames[number] = name as Message['type'];
}

const WireConfState = message('quorate.peer.ConfState', {
  voters: repeatedUint64Id(1),
  votersOutgoing: repeatedUint64Id(2),
  learners: repeatedUint64Id(3),
  learnersNext: repeatedUint64Id(4),
  autoLeave: bool(5),
});

const WireSnapshotMeta = message('quorate.peer.SnapshotMeta', {
  index: uint64(1),
  term: uint64(2),
  confState: nested(3, WireConfState),
});

const typeTag = 0x08;
const fromTag = 0x10;
const toTag = 0x18;
const termTag = 0x20;
const indexTag = 0x28;
const logTermTag = 0x30;
const commitTag = 0x38;
const entriesTag = 0x42;
const rejectTag = 0x48;
const rejectHintTag = 0x50;
const snapshotTag = 0x5a;
const readSequenceTag = 0x60;
const contextTag = 0x68;
const isTransferTag = 0x70;
const transfereeTag = 0x78;
const isNoticeTag = 0x80;

/** @throws WireError, besides, when it is no message that this program knows. */
export const WireMessage: Codec<Message> = codecOf<Message>({
  name: 'quorate.peer.Message',
  create: (fields) => ({ type: 'MsgTimeoutNow', from: 0n, to: 0n, term: 0, ...fields }) as Message,
  readInto: (cursor) => messageOf(readFields(cursor)),
  writeTo: (writer, fields) => writeMessage(writer, fields as Message),
});

/** What any message may hold. */
interface Fields {
  type: number;
  from: MemberId;
  to: MemberId;
  term: number;
  index: number;
  logTerm: number;
  commit: number;
  entries: Entry[];
  reject: boolean;
  rejectHint: number;
  snapshot: SnapshotMeta | undefined;
  readSequence: number;
  context: number;
  isTransfer: boolean;
  transferee: MemberId;
  isNotice: boolean;
}

function readFields(cursor: DecodeCursor): Fields {
  const fields: Fields = {
    type: 0,
    from: 0n,
    to: 0n,
    term: 0,
    index: 0,
    logTerm: 0,
    commit: 0,
    entries: [],
    reject: false,
    rejectHint: 0,
    snapshot: undefined,
    readSequence: 0,
    context: 0,
    isTransfer: false,
    transferee: 0n,
    isNotice: false,
  };
  while (!cursor.reader.atEnd) readField(cursor, cursor.reader.readTag(), fields);
  return fields;
}

function readField(cursor: DecodeCursor, tag: number, fields: Fields): void {
  const { reader } = cursor;
  switch (tag) {
    case typeTag:
      fields.type = reader.readEnum();
      return;
    case fromTag:
      fields.from = reader.readUnsignedBig();
      return;
    case toTag:
      fields.to = reader.readUnsignedBig();
      return;
    case termTag:
      fields.term = reader.readUnsigned();
      return;
    case indexTag:
      fields.index = reader.readUnsigned();
      return;
    case logTermTag:
      fields.logTerm = reader.readUnsigned();
      return;
    case commitTag:
      fields.commit = reader.readUnsigned();
      return;
    case entriesTag:
      fields.entries.push(readNested(cursor, WireEntry, undefined));
      return;
    case rejectTag:
      fields.reject = reader.readBool();
      return;
    case rejectHintTag:
      fields.rejectHint = reader.readUnsigned();
      return;
    case snapshotTag:
      fields.snapshot = snapshotOf(readNested(cursor, WireSnapshotMeta, undefined));
      return;
    case readSequenceTag:
      fields.readSequence = reader.readUnsigned();
      return;
    case contextTag:
      fields.context = reader.readUnsigned();
      return;
    case isTransferTag:
      fields.isTransfer = reader.readBool();
      return;
    case transfereeTag:
      fields.transferee = reader.readUnsignedBig();
      return;
    case isNoticeTag:
      fields.isNotice = reader.readBool();
      return;
    default:
      skipUnknown(cursor, tag);
  }
}

function snapshotOf({
  index,
  term,
  confState,
}: ReturnType<typeof WireSnapshotMeta.create>): SnapshotMeta {
  if (confState === undefined) throw new WireError('peer: a snapshot without its position');
  return { index, term, confState };
}

function messageOf(fields: Fields): Message {
  const { from, to, term, index, logTerm, commit, reject, readSequence, context } = fields;
  const type = typeNames[fields.type];
  switch (type) {
    case 'MsgProp': {
      const entries = fields.entries.map((entry) => ({ type: entry.type, data: entry.data }));
      return { type, from, to, term, entries };
    }
    case 'MsgApp':
      return {
        type,
        from,
        to,
        term,
        index,
        logTerm,
        entries: fields.entries,
        commit,
        isNotice: fields.isNotice,
      };
    case 'MsgAppResp':
      return { type, from, to, term, index, reject, rejectHint: fields.rejectHint, logTerm };
    case 'MsgVote':
    case 'MsgPreVote':
      return { type, from, to, term, index, logTerm, isTransfer: fields.isTransfer };
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return { type, from, to, term, reject, commit, logTerm };
    case 'MsgSnap':
      if (fields.snapshot === undefined) {
        throw new WireError('peer: a snapshot without its position');
      }
      return { type, from, to, term, snapshot: fields.snapshot };
    case 'MsgHeartbeat':
      return { type, from, to, term, commit, readSequence };
    case 'MsgHeartbeatResp':
      return { type, from, to, term, readSequence };
    case 'MsgReadIndex':
      return { type, from, to, term, context };
    case 'MsgReadIndexResp':
      return { type, from, to, term, context, index };
    case 'MsgTransferLeader':
      return { type, from, to, term, transferee: fields.transferee };
    case 'MsgTimeoutNow':
      return { type, from, to, term };
    case undefined:
      throw new WireError(`peer: unknown message type ${fields.type}`);
    default:
      return unreachable(type);
  }
}

/** From the last field to the first, as the writer wants them. */
function writeMessage(writer: WireWriter, message: Message): void {
  writeBody(writer, message);
  writer.numberField(termTag, message.term);
  writer.bigField(toTag, message.to);
  writer.bigField(fromTag, message.from);
  writer.numberField(typeTag, typeNumbers[message.type]);
}

function writeBody(writer: WireWriter, message: Message): void {
  switch (message.type) {
    case 'MsgProp':
      // They have neither term nor index yet, which are left out like any 0.
      return nestedFields(writer, entriesTag, WireEntry, message.entries as readonly Entry[]);
    case 'MsgApp':
      writer.boolField(isNoticeTag, message.isNotice);
      nestedFields(writer, entriesTag, WireEntry, message.entries);
      writer.numberField(commitTag, message.commit);
      writer.numberField(logTermTag, message.logTerm);
      return writer.numberField(indexTag, message.index);
    case 'MsgAppResp':
      writer.numberField(rejectHintTag, message.rejectHint);
      writer.boolField(rejectTag, message.reject);
      writer.numberField(logTermTag, message.logTerm);
      return writer.numberField(indexTag, message.index);
    case 'MsgVote':
    case 'MsgPreVote':
      writer.boolField(isTransferTag, message.isTransfer);
      writer.numberField(logTermTag, message.logTerm);
      return writer.numberField(indexTag, message.index);
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      writer.boolField(rejectTag, message.reject);
      writer.numberField(commitTag, message.commit);
      return writer.numberField(logTermTag, message.logTerm);
    case 'MsgSnap':
      return nestedField(writer, snapshotTag, WireSnapshotMeta, message.snapshot);
    case 'MsgHeartbeat':
      writer.numberField(readSequenceTag, message.readSequence);
      return writer.numberField(commitTag, message.commit);
    case 'MsgHeartbeatResp':
      return writer.numberField(readSequenceTag, message.readSequence);
    case 'MsgReadIndex':
      return writer.numberField(contextTag, message.context);
    case 'MsgReadIndexResp':
      writer.numberField(contextTag, message.context);
      return writer.numberField(indexTag, message.index);
    case 'MsgTransferLeader':
      return writer.bigField(transfereeTag, message.transferee);
    case 'MsgTimeoutNow':
      return;
    default:
      unreachable(message);
  }
}
