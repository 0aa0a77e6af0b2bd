import type { Member } from '../server/types.ts';
import type { Outcome } from '../wire/errors.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../wire/lease.ts';
import type { StreamExchange } from './exchange.ts';
import { fillHeader } from './header.ts';
import { bidi, type ApiContext, type BidiReceiver, type Route } from './rpc.ts';

/** Renewals that one stream may have under way; then its caller has to wait. */
const renewalsMax = 256;

interface Renewal {
  readonly id: bigint;
  /**
   * Filled before the lease is renewed: a client must not be told of a renewal at a revision at which the lease
   * was gone (etcd v3rpc/lease.go).
   */
  readonly header: LeaseKeepAliveResponse['header'];
  outcome: Outcome<number> | undefined;
}

export function keepAliveRoute(api: ApiContext): Route {
  return bidi(api, {
    path: '/etcdserverpb.Lease/LeaseKeepAlive',
    request: LeaseKeepAliveRequest,
    open: (exchange) => new KeepAliveStream(api.member, exchange),
  });
}

/** One answer for each request, in their order; a renewal that fails ends the stream. */
class KeepAliveStream implements BidiReceiver<LeaseKeepAliveRequest> {
  private readonly member: Member;
  private readonly exchange: StreamExchange;
  private renewals: Renewal[] = [];
  private hasRoom = true;
  private isPaused = false;
  private isHalfClosed = false;

  constructor(member: Member, exchange: StreamExchange) {
    this.member = member;
    this.exchange = exchange;
    exchange.onDrain(() => {
      this.hasRoom = true;
      this.answer();
    });
  }

  onRequest({ id }: LeaseKeepAliveRequest): void {
    const header = fillHeader(this.member);
    const isNext = this.renewals.length === 0 && this.hasRoom;
    const ttl = isNext ? this.member.maybeRenewLease(id) : undefined;
    if (ttl === undefined) this.wait({ id, header, outcome: undefined });
    else this.hasRoom = this.exchange.send(LeaseKeepAliveResponse.encode({ header, id, ttl }));
  }

  onHalfClose(): void {
    this.isHalfClosed = true;
    this.answer();
  }

  private wait(renewal: Renewal): void {
    this.renewals.push(renewal);
    this.regulate();
    this.member.renewLease(renewal.id, (outcome) => {
      renewal.outcome = outcome;
      this.answer();
    });
  }

  private answer(): void {
    const { exchange, renewals } = this;
    let answered = 0;
    for (const { id, header, outcome } of renewals) {
      if (outcome === undefined || !this.hasRoom || exchange.isOver) break;
      answered++;
      if (!outcome.ok) return exchange.fail(outcome.error);
      const response = { header, id, ttl: outcome.value };
      this.hasRoom = exchange.send(LeaseKeepAliveResponse.encode(response));
    }
    if (answered > 0) this.renewals = renewals.slice(answered);
    this.regulate();
    if (this.isHalfClosed && this.renewals.length === 0) exchange.end();
  }

  private regulate(): void {
    const isFull = this.renewals.length >= renewalsMax;
    if (isFull === this.isPaused) return;
    this.isPaused = isFull;
    if (isFull) this.exchange.pauseRequests();
    else this.exchange.resumeRequests();
  }
}
