import type { EventEmitter } from 'node:events';
import type { Server, UntypedHandleCall } from '@grpc/grpc-js';

/**
 * The two places where grpc-js offers no way in. Its version is pinned in package.json; a release that moves
 * them fails here, loudly, at the start.
 */

interface RegisteredHandler {
  readonly func: UntypedHandleCall;
  readonly serialize: (message: Buffer) => Buffer;
  readonly deserialize: (message: Buffer) => Buffer;
  readonly type: string;
  readonly path: string;
}

interface ServerInternals {
  _retrieveHandler?: (path: string) => RegisteredHandler | null;
  readonly http2Servers?: ReadonlyMap<EventEmitter, unknown>;
}

/** Gives every path a handler, so that calls to unknown methods reach the interceptor too. */
export function handleEveryPath(server: Server, handler: Omit<RegisteredHandler, 'path'>): void {
  const internals = server as unknown as ServerInternals;
  if (typeof internals._retrieveHandler !== 'function') throw moved('_retrieveHandler');
  internals._retrieveHandler = (path) => ({ ...handler, path });
}

/** The `node:http2` server behind a grpc-js server's only connection injector. */
export function http2ServerOf(server: Server): EventEmitter {
  const { http2Servers } = server as unknown as ServerInternals;
  const [first] = http2Servers instanceof Map ? [...http2Servers.keys()] : [];
  if (first === undefined) throw moved('http2Servers');
  return first as EventEmitter;
}

function moved(what: string): Error {
  return new Error(
    `this version of @grpc/grpc-js has no ${what}: use the one that package.json names`,
  );
}
