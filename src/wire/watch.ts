import { concatBytes, type Bytes } from '../base/bytes.ts';
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
import { varintBytes, writeVarint } from './varint.ts';

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

/**
 * A response up to its events (`WatchEvents.fields`), by hand, for one is made for each watch of each change. `header`
 * is that field, encoded (`encodeHeaderField`).
 */
export function encodeWatchHead(header: Bytes, watchId: bigint, isFragment: boolean): Bytes {
  const id = Number(watchId);
  if (id < 0 || !Number.isSafeInteger(id) || isFragment) {
    return concatBytes([header, WatchResponse.encode({ watchId, fragment: isFragment })]);
  }
  if (id === 0) return header;
  const head = new Uint8Array(header.length + 1 + varintBytes(id));
  head.set(header);
  head[header.length] = watchIdTag;
  writeVarint(head, header.length + 1, id);
  return head;
}

/** The header of a WatchResponse as the field that begins it. */
export function encodeHeaderField(header: ResponseHeader): Bytes {
  return WatchResponse.encode({ header });
}

/** Field 2, varint. */
const watchIdTag = 0x10;
