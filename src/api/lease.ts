import { concatBytes } from '../base/bytes.ts';
import { CommandKind } from '../wire/command.ts';
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '../wire/lease.ts';
import type { Member } from '../server/types.ts';
import { fillHeader } from './header.ts';
import { keepAliveRoute } from './lease-keep-alive.ts';
import { proposeAndAnswer } from './propose.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';

/** etcdserverpb.Lease (etcd server/etcdserver/api/v3rpc/lease.go). */
export function leaseRoutes(api: ApiContext): readonly Route[] {
  return [
    grantRoute(api),
    revokeRoute(api),
    keepAliveRoute(api),
    timeToLiveRoute(api),
    leasesRoute(api),
  ];
}

/**
 * What is proposed for a grant: an id in place of 0, and a TTL that outlives a change of leader. Both are decided
 * here and not when it is applied, for there all members have to do the same.
 */
export function completeGrant(member: Member, { id, ttl }: LeaseGrantRequest): LeaseGrantRequest {
  return {
    id: id === 0n ? member.newLeaseId() : id,
    ttl: Math.max(ttl, member.leaseTtlMin),
  };
}

function grantRoute(api: ApiContext): Route {
  const codec = LeaseGrantRequest;
  return unary(api, {
    path: '/etcdserverpb.Lease/LeaseGrant',
    request: codec,
    handle: (exchange, asked) => {
      const request = completeGrant(api.member, asked);
      const proposal = { kind: CommandKind.leaseGrant, codec, request, isChanged: true };
      proposeAndAnswer(api, exchange, proposal, LeaseGrantResponse);
    },
  });
}

function revokeRoute(api: ApiContext): Route {
  const codec = LeaseRevokeRequest;
  return unary(api, {
    path: '/etcdserverpb.Lease/LeaseRevoke',
    request: codec,
    handle: (exchange, request) => {
      const proposal = { kind: CommandKind.leaseRevoke, codec, request };
      proposeAndAnswer(api, exchange, proposal, LeaseRevokeResponse);
    },
  });
}

function timeToLiveRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.Lease/LeaseTimeToLive',
    request: LeaseTimeToLiveRequest,
    handle: (exchange, { id, keys: withKeys }) => {
      member.leaseTimeToLive(id, withKeys, (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const times = outcome.value;
        const response = {
          header: fillHeader(member),
          id,
          ttl: times?.remaining ?? -1,
          grantedTtl: times?.granted ?? 0,
          keys: times?.keys ?? [],
        };
        exchange.respond(LeaseTimeToLiveResponse.encode(response));
      });
    },
  });
}

/** As this member knows them, without asking anyone. */
function leasesRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.Lease/LeaseLeases',
    request: LeaseLeasesRequest,
    handle: (exchange) => {
      member.leases((outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const header = LeaseLeasesResponse.encode({ header: fillHeader(member) });
        exchange.respond(concatBytes([header, outcome.value]));
      });
    },
  });
}
