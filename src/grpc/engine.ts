import type { Duplex } from 'node:stream';
import { quoteGo, textOfHeader } from './go-quote.ts';
import type { GrpcServerLimits, Handlers, Status } from './types.ts';

/** A gRPC server without a port: the listener hands it the sockets whose first bytes are HTTP/2's. */
export interface GrpcServerEngine {
  /** Takes a socket over; what was read of it already has been put back. */
  serve(socket: Duplex): void;
  /**
   * Tells every connection to go away (GOAWAY), lets calls in flight end for `graceMs`, then breaks what is
   * left. `done` is called once, when no connection is.
   */
  close(graceMs: number, done: () => void): void;
}

export interface GrpcServerOptions {
  readonly handlers: Handlers;
  readonly limits: GrpcServerLimits;
  /** How much a caller may send ahead of the handler, per stream and per connection; left out, for clients. */
  readonly flowControlWindowBytes?: number;
  /** Messages of all streams that one turn of the event loop takes in; Infinity for callers that are trusted. */
  readonly messagesPerTurnMax?: number;
  /** Answers a call to a path without a handler; left out, as grpc-go does. */
  readonly onUnknown?: (path: string) => Status;
}

/** grpc-go's words for a path that nothing serves (google.golang.org/grpc server.go, handleStream). */
export function describeUnknown(path: string, handlers: Handlers): Status {
  const unimplemented = 12;
  const slash = path.lastIndexOf('/');
  if (!path.startsWith('/') || slash === 0) {
    return { code: unimplemented, text: `malformed method name: ${quoteGo(path)}` };
  }
  const service = textOfHeader(path.slice(1, slash));
  for (const known of handlers.keys()) {
    if (!known.startsWith(`/${service}/`)) continue;
    const method = textOfHeader(path.slice(slash + 1));
    return { code: unimplemented, text: `unknown method ${method} for service ${service}` };
  }
  return { code: unimplemented, text: `unknown service ${service}` };
}
