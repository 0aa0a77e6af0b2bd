import { unreachable } from '../base/assert.ts';
import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { keyRangeOf } from '../mvcc/key-range.ts';
import type { WatchOutput, WatchReceiver, WatchRefusal, Watches } from '../server/types.ts';
import { errors } from '../wire/errors.ts';
import {
  encodeHeaderField,
  encodeWatchHead,
  WatchFilter,
  WatchRequest,
  WatchResponse,
  type WatchCreateRequest,
} from '../wire/watch.ts';
import type { StreamExchange } from './exchange.ts';
import { fillHeaderWithoutRevision } from './header.ts';
import { bidi, type ApiContext, type BidiReceiver, type Route } from './rpc.ts';

/** etcdserverpb.Watch (etcd server/etcdserver/api/v3rpc/watch.go). */
export function watchRoutes(api: ApiContext): readonly Route[] {
  return [
    bidi(api, {
      path: '/etcdserverpb.Watch/Watch',
      request: WatchRequest,
      open: (exchange) => new WatchSession(api, exchange),
    }),
  ];
}

const smallestKey = Uint8Array.of(0);
/** Why a watch was not created: texts of etcd's mvcc package, which do not pass through its error table. */
const refusals: Readonly<Record<WatchRefusal, string>> = {
  emptyRange: 'mvcc: watcher range is empty',
  duplicateId: 'mvcc: duplicate watch ID provided on the WatchStream',
};

type EventsOutput = WatchOutput & { readonly type: 'events' };

/** One stream of watches. While the client does not read, its requests wait too. */
class WatchSession implements BidiReceiver<WatchRequest>, WatchReceiver {
  private readonly api: ApiContext;
  private readonly exchange: StreamExchange;
  private readonly watches: Watches;
  /** The header that was encoded last. */
  private header = emptyBytes;
  private headerRevision = -1;
  private headerTerm = -1;

  constructor(api: ApiContext, exchange: StreamExchange) {
    this.api = api;
    this.exchange = exchange;
    this.watches = api.member.openWatches(this);
    exchange.onOver(() => this.watches.close());
    exchange.onDrain(() => {
      this.watches.resume();
      exchange.resumeRequests();
    });
  }

  /** A request of a kind that is not known is passed over, as in etcd. */
  onRequest({ request }: WatchRequest): void {
    if (request === undefined) return;
    switch (request.case) {
      case 'createRequest':
        return this.create(request.value);
      case 'cancelRequest':
        this.watches.cancel(request.value.watchId);
        return;
      case 'progressRequest':
        return this.watches.requestProgress();
      default:
        unreachable(request);
    }
  }

  /** Events go on until the client cancels. */
  onHalfClose(): void {}

  receive(output: WatchOutput): boolean {
    const hasRoom =
      output.type === 'events'
        ? this.exchange.send(this.encodeHead(output), output.events.fields)
        : this.exchange.send(this.encode(output));
    if (!hasRoom) this.exchange.pauseRequests();
    return hasRoom;
  }

  private create(request: WatchCreateRequest): void {
    if (request.startRevision < 0) return this.watches.refuse(errors.compacted.text);
    const key = request.key.length === 0 ? smallestKey : request.key;
    const refusal = this.watches.create({
      id: request.watchId === 0n ? undefined : request.watchId,
      range: keyRangeOf(key, request.rangeEnd),
      startRevision: request.startRevision,
      prevKv: request.prevKv,
      noPut: request.filters.includes(WatchFilter.NOPUT),
      noDelete: request.filters.includes(WatchFilter.NODELETE),
      progressNotify: request.progressNotify,
      fragment: request.fragment,
    });
    if (refusal !== undefined) this.watches.refuse(refusals[refusal]);
  }

  /** Most of what is told in one turn has the same header. */
  private encodeHead({ watchId, revision, isFragment }: EventsOutput): Bytes {
    const { term } = this.api.member;
    if (revision !== this.headerRevision || term !== this.headerTerm) {
      this.header = encodeHeaderField(fillHeaderWithoutRevision(this.api.member, revision));
      this.headerRevision = revision;
      this.headerTerm = term;
    }
    return encodeWatchHead(this.header, watchId, isFragment);
  }

  private encode(output: Exclude<WatchOutput, EventsOutput>): Bytes {
    const header = fillHeaderWithoutRevision(this.api.member, output.revision);
    switch (output.type) {
      case 'created':
        return WatchResponse.encode({ header, watchId: output.watchId, created: true });
      case 'refused': {
        const { watchId, reason: cancelReason } = output;
        const flags = { created: true, canceled: true };
        return WatchResponse.encode({ header, watchId, ...flags, cancelReason });
      }
      case 'progress':
        return WatchResponse.encode({ header, watchId: output.watchId });
      case 'canceled': {
        const { watchId, compactRevision } = output;
        return WatchResponse.encode({ header, watchId, canceled: true, compactRevision });
      }
      default:
        return unreachable(output);
    }
  }
}
