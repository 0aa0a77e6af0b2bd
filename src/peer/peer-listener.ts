import { createGrpcServer, type EngineName } from '../grpc/engines.ts';
import { listen, type HttpHandler, type Listener } from '../grpc/listener.ts';
import type { ListenError } from '../grpc/listen-address.ts';
import type { Handlers } from '../grpc/types.ts';
import { peerListenerLimits, peerServerLimits, peerWindowBytes } from './limits.ts';

export interface PeerListenerOptions {
  readonly engine: EngineName;
  /** One for each --listen-peer-urls: `host:port` or `unix://path`. */
  readonly addresses: readonly string[];
  readonly handlers: Handlers;
  /** HTTP/1.1 on the same port: /version. */
  readonly http: HttpHandler;
  /** The largest request that a client may make, which an entry then carries. */
  readonly requestBytesMax: number;
  readonly onError?: (error: Error) => void;
}

export interface PeerListener {
  readonly addresses: readonly string[];
  close(graceMs: number, done: () => void): void;
}

export type PeerListenOutcome =
  | { readonly ok: true; readonly listener: PeerListener }
  | { readonly ok: false; readonly error: ListenError };

/** Opens the peer port: members only. Clients' requests find no service there. */
export async function openPeerListener(options: PeerListenerOptions): Promise<PeerListenOutcome> {
  const grpc = createGrpcServer(options.engine, {
    handlers: options.handlers,
    limits: peerServerLimits(options.requestBytesMax),
    flowControlWindowBytes: peerWindowBytes,
    // Members hold back by themselves, and nothing of Raft's may wait behind a count.
    messagesPerTurnMax: Number.POSITIVE_INFINITY,
  });
  const { http, onError } = options;
  const listeners: Listener[] = [];
  const close = (graceMs: number, done: () => void): void => {
    let open = listeners.length + 1;
    const closed = (): void => {
      if (--open === 0) done();
    };
    grpc.close(graceMs, closed);
    for (const listener of listeners) listener.close(graceMs, closed);
  };
  for (const address of options.addresses) {
    const limits = peerListenerLimits;
    const outcome = await listen({ address, grpc, http, limits, ...(onError && { onError }) });
    if (!outcome.ok) {
      close(0, () => undefined);
      return outcome;
    }
    listeners.push(outcome.listener);
  }
  const addresses = listeners.map((listener) => listener.addressText);
  return { ok: true, listener: { addresses, close } };
}
