import type { Outcome } from '../wire/errors.ts';
import {
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from '../wire/cluster.ts';
import type { ResponseHeader } from '../wire/header.ts';
import type { Done, Member, MemberInfo } from '../server/types.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeaderWithoutRevision } from './header.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';

/** etcdserverpb.Cluster: its answers carry no revision, and the members by ascending id. */
export function clusterRoutes(api: ApiContext): readonly Route[] {
  return [
    memberListRoute(api),
    memberAddRoute(api),
    memberRemoveRoute(api),
    memberUpdateRoute(api),
    memberPromoteRoute(api),
  ];
}

function memberListRoute(api: ApiContext): Route {
  const { member } = api;
  const respond = (exchange: UnaryExchange): void => {
    const header = fillHeaderWithoutRevision(member);
    const members = byId(member.members());
    exchange.respond(MemberListResponse.encode({ header, members }));
  };
  return unary(api, {
    path: '/etcdserverpb.Cluster/MemberList',
    request: MemberListRequest,
    handle: (exchange, { linearizable }) => {
      if (!linearizable) return respond(exchange);
      member.readIndex((outcome) => {
        if (outcome.ok) respond(exchange);
        else exchange.fail(outcome.error);
      });
    },
  });
}

function memberAddRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.Cluster/MemberAdd',
    request: MemberAddRequest,
    handle: (exchange, { peerUrls, isLearner }) =>
      member.addMember(peerUrls, isLearner, (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const { added, members } = outcome.value;
        const header = fillHeaderWithoutRevision(member);
        const response = { header, member: added, members: byId(members) };
        exchange.respond(MemberAddResponse.encode(response));
      }),
  });
}

function memberRemoveRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Cluster/MemberRemove',
    request: MemberRemoveRequest,
    handle: (exchange, { id }) =>
      api.member.removeMember(id, answerMembers(api.member, exchange, MemberRemoveResponse)),
  });
}

function memberUpdateRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Cluster/MemberUpdate',
    request: MemberUpdateRequest,
    handle: (exchange, { id, peerUrls }) => {
      const done = answerMembers(api.member, exchange, MemberUpdateResponse);
      api.member.updateMember(id, peerUrls, done);
    },
  });
}

function memberPromoteRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Cluster/MemberPromote',
    request: MemberPromoteRequest,
    handle: (exchange, { id }) =>
      api.member.promoteMember(id, answerMembers(api.member, exchange, MemberPromoteResponse)),
  });
}

interface MembersCodec {
  encode(response: {
    readonly header: ResponseHeader;
    readonly members: readonly MemberInfo[];
  }): Uint8Array;
}

/** Three of the answers have the same shape. */
function answerMembers(
  member: Member,
  exchange: UnaryExchange,
  codec: MembersCodec,
): Done<readonly MemberInfo[]> {
  return (outcome: Outcome<readonly MemberInfo[]>) => {
    if (!outcome.ok) return exchange.fail(outcome.error);
    const header = fillHeaderWithoutRevision(member);
    exchange.respond(codec.encode({ header, members: byId(outcome.value) }));
  };
}

function byId(members: readonly MemberInfo[]): readonly MemberInfo[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
