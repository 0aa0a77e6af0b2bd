import { emptyBytes, prefixEnd, type Bytes } from '../base/bytes.ts';
import type { Watches } from '../server/types.ts';
import { LeaderRequest, LeaderResponse } from '../wire/election.ts';
import { errors } from '../wire/errors.ts';
import { Event, EventType, KeyValue } from '../wire/mvccpb.ts';
import { namePrefix, ownerRequest } from '../wire/session-key.ts';
import type { StreamExchange } from './exchange.ts';
import { fillHeaderWithoutRevision } from './header.ts';
import { watchKeys, type KeyWatch } from './key-watch.ts';
import type { OwnClient } from './own-client.ts';
import { serverStream, type Route } from './rpc.ts';

export function observeRoute(client: OwnClient): Route {
  return serverStream(client.api, {
    path: '/v3electionpb.Election/Observe',
    request: LeaderRequest,
    handle: (exchange, { name }) =>
      new Observation(client, exchange, namePrefix(name)).findLeader(0),
  });
}

/**
 * Tells one client of every leader and of every value that it proclaims, in order. Who comes after a leader is read as
 * of the revision in which that leader's key was deleted, so that none is passed over who led only for a moment;
 * etcd's asks for whoever leads by then (client/v3/concurrency/election.go, observe).
 */
class Observation {
  private readonly client: OwnClient;
  private readonly exchange: StreamExchange;
  private readonly prefix: Bytes;
  private watches: Watches | undefined;
  /** While it is false a watch is told nothing, not even that it was created; so no more is read than that. */
  private hasRoom = true;

  constructor(client: OwnClient, exchange: StreamExchange, prefix: Bytes) {
    this.client = client;
    this.exchange = exchange;
    this.prefix = prefix;
    exchange.onOver(() => this.watches?.close());
    exchange.onDrain(() => {
      this.hasRoom = true;
      this.watches?.resume();
    });
  }

  /** As of a revision; 0 is now. */
  findLeader(revision: number): void {
    this.client.range(ownerRequest(this.prefix, revision), (outcome) => {
      if (this.exchange.isOver) return;
      if (!outcome.ok) {
        const isCompacted = revision > 0 && outcome.error.text === errors.compacted.text;
        return isCompacted ? this.findLeader(0) : this.exchange.fail(outcome.error);
      }
      const [kv] = outcome.value.kvs;
      const asOf = revision === 0 ? (outcome.value.header?.revision ?? 0) : revision;
      if (kv === undefined) this.awaitLeader(asOf);
      else this.follow(kv, asOf);
    });
  }

  /** Nobody leads: the first who puts a key does. */
  private awaitLeader(revision: number): void {
    const range = { key: this.prefix, rangeEnd: prefixEnd(this.prefix) };
    this.watch({ ...range, startRevision: revision + 1 }, ({ type, kv }) => {
      if (type !== EventType.PUT) return true;
      this.follow(kv, KeyValue.decode(kv).modRevision);
      return false;
    });
  }

  /** Tells of a leader, of all that it proclaims later, and then of the next. */
  private follow(leader: Bytes, revision: number): void {
    this.tell(leader, revision);
    const { key } = KeyValue.decode(leader);
    this.watch({ key, startRevision: revision + 1 }, ({ type, kv }, told) => {
      if (type === EventType.PUT) this.tell(kv, told);
      else this.findLeader(KeyValue.decode(kv).modRevision);
      return type === EventType.PUT;
    });
  }

  private tell(kv: Bytes, revision: number): void {
    const header = fillHeaderWithoutRevision(this.client.api.member, revision);
    this.hasRoom = this.exchange.send(LeaderResponse.encode({ header, kv }));
  }

  /** `take` is given the events, and the revision of their answer, until it has seen enough: then it says false. */
  private watch(range: KeyWatch, take: (event: FoundEvent, revision: number) => boolean): void {
    if (this.exchange.isOver) return;
    let isWanted = true;
    const watches = watchKeys(this.client.api.member, range, (output) => {
      // Cancelled: behind a compaction, so that what was to come is not known any more.
      if (output.type === 'canceled') this.findLeader(0);
      else if (output.type === 'events')
        isWanted = takeAll(output.events.list, output.revision, take);
      if (output.type === 'canceled' || !isWanted) watches.close();
      return this.hasRoom;
    });
    this.watches = watches;
  }
}

interface FoundEvent {
  readonly type: number;
  readonly kv: Bytes;
}

function takeAll(
  events: readonly Bytes[],
  revision: number,
  take: (event: FoundEvent, revision: number) => boolean,
): boolean {
  return events.every((encoded) => {
    const { type, kv } = Event.decode(encoded);
    return take({ type, kv: kv ?? emptyBytes }, revision);
  });
}
