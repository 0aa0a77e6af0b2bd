import { equalBytes, type Bytes } from '../base/bytes.ts';
import type { EtcdError } from '../wire/errors.ts';
import {
  CampaignRequest,
  CampaignResponse,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
  type LeaderKey,
} from '../wire/election.ts';
import type { TxnResponse } from '../wire/kv.ts';
import {
  candidateRequest,
  namePrefix,
  ownerRequest,
  proclaimRequest,
  resignRequest,
  sessionKey,
  type Candidacy,
} from '../wire/session-key.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeader } from './header.ts';
import { observeRoute } from './observe.ts';
import { OwnClient, ownError } from './own-client.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';
import { firstOf, leave, placeOf, rangeOf, TurnWait, type Place } from './turn.ts';

/** v3electionpb.Election (etcd server/etcdserver/api/v3election, client/v3/concurrency/election.go). */
export function electionRoutes(api: ApiContext): readonly Route[] {
  const client = new OwnClient(api);
  return [
    campaignRoute(client),
    proclaimRoute(client),
    leaderRoute(client),
    observeRoute(client),
    resignRoute(client),
  ];
}

const noLeaderKey = ownError('"leader" field must be provided');
const notLeader = ownError('election: not leader');
const noLeader = ownError('election: no leader');
const expired = ownError('election: session is expired');

function campaignRoute(client: OwnClient): Route {
  return unary(client.api, {
    path: '/v3electionpb.Election/Campaign',
    request: CampaignRequest,
    handle: (exchange, { name, lease: named, value }) => {
      client.leaseOr(named, (outcome) => {
        if (!outcome.ok) exchange.fail(outcome.error);
        else if (!exchange.maybeDrop()) {
          new Campaign(client, exchange, { name, value, lease: outcome.value }).start();
        }
      });
    },
  });
}

/** One call that stands for an election until it is won. */
class Campaign {
  private readonly client: OwnClient;
  private readonly exchange: UnaryExchange;
  private readonly request: CampaignRequest;

  constructor(client: OwnClient, exchange: UnaryExchange, request: CampaignRequest) {
    this.client = client;
    this.exchange = exchange;
    this.request = request;
  }

  start(): void {
    const { name, lease, value } = this.request;
    const prefix = namePrefix(name);
    this.client.txn(candidateRequest(prefix, lease, value), (outcome) => {
      if (!outcome.ok) return this.exchange.fail(outcome.error);
      const key = sessionKey(prefix, lease);
      const place = placeOf(outcome.value, { prefix, key, lease });
      const before = firstOf(rangeOf(outcome.value, 0));
      if (before === undefined || equalBytes(before.value, value)) this.wait(outcome.value, place);
      else this.proclaim(outcome.value, place);
    });
  }

  /** The session stands already, with another value. */
  private proclaim(stood: TxnResponse, place: Place): void {
    proclaim(this.client, place, this.request.value, (error) => {
      if (error === undefined) return this.wait(stood, place);
      leave(this.client, place);
      this.exchange.fail(error);
    });
  }

  private wait(stood: TxnResponse, place: Place): void {
    if (this.exchange.maybeDrop()) return;
    const wait = new TurnWait(this.client, place, expired, (outcome) => {
      if (!outcome.ok) return this.exchange.fail(outcome.error);
      const { key, createRevision: revision, lease } = place;
      const header = fillHeader(this.client.api.member, stood.header);
      const leader = { name: this.request.name, key, revision, lease };
      this.exchange.respond(CampaignResponse.encode({ header, leader }));
    });
    this.exchange.onCancelled(() => wait.abandon());
    wait.start();
  }
}

/** Calls back with what went wrong, or with the answer's header. */
function proclaim(
  client: OwnClient,
  candidacy: Candidacy,
  value: Bytes,
  done: (error: EtcdError | undefined, response?: TxnResponse) => void,
): void {
  client.txn(proclaimRequest(candidacy, value), (outcome) => {
    if (!outcome.ok) done(outcome.error);
    else if (!outcome.value.succeeded) done(notLeader);
    else done(undefined, outcome.value);
  });
}

const candidacyOf = ({ key, revision, lease }: LeaderKey): Candidacy => ({
  key,
  createRevision: revision,
  lease,
});

function proclaimRoute(client: OwnClient): Route {
  const { member } = client.api;
  return unary(client.api, {
    path: '/v3electionpb.Election/Proclaim',
    request: ProclaimRequest,
    handle: (exchange, { leader, value }) => {
      if (leader === undefined) return exchange.fail(noLeaderKey);
      client.leaseOr(leader.lease, (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        if (exchange.maybeDrop()) return;
        const candidacy = { ...candidacyOf(leader), lease: outcome.value };
        proclaim(client, candidacy, value, (error, response) => {
          if (error !== undefined) return exchange.fail(error);
          const header = fillHeader(member, response?.header);
          exchange.respond(ProclaimResponse.encode({ header }));
        });
      });
    },
  });
}

function leaderRoute(client: OwnClient): Route {
  const { member } = client.api;
  return unary(client.api, {
    path: '/v3electionpb.Election/Leader',
    request: LeaderRequest,
    handle: (exchange, { name }) => {
      client.range(ownerRequest(namePrefix(name)), (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const [kv] = outcome.value.kvs;
        if (kv === undefined) return exchange.fail(noLeader);
        const header = fillHeader(member, outcome.value.header);
        exchange.respond(LeaderResponse.encode({ header, kv }));
      });
    },
  });
}

/** Who does not lead any more has nothing to give up, and is told that all is well. */
function resignRoute(client: OwnClient): Route {
  const { member } = client.api;
  return unary(client.api, {
    path: '/v3electionpb.Election/Resign',
    request: ResignRequest,
    handle: (exchange, { leader }) => {
      if (leader === undefined) return exchange.fail(noLeaderKey);
      client.txn(resignRequest(candidacyOf(leader)), (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const header = fillHeader(member, outcome.value.header);
        exchange.respond(ResignResponse.encode({ header }));
      });
    },
  });
}
