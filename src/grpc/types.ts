import type { Bytes } from '../base/bytes.ts';

/**
 * gRPC as handlers and callers see it: calls over raw bytes, by plain function calls, with metadata, deadline,
 * cancellation and back-pressure. Two engines implement it; nothing here knows of etcd.
 */

export interface Status {
  readonly code: number;
  readonly text: string;
}

/** Metadata of a call; names are lower case. Binary (`-bin`) values come decoded, one Latin-1 character a byte. */
export interface Metadata {
  get(name: string): string | undefined;
}

/** What every call on the server offers. After `end` or `cancelled` nothing more may be sent. */
export interface ServerCall {
  /** For example `/etcdserverpb.KV/Put`. */
  readonly path: string;
  readonly metadata: Metadata;
  /** Remote address, and the certificate's common name once TLS is there. */
  readonly peer: { readonly address: string; readonly commonName: string | undefined };
  /** Milliseconds that the caller's deadline leaves at the start of the call; undefined without one. */
  readonly timeoutMs: number | undefined;
  readonly isCancelled: boolean;
  /** Called at most once: the caller cancelled, its deadline passed, or its connection broke. */
  onCancelled(listener: () => void): void;
  end(status: Status): void;
}

export interface UnaryCall extends ServerCall {
  /** Answers with one message and status OK. */
  respond(message: Bytes): void;
  /** Answers with a message that is too large to be held whole: it is made while it is sent. */
  respondFrom(source: MessageSource): void;
}

/** A message produced piece by piece. Its length goes ahead of it, so a piece that cannot be had resets the call. */
export interface MessageSource {
  /** At most 2^32 - 1. */
  readonly totalBytes: number;
  /** The next piece, never empty, called when there is room for it; undefined: it cannot be produced any more. */
  next(): Bytes | undefined;
  /** Called once: all was taken, or the call is over. */
  close(): void;
}

export interface StreamCall extends ServerCall {
  /**
   * Sends one message, made of `message` and, where given, `tail` after it: what many calls are sent alike need not be
   * copied for each. False: the send buffer is full, wait for `onDrain` before sending more.
   */
  send(message: Bytes, tail?: Bytes): boolean;
  onDrain(listener: () => void): void;
  /** Stops and restarts the reading of requests: back-pressure towards the caller. */
  pause(): void;
  resume(): void;
}

/** What a bidi handler does with what arrives. */
export interface StreamReceiver {
  onMessage(message: Bytes): void;
  /** The caller sends no more. */
  onHalfClose(): void;
}

/** Request bytes belong to the handler once it has them: the engine does not reuse their memory. */
export type Handler =
  | { readonly kind: 'unary'; readonly handle: (call: UnaryCall, request: Bytes) => void }
  | { readonly kind: 'serverStream'; readonly handle: (call: StreamCall, request: Bytes) => void }
  | { readonly kind: 'bidi'; readonly open: (call: StreamCall) => StreamReceiver };

/** Handlers by full method path. */
export type Handlers = ReadonlyMap<string, Handler>;

export interface GrpcServerLimits {
  /** Requests larger than this are refused with ResourceExhausted before they are read whole. */
  readonly requestBytesMax: number;
  readonly concurrentStreamsMax: number;
  readonly keepAliveMinTimeMs: number;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
}

/** The caller's side: one connection that comes back by itself, with a pause that grows to `reconnectMaxMs`. */
export interface GrpcChannel {
  /** `done` is called exactly once. */
  unary(
    path: string,
    request: Bytes,
    options: CallOptions,
    done: (outcome: { readonly status: Status; readonly message: Bytes | undefined }) => void,
  ): void;
  stream(path: string, options: CallOptions, events: ClientStreamEvents): ClientStream;
  close(): void;
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface ClientStream {
  send(message: Bytes): boolean;
  halfClose(): void;
  /** Stops and restarts the reading of messages: back-pressure towards the server. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface ClientStreamEvents {
  onMessage(message: Bytes): void;
  onDrain(): void;
  /** Called exactly once. */
  onEnd(status: Status): void;
}
