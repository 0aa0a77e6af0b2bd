import {
  bool,
  bytes,
  enumeration,
  int64,
  int64Id,
  message,
  nested,
  oneof,
  repeatedNested,
  repeatedString,
  string,
  uint32,
  uint64,
  uint64Id,
  type MessageOf,
} from '../wire/message.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Message } from '../raft/types.ts';
import { WireWriter } from '../wire/varint.ts';
import { WireMessage } from './message-codec.ts';

/** The messages between members, as tables: proto/peer.proto says what each field means. */

export const messagesPath = '/quorate.peer.Peer/Messages';
export const snapshotPath = '/quorate.peer.Peer/Snapshot';

export const Lane = { control: 0, bulk: 1, snapshot: 2 } as const;
export type LaneName = keyof typeof Lane;

export const HelloRequest = message('quorate.peer.Hello', {
  clusterId: uint64Id(1),
  from: uint64Id(2),
  to: uint64Id(3),
  incarnation: uint64Id(4),
  protocolVersion: uint32(5),
  protocolVersionMin: uint32(6),
  lineage: bytes(7),
  lane: enumeration(8),
  peerUrls: repeatedString(9),
});
export type HelloRequest = MessageOf<typeof HelloRequest>;

export const HelloReply = message('quorate.peer.HelloReply', {
  refused: string(1),
  isFinal: bool(2),
  clusterId: uint64Id(3),
  memberId: uint64Id(4),
  incarnation: uint64Id(5),
});
export type HelloReply = MessageOf<typeof HelloReply>;

const Batch = message('quorate.peer.Batch', { messages: repeatedNested(1, WireMessage) });
const Ping = message('quorate.peer.Ping', { sequence: uint64(1) });

/** One question and its answer: questions.ts. `sequence` of a question comes back with its answer. */
export const WireQuestion = message('quorate.peer.Question', {
  sequence: uint64(1),
  question: oneof({
    renewLease: nested(2, message('quorate.peer.RenewLease', { id: int64Id(1) })),
    leaseTimeToLive: nested(3, message('quorate.peer.LeaseTimeToLive', { id: int64Id(1) })),
    promoteMember: nested(4, message('quorate.peer.PromoteMember', { id: uint64Id(1) })),
    hashKv: nested(5, message('quorate.peer.HashKv', { revision: int64(1) })),
  }),
});
export type WireQuestion = MessageOf<typeof WireQuestion>;

const LeaseTimes = message('quorate.peer.LeaseTimes', {
  isThere: bool(1),
  granted: int64(2),
  remaining: int64(3),
});

const KvHash = message('quorate.peer.KvHash', {
  hash: uint32(1),
  revision: int64(2),
  compactRevision: int64(3),
  currentRevision: int64(4),
});

export const WireAnswer = message('quorate.peer.Answer', {
  sequence: uint64(1),
  errorCode: uint32(2),
  errorText: string(3),
  answer: oneof({
    renewLease: nested(4, message('quorate.peer.LeaseRenewed', { ttl: int64(1) })),
    leaseTimeToLive: nested(5, LeaseTimes),
    promoteMember: nested(6, message('quorate.peer.MemberPromoted', {})),
    hashKv: nested(7, KvHash),
  }),
});
export type WireAnswer = MessageOf<typeof WireAnswer>;

export const MessagesRequest = message('quorate.peer.MessagesRequest', {
  request: oneof({
    hello: nested(1, HelloRequest),
    batch: nested(2, Batch),
    ping: nested(3, Ping),
    question: nested(4, WireQuestion),
  }),
});
export type MessagesRequest = MessageOf<typeof MessagesRequest>;

export const MessagesReply = message('quorate.peer.MessagesReply', {
  reply: oneof({
    hello: nested(1, HelloReply),
    pong: nested(2, Ping),
    answer: nested(3, WireAnswer),
  }),
});

const SnapshotEnd = message('quorate.peer.SnapshotEnd', { sizeBytes: uint64(1) });
const SnapshotWritten = message('quorate.peer.SnapshotWritten', { chunks: uint64(1) });
const SnapshotDone = message('quorate.peer.SnapshotDone', { refused: string(1) });

export const SnapshotRequest = message('quorate.peer.SnapshotRequest', {
  request: oneof({
    hello: nested(1, HelloRequest),
    begin: nested(2, WireMessage),
    chunk: bytes(3),
    end: nested(4, SnapshotEnd),
  }),
});

/** One frame: the messages that leave together. */
export function encodeBatch(messages: readonly Message[]): Bytes {
  let bytes = frameOverhead;
  for (const message of messages) bytes += sizeOf(message);
  frameWriter.clear();
  frameWriter.expect(bytes);
  MessagesRequest.writeTo(frameWriter, { request: { case: 'batch', value: { messages } } });
  return frameWriter.finishShared();
}

const frameWriter = new WireWriter();
const frameOverhead = 16;
/** What a message takes without its entries, and an entry beside its data, with the ids and numbers of most. */
const messageBytes = 64;
const entryBytes = 20;

function sizeOf(message: Message): number {
  let bytes = messageBytes;
  if ('entries' in message)
    for (const { data } of message.entries) bytes += entryBytes + data.length;
  return bytes;
}

export const SnapshotReply = message('quorate.peer.SnapshotReply', {
  reply: oneof({
    hello: nested(1, HelloReply),
    written: nested(2, SnapshotWritten),
    done: nested(3, SnapshotDone),
  }),
});
