import { MemberListRequest, MemberListResponse } from '../wire/cluster.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeaderWithoutRevision } from './header.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';

/** etcdserverpb.Cluster: its answers carry no revision. */
export function clusterRoutes(api: ApiContext): readonly Route[] {
  return [memberListRoute(api)];
}

function memberListRoute(api: ApiContext): Route {
  const { member } = api;
  const respond = (exchange: UnaryExchange): void => {
    const members = [...member.members()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    const header = fillHeaderWithoutRevision(member);
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
