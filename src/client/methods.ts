import {
  MemberAddRequest,
  MemberAddResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from '../wire/cluster.ts';
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '../wire/lease.ts';
import {
  AlarmRequest,
  AlarmResponse,
  DefragmentRequest,
  DefragmentResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
} from '../wire/maintenance.ts';
import type { Codec } from '../wire/message.ts';
import { WatchRequest, WatchResponse } from '../wire/watch.ts';

/** A method of etcd's as a caller needs it. */
export interface ClientMethod<Request, Response> {
  /** For example `/etcdserverpb.Lease/LeaseGrant`. */
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

const method = <Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
): ClientMethod<Request, Response> => ({ path: `/etcdserverpb.${name}`, request, response });

export const methods = {
  leaseGrant: method('Lease/LeaseGrant', LeaseGrantRequest, LeaseGrantResponse),
  leaseRevoke: method('Lease/LeaseRevoke', LeaseRevokeRequest, LeaseRevokeResponse),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', LeaseTimeToLiveRequest, LeaseTimeToLiveResponse),
  leaseLeases: method('Lease/LeaseLeases', LeaseLeasesRequest, LeaseLeasesResponse),
  memberAdd: method('Cluster/MemberAdd', MemberAddRequest, MemberAddResponse),
  memberRemove: method('Cluster/MemberRemove', MemberRemoveRequest, MemberRemoveResponse),
  memberUpdate: method('Cluster/MemberUpdate', MemberUpdateRequest, MemberUpdateResponse),
  memberPromote: method('Cluster/MemberPromote', MemberPromoteRequest, MemberPromoteResponse),
  alarm: method('Maintenance/Alarm', AlarmRequest, AlarmResponse),
  defragment: method('Maintenance/Defragment', DefragmentRequest, DefragmentResponse),
  moveLeader: method('Maintenance/MoveLeader', MoveLeaderRequest, MoveLeaderResponse),
} as const;

/** Methods in which both sides stream. */
export const streamMethods = {
  watch: method('Watch/Watch', WatchRequest, WatchResponse),
  leaseKeepAlive: method('Lease/LeaseKeepAlive', LeaseKeepAliveRequest, LeaseKeepAliveResponse),
} as const;
