import type { HttpHandlers } from '../api/http.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { mustParseUrl } from '../config/urls.ts';
import type { GrpcServerEngine } from '../grpc/engine.ts';
import { createGrpcServer } from '../grpc/engines.ts';
import { listen, type HttpHandler, type Listener } from '../grpc/listener.ts';
import type { Handlers } from '../grpc/types.ts';
import type { Logger } from '../host/logger.ts';
import { openPeerListener } from '../peer/peer-listener.ts';

/** The ports of a member: for clients, for peers, and for metrics and health alone. */
export interface Listeners {
  readonly clientAddresses: readonly string[];
  /** Calls in flight are let end; no new ones are taken. */
  closeClients(): Promise<void>;
  /** After the transport, whose streams would be waited for otherwise. */
  closePeers(): Promise<void>;
}

/** gRPC takes requests that are larger than the limit by so much, so that etcd's own error is the answer. */
const requestSlackBytes = 512 * 1024;
/** How long calls in flight may go on when a member stops. */
const closeGraceMs = 2000;

export interface ListenerParts {
  readonly config: ServerConfig;
  readonly handlers: Handlers;
  readonly peerHandlers: Handlers;
  readonly http: HttpHandlers;
  readonly logger: Logger;
  /** Runs when peers are served and clients are not; what it throws closes everything again. */
  readonly beforeClients: () => Promise<void>;
}

type Close = (graceMs: number, done: () => void) => void;

/** Opens every port, or none: then it throws with the port that was not to be had, or why clients are not served. */
export async function openListeners(parts: ListenerParts): Promise<Listeners> {
  const { config, handlers, http } = parts;
  const grpc = clientEngine(config, handlers);
  const clients: Close[] = [(graceMs, done) => grpc.close(graceMs, done)];
  const peers: Close[] = [];
  try {
    peers.push(await openPeers(parts));
    await parts.beforeClients();
    // With URLs of its own for HTTP, the client URLs are left to gRPC alone, as in etcd.
    const clientHttp = config.listenClientHttpUrls.length === 0 ? http.client : http.none;
    const opened = await openAll(config.listenClientUrls, grpc, clientHttp, parts, clients);
    await openAll(config.listenClientHttpUrls, withoutGrpc(), http.client, parts, clients);
    await openAll(config.listenMetricsUrls, withoutGrpc(), http.metrics, parts, clients);
    return {
      clientAddresses: opened.map((listener) => listener.addressText),
      closeClients: () => closeAll(clients),
      closePeers: () => closeAll(peers),
    };
  } catch (error) {
    await closeAll([...clients, ...peers]);
    throw error;
  }
}

async function closeAll(closes: readonly Close[]): Promise<void> {
  await Promise.all(closes.map((each) => new Promise<void>((done) => each(closeGraceMs, done))));
}

function clientEngine(config: ServerConfig, handlers: Handlers): GrpcServerEngine {
  return createGrpcServer(config.grpcEngine, {
    handlers,
    limits: {
      requestBytesMax: config.maxRequestBytes + requestSlackBytes,
      concurrentStreamsMax: config.maxConcurrentStreams,
      keepAliveMinTimeMs: config.grpcKeepAliveMinTimeMs,
      keepAliveIntervalMs: config.grpcKeepAliveIntervalMs,
      keepAliveTimeoutMs: config.grpcKeepAliveTimeoutMs,
    },
  });
}

/** For ports that speak HTTP/1.1 alone. */
function withoutGrpc(): GrpcServerEngine {
  return { serve: (socket) => void socket.destroy(), close: (_graceMs, done) => done() };
}

async function openPeers({ config, peerHandlers, http, logger }: ListenerParts): Promise<Close> {
  const outcome = await openPeerListener({
    engine: config.grpcEngine,
    addresses: config.listenPeerUrls.map(addressOf),
    handlers: peerHandlers,
    http: http.peer,
    requestBytesMax: config.maxRequestBytes,
    onError: (error) => logger.log('warn', 'peer listener', { error: error.message }),
  });
  if (!outcome.ok) throw new Error(outcome.error.text);
  return (graceMs, done) => outcome.listener.close(graceMs, done);
}

async function openAll(
  urls: readonly string[],
  grpc: GrpcServerEngine,
  http: HttpHandler,
  { logger }: ListenerParts,
  closes: Close[],
): Promise<readonly Listener[]> {
  const opened: Listener[] = [];
  for (const url of urls) {
    const outcome = await listen({
      address: addressOf(url),
      grpc,
      http,
      onError: (error) => logger.log('warn', 'client listener', { url, error: error.message }),
    });
    if (!outcome.ok) throw new Error(outcome.error.text);
    const { listener } = outcome;
    opened.push(listener);
    closes.push((graceMs, done) => listener.close(graceMs, done));
  }
  return opened;
}

function addressOf(url: string): string {
  const { scheme, host, port, socketPath } = mustParseUrl(url);
  if (scheme === 'unix' || scheme === 'unixs') return `unix://${socketPath ?? ''}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
