import type { Bytes } from '../../base/bytes.ts';
import type { HeaderList } from '../hpack/types.ts';

/**
 * HTTP/2 (RFC 9113), either end of a connection, as the gRPC layer above it sees it: streams that carry header lists
 * and bytes, by plain function calls. Nothing here knows of gRPC messages, and nothing above of frames, HPACK or
 * windows. Everything that the protocol forbids is answered here, with the right code, and never reaches above.
 */

/** Error codes of RST_STREAM and GOAWAY (RFC 9113, section 7). */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export interface Http2Limits {
  /** Streams that the other end may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); above it REFUSED_STREAM. */
  readonly concurrentStreamsMax: number;
  /** Of one decoded header list (SETTINGS_MAX_HEADER_LIST_SIZE); a block may have twice as many before decoding. */
  readonly headerListBytesMax: number;
  /** How much the other end may send ahead of us, on one stream and on the connection. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * Bytes of one connection that wait to be sent (in the socket or for a window). Beyond it streams are told that
   * they are full; at twice as much that could leave if the other end read, a server reads nothing more from it. Of one
   * stream at most a quarter counts: a large answer holds up no small one.
   */
  readonly unsentBytesMax: number;
  /**
   * A connection that is to be kept alive: a PING after `intervalMs` of silence, broken `timeoutMs` after it. A client
   * pings while it has streams.
   */
  readonly keepAlive: { readonly intervalMs: number; readonly timeoutMs: number } | undefined;
  /** Server only: pings closer together than this are strikes, the third ends the connection (grpc-go's rule). */
  readonly pingMinTimeMs: number | undefined;
  /** Server only: who is trusted is read from however long it takes; others as the event loop has time. */
  readonly isTrusted?: boolean;
}

/** What becomes of one stream. Set by its owner as soon as it has the stream. Nothing is called after `onClosed`. */
export interface Http2StreamListener {
  /**
   * Header fields: a response's on the client, or the trailers of either side (then `isEnd` is true). Pseudo-header
   * fields were checked and come first.
   */
  onHeaders(fields: HeaderList, isEnd: boolean): void;
  /**
   * Bytes of the body: a view that is valid during the call only. They count against the window until the owner gives
   * them back by `consumed`. An empty last piece may come with `isEnd`.
   */
  onData(chunk: Bytes, isEnd: boolean): void;
  /** `write` had answered that the stream is full: it has room again. */
  onDrain(): void;
  /**
   * The stream is over before both sides have ended it: reset by the other end, by a protocol error of its own or with
   * its connection, whoever ended that: CONNECT_ERROR, which means nothing else here. `isUnprocessed`: the other end
   * has certainly not looked at it (REFUSED_STREAM, GOAWAY).
   */
  onReset(code: ErrorCode, isUnprocessed: boolean): void;
  /**
   * The last call, at the end of the turn: both sides have ended and all has left for the socket, or it was reset from
   * here or there.
   */
  onClosed(): void;
}

export interface Http2Stream {
  readonly id: number;
  /** Of the connection that it runs on: for counting, addresses and certificates. */
  readonly connection: Http2Connection;
  listener: Http2StreamListener;
  /** Neither side can send anything any more. */
  readonly isClosed: boolean;
  /** Bytes handed to `write` that have not left for the socket. */
  readonly unsentBytes: number;

  /** Sends a header block: a response or request, or with `isEnd` its trailers. Never overtakes what was written. */
  sendHeaders(fields: HeaderList, isEnd: boolean): void;
  /**
   * Sends bytes, in DATA frames as the windows allow. The array is kept, not copied, until it has left, so it must not
   * change; small ones are copied into the turn's output. False: more than `unsentBytesMax` of the connection, or a
   * quarter of that of this stream alone, wait; `onDrain` will be called.
   */
  write(bytes: Bytes, isEnd: boolean): boolean;
  /** Sends small arrays as one, 4 KiB at most. They are copied: unlike those of `write` they may change afterwards. */
  writeSmall(parts: readonly Bytes[]): boolean;
  /**
   * Whether bytes may be written that cannot wait for `onDrain`, the whole answer of a call. False: so much waits on
   * this connection, or on all of them, that nobody reads, that they would have to be given up.
   */
  mayHold(bytes: number): boolean;
  /** The owner is done with so many bytes of `onData`: the other end may send as many more. */
  consumed(bytes: number): void;
  /**
   * RST_STREAM: nothing more is sent or heard, and `onReset` is not called for it. Harmless when it is closed. With
   * NO_ERROR, after the end was written, what was written goes out first.
   */
  reset(code: ErrorCode): void;
}

export interface Http2Connection {
  readonly remoteAddress: string;
  /** The subject of the peer's certificate, under TLS with client certificates. */
  readonly peerCommonName: string | undefined;
  readonly openStreams: number;
  /** What has ended it, or will once its streams have: for people. */
  readonly closedReason: string | undefined;
  /** No stream can be opened any more: GOAWAY came or went, or the socket is gone. */
  readonly isDraining: boolean;
  /** Client only: undefined when the connection drains, or the other end allows no further stream now. */
  open(fields: HeaderList, isEnd: boolean, listener: Http2StreamListener): Http2Stream | undefined;
  /**
   * Graceful: GOAWAY (a last stream id of 2^31-1, then, after one round trip, the real one: RFC 9113 section 6.8); open
   * streams may end, then the socket is closed.
   */
  drain(): void;
  /** GOAWAY with this code, and the socket is closed once that has left; open streams are told `onReset`. */
  close(code: ErrorCode, debugText?: string): void;
  /** Breaks it at once. */
  destroy(): void;
}

export interface Http2ConnectionEvents {
  /** Server only: a request. The owner sets `stream.listener` before it returns. */
  onRequest(stream: Http2Stream, fields: HeaderList, isEnd: boolean): void;
  /** Client only: the other end's first SETTINGS have come: streams may be opened. */
  onReady(): void;
  /** Client only: a stream has ended or the other end allows more of them: `open` may work again. */
  onRoom(): void;
  /** Client only: GOAWAY came: this connection takes no new streams; those that were let in go on. */
  onDraining(): void;
  /** Once, after every stream was told. `reason` is for people: what ended it, with the code's name. */
  onClosed(reason: string): void;
}
