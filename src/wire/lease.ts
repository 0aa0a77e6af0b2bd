import { ResponseHeader } from './header.ts';
import {
  bool,
  int64,
  int64Id,
  message,
  nested,
  repeatedInt64Id,
  repeatedNested,
  repeatedRaw,
  string,
  uint64,
  type MessageOf,
} from './message.ts';

/**
 * The messages of service etcdserverpb.Lease. Field numbers are etcd's (api/etcdserverpb/rpc.proto). TTLs are
 * seconds.
 */

export { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from './keep-alive-codec.ts';

export const LeaseGrantRequest = message('etcdserverpb.LeaseGrantRequest', {
  ttl: int64(1),
  /** 0 lets the server choose. */
  id: int64Id(2),
});
export type LeaseGrantRequest = MessageOf<typeof LeaseGrantRequest>;

export const LeaseGrantResponse = message('etcdserverpb.LeaseGrantResponse', {
  header: nested(1, ResponseHeader),
  id: int64Id(2),
  ttl: int64(3),
  error: string(4),
});
export type LeaseGrantResponse = MessageOf<typeof LeaseGrantResponse>;

export const LeaseRevokeRequest = message('etcdserverpb.LeaseRevokeRequest', { id: int64Id(1) });
export type LeaseRevokeRequest = MessageOf<typeof LeaseRevokeRequest>;

export const LeaseRevokeResponse = message('etcdserverpb.LeaseRevokeResponse', {
  header: nested(1, ResponseHeader),
});
export type LeaseRevokeResponse = MessageOf<typeof LeaseRevokeResponse>;

export const LeaseCheckpoint = message('etcdserverpb.LeaseCheckpoint', {
  id: int64Id(1),
  remainingTtl: int64(2),
});
export type LeaseCheckpoint = MessageOf<typeof LeaseCheckpoint>;

/**
 * What a leader writes down as left of leases (ours: etcd's LeaseCheckpointRequest has no term). It counts only in
 * the term in which it was decided, for a later leader may have renewed them.
 */
export const LeaseCheckpoints = message('quorate.LeaseCheckpoints', {
  term: uint64(1),
  checkpoints: repeatedNested(2, LeaseCheckpoint),
});
export type LeaseCheckpoints = MessageOf<typeof LeaseCheckpoints>;

export const LeaseCheckpointResponse = message('etcdserverpb.LeaseCheckpointResponse', {
  header: nested(1, ResponseHeader),
});
export type LeaseCheckpointResponse = MessageOf<typeof LeaseCheckpointResponse>;

export const LeaseTimeToLiveRequest = message('etcdserverpb.LeaseTimeToLiveRequest', {
  id: int64Id(1),
  keys: bool(2),
});
export type LeaseTimeToLiveRequest = MessageOf<typeof LeaseTimeToLiveRequest>;

export const LeaseTimeToLiveResponse = message('etcdserverpb.LeaseTimeToLiveResponse', {
  header: nested(1, ResponseHeader),
  id: int64Id(2),
  /** -1: there is no such lease. */
  ttl: int64(3),
  grantedTtl: int64(4),
  keys: repeatedRaw(5),
});
export type LeaseTimeToLiveResponse = MessageOf<typeof LeaseTimeToLiveResponse>;

export const LeaseLeasesRequest = message('etcdserverpb.LeaseLeasesRequest', {});

export const LeaseStatus = message('etcdserverpb.LeaseStatus', { id: int64Id(1) });
export type LeaseStatus = MessageOf<typeof LeaseStatus>;

export const LeaseLeasesResponse = message('etcdserverpb.LeaseLeasesResponse', {
  header: nested(1, ResponseHeader),
  leases: repeatedNested(2, LeaseStatus),
});
export type LeaseLeasesResponse = MessageOf<typeof LeaseLeasesResponse>;

/**
 * What a leader proposes when leases have run out (ours, not etcd's). It counts only in the term in which it was
 * decided: a leader that was deposed meanwhile has nothing to say (etcd #15247). Each lease is revoked in a
 * revision of its own.
 */
export const LeaseExpiry = message('quorate.LeaseExpiry', {
  term: uint64(1),
  ids: repeatedInt64Id(2),
});
export type LeaseExpiry = MessageOf<typeof LeaseExpiry>;
