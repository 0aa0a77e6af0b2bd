import { ResponseHeader } from './header.ts';
import { bytes, int64Id, message, nested, type MessageOf } from './message.ts';

/** The messages of service v3lockpb.Lock. Field numbers are etcd's (server/etcdserver/api/v3lock/v3lockpb). */

export const LockRequest = message('v3lockpb.LockRequest', {
  name: bytes(1),
  /** 0: the server grants one of 60 s. */
  lease: int64Id(2),
});
export type LockRequest = MessageOf<typeof LockRequest>;

export const LockResponse = message('v3lockpb.LockResponse', {
  header: nested(1, ResponseHeader),
  key: bytes(2),
});
export type LockResponse = MessageOf<typeof LockResponse>;

export const UnlockRequest = message('v3lockpb.UnlockRequest', { key: bytes(1) });
export type UnlockRequest = MessageOf<typeof UnlockRequest>;

export const UnlockResponse = message('v3lockpb.UnlockResponse', {
  header: nested(1, ResponseHeader),
});
export type UnlockResponse = MessageOf<typeof UnlockResponse>;
