import { lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as net from 'node:net';
import type { GrpcServerEngine } from './engine.ts';
import {
  formatListenAddress,
  listenError,
  parseListenAddress,
  type ListenAddress,
  type ListenError,
} from './listen-address.ts';
import { sniffProtocol } from './sniff.ts';

/** Serves what is not gRPC on the same port: /health, /metrics, /version. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerLimits {
  readonly connectionsMax: number;
  /** A connection that has not said by then which protocol it speaks is closed. */
  readonly sniffTimeoutMs: number;
  /** An HTTP/1.1 request whose headers are not whole by then is answered 408. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** An HTTP/1.1 connection that waits for its next request is closed after this long. */
  readonly idleTimeoutMs: number;
}

export const defaultListenerLimits: ListenerLimits = {
  connectionsMax: 10_000,
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
};

/** After so long in silence TCP itself asks whether the other side is still there, as Go's sockets do. */
const tcpKeepAliveMs = 15_000;

export interface ListenerOptions {
  /** `host:port`, `[v6]:port`, port 0 for any free one, or `unix://path`. */
  readonly address: string;
  readonly grpc: GrpcServerEngine;
  readonly http: HttpHandler;
  readonly limits?: Partial<ListenerLimits>;
  /** An error of the listening socket itself, such as too many open files; it goes on listening. */
  readonly onError?: (error: Error) => void;
}

export interface Listener {
  /** Where it listens: the address asked for, with the port that was found for port 0. */
  readonly address: ListenAddress;
  readonly addressText: string;
  readonly connectionCount: number;
  /**
   * Accepts no more, and breaks after `graceMs` what has not ended by itself; `done` when no connection is
   * left. The gRPC engine may serve several listeners: its owner closes it beside them.
   */
  close(graceMs: number, done: () => void): void;
}

export type ListenOutcome =
  | { readonly ok: true; readonly listener: Listener }
  | { readonly ok: false; readonly error: ListenError };

/**
 * Opens one port for everything: connections that start with HTTP/2's preface go to the gRPC engine, all
 * others to the HTTP/1.1 handler (etcd embed/serve.go does the same with cmux).
 */
export async function listen(options: ListenerOptions): Promise<ListenOutcome> {
  const address = parseListenAddress(options.address);
  if (address === undefined) {
    return { ok: false, error: listenError(options.address, 'EINVAL', 'malformed address') };
  }
  const limits = { ...defaultListenerLimits, ...options.limits };
  const sockets = new Set<net.Socket>();
  const http = httpServer(options.http, limits);
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs };
  const server = net.createServer({ noDelay: true, ...keepAlive }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Without a listener, a reset connection would end the process.
    socket.on('error', () => undefined);
    sniffProtocol(socket, limits.sniffTimeoutMs, (protocol) => {
      if (protocol === 'http2') options.grpc.serve(socket);
      else http.emit('connection', socket);
    });
  });
  server.maxConnections = limits.connectionsMax;

  const failure = await bind(server, address);
  if (failure !== undefined) {
    http.close();
    return { ok: false, error: listenError(options.address, failure.code ?? '', failure.message) };
  }
  server.on('error', (error) => options.onError?.(error));
  return { ok: true, listener: new OpenListener({ server, http, sockets, address }) };
}

interface Parts {
  readonly server: net.Server;
  readonly http: Server;
  readonly sockets: ReadonlySet<net.Socket>;
  readonly address: ListenAddress;
}

class OpenListener implements Listener {
  readonly address: ListenAddress;
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
    const bound = parts.server.address();
    this.address =
      parts.address.kind === 'tcp' && bound !== null && typeof bound === 'object'
        ? { ...parts.address, port: bound.port }
        : parts.address;
  }

  get addressText(): string {
    return formatListenAddress(this.address);
  }

  get connectionCount(): number {
    return this.parts.sockets.size;
  }

  close(graceMs: number, done: () => void): void {
    const { server, http, sockets } = this.parts;
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    server.close(() => {
      clearTimeout(deadline);
      done();
    });
    http.closeIdleConnections();
    http.close();
  }
}

function httpServer(handler: HttpHandler, limits: ListenerLimits): Server {
  const http = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    },
    handler,
  );
  // Node watches over slow headers only from a server that listens; this one is handed its connections.
  http.emit('listening');
  return http;
}

async function bind(
  server: net.Server,
  address: ListenAddress,
): Promise<NodeJS.ErrnoException | undefined> {
  const failure = await tryBind(server, address);
  if (failure?.code !== 'EADDRINUSE' || address.kind !== 'unix') return failure;
  if (!lstatSync(address.path).isSocket() || (await isAnswered(address.path))) return failure;
  // A socket that nobody answers was left behind by a process that is gone.
  unlinkSync(address.path);
  return tryBind(server, address);
}

function tryBind(
  server: net.Server,
  address: ListenAddress,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const settle = (error?: NodeJS.ErrnoException): void => {
      server.off('error', settle);
      server.off('listening', settle);
      resolve(error);
    };
    server.once('error', settle);
    server.once('listening', settle);
    if (address.kind === 'unix') server.listen({ path: address.path });
    else if (address.host === '') server.listen({ port: address.port });
    else server.listen({ port: address.port, host: address.host });
  });
}

/** Whether something answers at a Unix socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
