import * as fc from 'fast-check';
import * as cluster from '../../src/wire/cluster.ts';
import * as election from '../../src/wire/election.ts';
import * as lease from '../../src/wire/lease.ts';
import * as lock from '../../src/wire/lock.ts';
import * as membership from '../../src/wire/membership.ts';
import type { DecodedEvent } from '../../src/wire/mvccpb.ts';
import * as watch from '../../src/wire/watch.ts';
import {
  chosen,
  enumOf,
  flag,
  header,
  keyValue,
  maybe,
  member,
  nothing,
  rawKeyValue,
  record,
  signed,
  signedId,
  some,
  someBytes,
  testCase,
  text,
  texts,
  unsigned,
  unsignedId,
  withHeader,
  type Case,
} from './message-parts.ts';

/** Messages of watches, leases, locks, elections and membership. */

const watchCreateRequest = record<watch.WatchCreateRequest>({
  key: someBytes,
  rangeEnd: someBytes,
  startRevision: signed,
  progressNotify: flag,
  filters: some(enumOf(1)),
  prevKv: flag,
  watchId: signedId,
  fragment: flag,
});
const watchRequest = record<watch.WatchRequest>({
  request: fc.oneof(
    fc.constant(undefined),
    chosen('createRequest', watchCreateRequest),
    chosen('cancelRequest', record({ watchId: signedId })),
    chosen('progressRequest', nothing),
  ),
});
const watchResponse = record<watch.WatchResponse>({
  header: maybe(header),
  watchId: signedId,
  created: flag,
  canceled: flag,
  compactRevision: signed,
  cancelReason: text,
  fragment: flag,
  events: some(
    record<DecodedEvent>({ type: enumOf(1), kv: maybe(keyValue), prevKv: maybe(keyValue) }),
  ),
});

const withId = record({ id: signedId });
const leaseCheckpoint = record({ id: signedId, remainingTtl: signed });

const leaderKey = record<election.LeaderKey>({
  name: someBytes,
  key: someBytes,
  revision: signed,
  lease: signedId,
});

const memberId = record({ id: unsignedId });
const withMembers = record({ header: maybe(header), members: some(member) });

export const coordinationCases: readonly Case[] = [
  testCase(watch.WatchCreateRequest, watchCreateRequest),
  testCase(watch.WatchCancelRequest, record({ watchId: signedId })),
  testCase(watch.WatchProgressRequest, nothing),
  testCase(watch.WatchRequest, watchRequest),
  testCase(watch.WatchResponse, watchResponse),

  testCase(lease.LeaseGrantRequest, record({ ttl: signed, id: signedId })),
  testCase(
    lease.LeaseGrantResponse,
    record({ header: maybe(header), id: signedId, ttl: signed, error: text }),
  ),
  testCase(lease.LeaseRevokeRequest, withId),
  testCase(lease.LeaseRevokeResponse, withHeader),
  testCase(lease.LeaseCheckpoint, leaseCheckpoint),
  testCase(lease.LeaseCheckpointResponse, withHeader),
  testCase(lease.LeaseKeepAliveRequest, withId),
  testCase(
    lease.LeaseKeepAliveResponse,
    record({ header: maybe(header), id: signedId, ttl: signed }),
  ),
  testCase(lease.LeaseTimeToLiveRequest, record({ id: signedId, keys: flag })),
  testCase(
    lease.LeaseTimeToLiveResponse,
    record({
      header: maybe(header),
      id: signedId,
      ttl: signed,
      grantedTtl: signed,
      keys: some(someBytes),
    }),
  ),
  testCase(lease.LeaseLeasesRequest, nothing),
  testCase(lease.LeaseStatus, withId),
  testCase(lease.LeaseLeasesResponse, record({ header: maybe(header), leases: some(withId) })),
  testCase(lease.LeaseExpiry, record({ term: unsigned, ids: some(signedId) })),

  testCase(lock.LockRequest, record({ name: someBytes, lease: signedId })),
  testCase(lock.LockResponse, record({ header: maybe(header), key: someBytes })),
  testCase(lock.UnlockRequest, record({ key: someBytes })),
  testCase(lock.UnlockResponse, withHeader),

  testCase(election.LeaderKey, leaderKey),
  testCase(
    election.CampaignRequest,
    record({ name: someBytes, lease: signedId, value: someBytes }),
  ),
  testCase(election.CampaignResponse, record({ header: maybe(header), leader: maybe(leaderKey) })),
  testCase(election.LeaderRequest, record({ name: someBytes })),
  testCase(election.LeaderResponse, record({ header: maybe(header), kv: maybe(rawKeyValue) })),
  testCase(election.ProclaimRequest, record({ leader: maybe(leaderKey), value: someBytes })),
  testCase(election.ProclaimResponse, withHeader),
  testCase(election.ResignRequest, record({ leader: maybe(leaderKey) })),
  testCase(election.ResignResponse, withHeader),

  testCase(cluster.Member, member),
  testCase(cluster.MemberListRequest, record({ linearizable: flag })),
  testCase(cluster.MemberListResponse, withMembers),
  testCase(cluster.MemberAddRequest, record({ peerUrls: texts, isLearner: flag })),
  testCase(
    cluster.MemberAddResponse,
    record({ header: maybe(header), member: maybe(member), members: some(member) }),
  ),
  testCase(cluster.MemberRemoveRequest, memberId),
  testCase(cluster.MemberRemoveResponse, withMembers),
  testCase(cluster.MemberUpdateRequest, record({ id: unsignedId, peerUrls: texts })),
  testCase(cluster.MemberUpdateResponse, withMembers),
  testCase(cluster.MemberPromoteRequest, memberId),
  testCase(cluster.MemberPromoteResponse, withMembers),

  testCase(
    membership.MemberAttributes,
    record({ memberId: unsignedId, name: text, clientUrls: texts, incarnation: unsignedId }),
  ),
  testCase(membership.MemberPeerUrls, record({ memberId: unsignedId, peerUrls: texts })),
];
