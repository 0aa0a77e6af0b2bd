import { checkRangeStream } from '../apply/check.ts';
import type { Member, RangeStreamSource } from '../server/types.ts';
import type { Outcome } from '../wire/errors.ts';
import { RangeRequest, RangeStreamResponse, type RangeResponse } from '../wire/kv.ts';
import { beforeRead } from './before-read.ts';
import type { StreamExchange } from './exchange.ts';
import { fillHeaderWithoutRevision } from './header.ts';
import { serverStream, type ApiContext, type Route } from './rpc.ts';

export function rangeStreamRoute(api: ApiContext): Route {
  const { member } = api;
  const start = (exchange: StreamExchange, request: RangeRequest): void =>
    new ChunkPump(member, exchange, member.rangeStream(request)).start();
  return serverStream(api, {
    path: '/etcdserverpb.KV/RangeStream',
    request: RangeRequest,
    handle: (exchange, request) => {
      const refused = checkRangeStream(request);
      if (refused !== undefined) return exchange.fail(refused);
      beforeRead(member, request.serializable, (outcome) => {
        if (!outcome.ok) exchange.fail(outcome.error);
        else if (!exchange.isOver) start(exchange, request);
      });
    },
  });
}

interface Chunk {
  readonly response: RangeResponse;
  readonly isLast: boolean;
}

/** Sends chunk after chunk, and asks for the next only while the caller takes them. */
class ChunkPump {
  private readonly member: Member;
  private readonly exchange: StreamExchange;
  private readonly source: RangeStreamSource;
  /** `asking`: the next chunk is on its way. `full`: the caller must first take what was sent. */
  private state: 'ready' | 'asking' | 'full' | 'over' = 'ready';

  constructor(member: Member, exchange: StreamExchange, source: RangeStreamSource) {
    this.member = member;
    this.exchange = exchange;
    this.source = source;
  }

  start(): void {
    this.exchange.onOver(() => {
      this.state = 'over';
      this.source.close();
    });
    this.exchange.onDrain(() => {
      if (this.state !== 'full') return;
      this.state = 'ready';
      this.pump();
    });
    this.pump();
  }

  private pump(): void {
    // A loop, because a source with its chunk at hand answers before `next` returns.
    while (this.state === 'ready') {
      let hasReturned = false;
      this.state = 'asking';
      this.source.next((outcome) => {
        this.take(outcome);
        if (hasReturned) this.pump();
      });
      hasReturned = true;
    }
  }

  private take(outcome: Outcome<Chunk>): void {
    if (this.state === 'over') return;
    if (!outcome.ok) return this.exchange.fail(outcome.error);
    const { response, isLast } = outcome.value;
    const header =
      response.header && fillHeaderWithoutRevision(this.member, response.header.revision);
    const rangeResponse = { ...response, header };
    const hasRoom = this.exchange.send(RangeStreamResponse.encode({ rangeResponse }));
    if (isLast) this.exchange.end();
    else if (this.state === 'asking') this.state = hasRoom ? 'ready' : 'full';
  }
}
