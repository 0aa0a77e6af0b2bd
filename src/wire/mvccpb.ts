import {
  bytes,
  enumeration,
  int64,
  int64Id,
  message,
  nested,
  rawNested,
  type MessageOf,
} from './message.ts';

/** Package mvccpb: what a key holds, and what happened to it. Field numbers are etcd's. */

export const KeyValue = message('mvccpb.KeyValue', {
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: int64Id(6),
});
export type KeyValue = MessageOf<typeof KeyValue>;

export const EventType = { PUT: 0, DELETE: 1 } as const;

/** An event with its key-values left encoded, so that stored rows are passed on as they are. */
export const Event = message('mvccpb.Event', {
  type: enumeration(1),
  kv: rawNested(2),
  prevKv: rawNested(3),
});
export type Event = MessageOf<typeof Event>;

/** The same with everything decoded, for those who read events rather than pass them on. */
export const DecodedEvent = message('mvccpb.Event', {
  type: enumeration(1),
  kv: nested(2, KeyValue),
  prevKv: nested(3, KeyValue),
});
export type DecodedEvent = MessageOf<typeof DecodedEvent>;
