import type { RangeResponse } from '../wire/kv.ts';
import { LockRequest, LockResponse, UnlockRequest, UnlockResponse } from '../wire/lock.ts';
import { acquireRequest, namePrefix, sessionKey } from '../wire/session-key.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeader } from './header.ts';
import { OwnClient, ownError } from './own-client.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';
import { firstOf, placeOf, rangeOf, TurnWait } from './turn.ts';

/** v3lockpb.Lock (etcd server/etcdserver/api/v3lock, client/v3/concurrency/mutex.go). */
export function lockRoutes(api: ApiContext): readonly Route[] {
  return [lockRoute(api), unlockRoute(api)];
}

const expired = ownError('mutex: session is expired');

function lockRoute(api: ApiContext): Route {
  const client = new OwnClient(api);
  return unary(api, {
    path: '/v3lockpb.Lock/Lock',
    request: LockRequest,
    handle: (exchange, { name, lease: named }) => {
      client.leaseOr(named, (outcome) => {
        if (!outcome.ok) exchange.fail(outcome.error);
        else if (!exchange.maybeDrop()) acquire(client, exchange, name, outcome.value);
      });
    },
  });
}

/**
 * Queues up and waits for the turn. A caller that goes away before it is in the queue may find its key there: as in
 * etcd it stays, for the same session may ask again, and find that it has the lock.
 */
function acquire(
  client: OwnClient,
  exchange: UnaryExchange,
  name: LockRequest['name'],
  lease: bigint,
): void {
  const { member } = client.api;
  const prefix = namePrefix(name);
  const key = sessionKey(prefix, lease);
  const respond = (held: Pick<RangeResponse, 'header'>): void =>
    exchange.respond(LockResponse.encode({ header: fillHeader(member, held.header), key }));
  client.txn(acquireRequest(prefix, lease), (outcome) => {
    if (!outcome.ok) return exchange.fail(outcome.error);
    const response = outcome.value;
    const place = placeOf(response, { prefix, key, lease });
    const owner = firstOf(rangeOf(response, 1));
    if (owner === undefined || owner.createRevision === place.createRevision) {
      return respond(response);
    }
    if (exchange.maybeDrop()) return;
    const wait = new TurnWait(client, place, expired, (turn) => {
      if (turn.ok) respond(turn.value ?? response);
      else exchange.fail(turn.error);
    });
    exchange.onCancelled(() => wait.abandon());
    wait.start();
  });
}

function unlockRoute(api: ApiContext): Route {
  const client = new OwnClient(api);
  return unary(api, {
    path: '/v3lockpb.Lock/Unlock',
    request: UnlockRequest,
    handle: (exchange, { key }) => {
      client.deleteKey(key, (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const header = fillHeader(api.member, outcome.value.header);
        exchange.respond(UnlockResponse.encode({ header }));
      });
    },
  });
}
