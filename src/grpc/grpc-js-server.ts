import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import { describeUnknown, type GrpcServerEngine, type GrpcServerOptions } from './engine.ts';
import { GrpcJsServerCall, identity, type RawServerCall } from './grpc-js-call.ts';
import { handleEveryPath, http2ServerOf } from './grpc-js-internals.ts';
import { enforcePingPolicy } from './ping-policy.ts';
import { messagesPerTurnMax, ReadTurns } from './read-turns.ts';
import type { Status } from './types.ts';

/**
 * What a caller may send ahead on one stream: a request of the largest size goes in a few round trips, and what
 * waits unread of a flood of tiny messages stays small. HTTP/2's own 64 KiB would make it two dozen.
 */
const defaultStreamWindowBytes = 256 * 1024;

/** And on all streams of a connection together. */
const defaultConnectionWindowBytes = 1024 * 1024;

/** The gRPC engine that stands on grpc-js: the well-known one, and the reference for any other. */
export function createGrpcJsServer(options: GrpcServerOptions): GrpcServerEngine {
  const { limits } = options;
  const turns = new ReadTurns(options.messagesPerTurnMax ?? messagesPerTurnMax);
  const server = new grpc.Server({
    'grpc.max_receive_message_length': limits.requestBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.concurrentStreamsMax,
    'grpc.keepalive_time_ms': limits.keepAliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepAliveTimeoutMs,
    'grpc.enable_channelz': 0,
    interceptors: [(method, call) => takeOver(options, turns, method.path, call)],
  });
  // The interceptor serves each call itself; what is registered here is never reached.
  handleEveryPath(server, { ...identity, func: () => undefined, type: 'clientStream' });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sessions = new Set<ServerHttp2Session>();
  let whenEmpty: (() => void) | undefined;
  let isClosed = false;

  const http2Server = http2ServerOf(server);
  const streamWindowBytes = options.flowControlWindowBytes ?? defaultStreamWindowBytes;
  const windowBytes = options.flowControlWindowBytes ?? defaultConnectionWindowBytes;
  http2Server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('close', () => {
      sessions.delete(session);
      if (sessions.size === 0) whenEmpty?.();
    });
    // A broken connection ends its calls through their own events; unheard, the error would end the process.
    session.on('error', () => undefined);
    session.settings({
      initialWindowSize: streamWindowBytes,
      maxConcurrentStreams: limits.concurrentStreamsMax,
    });
    session.setLocalWindowSize(windowBytes);
    let calls = 0;
    // Before grpc-js, which reads the deadline from these headers.
    session.prependListener('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      forgetDistantDeadline(headers);
      calls++;
      stream.once('close', () => calls--);
    });
    enforcePingPolicy(session, limits.keepAliveMinTimeMs, () => calls);
  });
  http2Server.on('sessionError', () => undefined);

  return {
    serve: (socket: Duplex) => {
      if (isClosed) socket.destroy();
      else injector.injectConnection(socket);
    },
    close: (graceMs, done) => {
      isClosed = true;
      whenEmpty = () => {
        whenEmpty = undefined;
        injector.destroy();
        server.forceShutdown();
        done();
      };
      injector.drain(graceMs);
      if (sessions.size === 0) whenEmpty();
    },
  };
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000 };
const timerMaxMs = 2 ** 31 - 1;

/** A deadline that no timer reaches is none; grpc-js would cut it to 32 bits, and it might have passed already. */
function forgetDistantDeadline(headers: IncomingHttpHeaders): void {
  const timeout = headers['grpc-timeout'];
  if (typeof timeout !== 'string') return;
  const ms = Number(timeout.slice(0, -1)) * (unitMs[timeout.slice(-1)] ?? 1);
  if (ms > timerMaxMs) delete headers['grpc-timeout'];
}

/** What grpc-js's own handling of a call is left with: nothing. */
const inert = { start: () => undefined } as unknown as grpc.ServerInterceptingCall;

function takeOver(
  options: GrpcServerOptions,
  turns: ReadTurns,
  path: string,
  raw: RawServerCall,
): grpc.ServerInterceptingCall {
  speakAsGrpcGo(raw);
  const handler = options.handlers.get(path);
  if (handler === undefined) {
    const status = options.onUnknown?.(path) ?? describeUnknown(path, options.handlers);
    raw.sendStatus({ code: status.code, details: status.text });
  } else {
    new GrpcJsServerCall(path, handler, raw, turns).start();
  }
  return inert;
}

/** Statuses that grpc-js itself ends a call with get the text that etcd's clients know from grpc-go. */
function speakAsGrpcGo(raw: RawServerCall): void {
  const send = raw.sendStatus.bind(raw);
  raw.sendStatus = (status) => {
    const text = translate({
      code: status.code ?? grpc.status.UNKNOWN,
      text: status.details ?? '',
    });
    send(text === status.details ? status : { ...status, details: text });
  };
}

const translations: readonly (readonly [number, RegExp, string])[] = [
  [
    grpc.status.RESOURCE_EXHAUSTED,
    /^Received message larger than max \((\d+) vs (\d+)\)$/,
    'grpc: received message larger than max ($1 vs. $2)',
  ],
  [
    grpc.status.RESOURCE_EXHAUSTED,
    /^Received message that decompresses to a size larger than (\d+)$/,
    'grpc: received message after decompression larger than max $1',
  ],
  [
    grpc.status.UNIMPLEMENTED,
    /^Received message compressed with unsupported encoding (".*")$/,
    'grpc: Decompressor is not installed for grpc-encoding $1',
  ],
  [grpc.status.DEADLINE_EXCEEDED, /^Deadline exceeded$/, 'context deadline exceeded'],
];

function translate(status: Status): string {
  if (status.code === grpc.status.OK) return status.text;
  for (const [code, pattern, text] of translations) {
    if (code === status.code && pattern.test(status.text))
      return status.text.replace(pattern, text);
  }
  return status.text;
}
