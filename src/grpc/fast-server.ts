import type { Duplex } from 'node:stream';
import { compressionRefusal, refusalHeaders, trailersOnly } from './answer-headers.ts';
import { Slab } from '../base/slab.ts';
import { Code } from './codes.ts';
import { CallDeadlines } from './call-deadlines.ts';
import { Departures } from './departures.ts';
import { describeUnknown, type GrpcServerEngine, type GrpcServerOptions } from './engine.ts';
import { CallRequest, type CallContext } from './fast-request.ts';
import { textOfHeader } from './go-quote.ts';
import type { HeaderList } from './hpack/types.ts';
import { openHttp2Connection } from './http2/connection.ts';
import { takeOver } from './http2/socket-reads.ts';
import type { Http2Connection, Http2Limits, Http2Stream } from './http2/types.ts';
import { PendingBytes } from './message-reader.ts';
import { messagesPerTurnMax, ReadTurns } from './read-turns.ts';
import { RequestHead } from './request-head.ts';
import type { Handler, Status } from './types.ts';

/**
 * What a caller may send ahead on one stream: a request of the largest size goes in a few round trips, and what
 * waits unread of a flood of tiny messages stays small. HTTP/2's own 64 KiB would make it two dozen.
 */
const defaultStreamWindowBytes = 256 * 1024;

/** And on all streams of a connection together. */
const defaultConnectionWindowBytes = 1024 * 1024;

/** grpc-go's limit is 16 MiB; what etcd's clients send fits into hundreds of bytes. */
const headerListBytesMax = 64 * 1024;

/** Unsent bytes of a connection beyond which `send` says that it is full; for one call, a quarter of it. */
const unsentBytesMax = 1024 * 1024;

/** Memory for half-received messages of one connection: about 170 of the largest requests that etcd takes. */
const pendingBytesMax = 256 * 1024 * 1024;
/** And of all connections together. */
const pendingByAllMax = 512 * 1024 * 1024;

/** Compressed messages that one turn of the event loop unpacks: each may become as large as a request may be. */
const unpackedPerTurnMax = 4;

/** Small requests share memory of this size, which is free when none of them is wanted any more. */
const requestChunkBytes = 16 * 1024;

/** A deadline below this has passed before the call can begin. */
const timeoutMinMs = 1e-3;

/** The gRPC engine that stands on our own HTTP/2. */
export function createFastServer(options: GrpcServerOptions): GrpcServerEngine {
  return new FastServer(options);
}

class FastServer implements GrpcServerEngine {
  private readonly options: GrpcServerOptions;
  private readonly http2Limits: Http2Limits;
  private readonly turns: ReadTurns;
  private readonly unpacking: ReadTurns;
  private readonly deadlines = new CallDeadlines();
  private readonly requests = new Slab(requestChunkBytes);
  private readonly pending = new PendingBytes(pendingByAllMax);
  private readonly departures = new Departures();
  private readonly connections = new Set<Http2Connection>();
  private isClosed = false;
  private whenEmpty: (() => void) | undefined;

  constructor(options: GrpcServerOptions) {
    this.options = options;
    this.http2Limits = limitsOf(options);
    const perTurnMax = options.messagesPerTurnMax ?? messagesPerTurnMax;
    this.turns = new ReadTurns(perTurnMax);
    this.unpacking = new ReadTurns(Math.min(perTurnMax, unpackedPerTurnMax));
  }

  serve(socket: Duplex): void {
    if (this.isClosed || socket.destroyed) {
      socket.destroy();
      return;
    }
    const link: CallLink = { context: this.newContext(), head: undefined, handler: undefined };
    const connection = openHttp2Connection(takeOver(socket), {
      role: 'server',
      limits: this.http2Limits,
      events: {
        onRequest: (stream, fields, isEnd) => this.open(link, stream, fields, isEnd),
        onReady: () => undefined,
        onRoom: () => undefined,
        onDraining: () => undefined,
        onClosed: () => {
          this.connections.delete(connection);
          if (this.connections.size === 0) this.whenEmpty?.();
        },
      },
    });
    this.connections.add(connection);
  }

  close(graceMs: number, done: () => void): void {
    this.isClosed = true;
    const breaking = setTimeout(() => {
      for (const connection of this.connections) connection.destroy();
    }, graceMs);
    this.whenEmpty = () => {
      this.whenEmpty = undefined;
      clearTimeout(breaking);
      done();
    };
    for (const connection of this.connections) connection.drain();
    if (this.connections.size === 0) this.whenEmpty?.();
  }

  private newContext(): CallContext {
    return {
      requestBytesMax: this.options.limits.requestBytesMax,
      turns: this.turns,
      unpacking: this.unpacking,
      deadlines: this.deadlines,
      requests: this.requests,
      pending: new PendingBytes(pendingBytesMax, this.pending),
      dismiss: this.departures.dismiss,
    };
  }

  private open(link: CallLink, stream: Http2Stream, fields: HeaderList, isEnd: boolean): void {
    if (link.head?.fields !== fields) {
      link.head = new RequestHead(fields);
      link.handler = this.options.handlers.get(link.head.path);
    }
    const { head, handler } = link;
    const refusal = this.refuse(head, handler !== undefined);
    if (handler === undefined || refusal !== undefined) {
      stream.sendHeaders(refusal ?? [], true);
      if (!isEnd) this.departures.dismissRefused(stream);
      return;
    }
    const request = new CallRequest(link.context, stream, handler, head);
    stream.listener = request;
    request.start(isEnd);
  }

  /** What is answered to a request that no handler is to see. */
  private refuse(head: RequestHead, isKnown: boolean): HeaderList | undefined {
    const { encoding, refusal, responseHeaders, timeoutMs } = head;
    if (refusal !== undefined) {
      return refusalHeaders(responseHeaders, refusal.httpStatus, refusal.status);
    }
    if (timeoutMs !== undefined && timeoutMs < timeoutMinMs) {
      const status = { code: Code.DEADLINE_EXCEEDED, text: 'context deadline exceeded' };
      return trailersOnly(responseHeaders, status);
    }
    if (!isKnown) return trailersOnly(responseHeaders, this.describeUnknown(head.path));
    if (encoding === '' || encoding === 'identity' || encoding === 'gzip') return undefined;
    return compressionRefusal(responseHeaders, encoding);
  }

  private describeUnknown(path: string): Status {
    const { handlers, onUnknown } = this.options;
    return onUnknown?.(textOfHeader(path)) ?? describeUnknown(path, handlers);
  }
}

/** What is kept for one connection. */
interface CallLink {
  readonly context: CallContext;
  /** Of the last call: callers send the same fields over and over, which come as the very same list. */
  head: RequestHead | undefined;
  handler: Handler | undefined;
}

function limitsOf(options: GrpcServerOptions): Http2Limits {
  const { limits, flowControlWindowBytes } = options;
  return {
    concurrentStreamsMax: limits.concurrentStreamsMax,
    headerListBytesMax,
    streamWindowBytes: flowControlWindowBytes ?? defaultStreamWindowBytes,
    connectionWindowBytes: flowControlWindowBytes ?? defaultConnectionWindowBytes,
    unsentBytesMax,
    keepAlive: { intervalMs: limits.keepAliveIntervalMs, timeoutMs: limits.keepAliveTimeoutMs },
    pingMinTimeMs: limits.keepAliveMinTimeMs,
    isTrusted: options.messagesPerTurnMax === Number.POSITIVE_INFINITY,
  };
}
