import { ResponseHeader } from './header.ts';
import {
  bool,
  bytes,
  int64,
  int64Id,
  message,
  nested,
  oneof,
  repeatedEnumeration,
  repeatedNested,
  string,
  type MessageOf,
} from './message.ts';
import { DecodedEvent } from './mvccpb.ts';

/** The messages of service etcdserverpb.Watch. Field numbers are etcd's (api/etcdserverpb/rpc.proto). */

export const WatchFilter = { NOPUT: 0, NODELETE: 1 } as const;

export const WatchCreateRequest = message('etcdserverpb.WatchCreateRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  /** 0 is from now on. */
  startRevision: int64(3),
  progressNotify: bool(4),
  filters: repeatedEnumeration(5),
  prevKv: bool(6),
  /** 0 lets the server choose. */
  watchId: int64Id(7),
  fragment: bool(8),
});
export type WatchCreateRequest = MessageOf<typeof WatchCreateRequest>;

export const WatchCancelRequest = message('etcdserverpb.WatchCancelRequest', {
  watchId: int64Id(1),
});
export type WatchCancelRequest = MessageOf<typeof WatchCancelRequest>;

export const WatchProgressRequest = message('etcdserverpb.WatchProgressRequest', {});

export const WatchRequest = message('etcdserverpb.WatchRequest', {
  request: oneof({
    createRequest: nested(1, WatchCreateRequest),
    cancelRequest: nested(2, WatchCancelRequest),
    progressRequest: nested(3, WatchProgressRequest),
  }),
});
export type WatchRequest = MessageOf<typeof WatchRequest>;

/** For those who read responses; the server writes its own from events that are encoded already. */
export const WatchResponse = message('etcdserverpb.WatchResponse', {
  header: nested(1, ResponseHeader),
  watchId: int64Id(2),
  created: bool(3),
  canceled: bool(4),
  /** Not 0: the watch was cancelled because what it wanted is compacted up to here. */
  compactRevision: int64(5),
  cancelReason: string(6),
  /** More of the same revision follows. */
  fragment: bool(7),
  events: repeatedNested(11, DecodedEvent),
});
export type WatchResponse = MessageOf<typeof WatchResponse>;
