import { unreachable } from '../base/assert.ts';
import { readUint32, type Bytes } from '../base/bytes.ts';
import type { Slab } from '../base/slab.ts';
import { copyPart } from './bytes.ts';
import { Code } from './codes.ts';
import type { CallDeadlines } from './call-deadlines.ts';
import { FastServerCall, type RequestSide } from './fast-call.ts';
import { gunzip } from './gzip.ts';
import type { HeaderList } from './hpack/types.ts';
import type { Http2Stream, Http2StreamListener } from './http2/types.ts';
import { MessageReader, prefixBytes, type PendingBytes } from './message-reader.ts';
import type { ReadTurns, TurnReader } from './read-turns.ts';
import type { RequestHead } from './request-head.ts';
import type { Handler, Status, StreamReceiver } from './types.ts';

/** What the calls of one connection share. */
export interface CallContext {
  readonly requestBytesMax: number;
  readonly turns: ReadTurns;
  /** Instead of `turns`, for messages that have to be unpacked: far fewer. */
  readonly unpacking: ReadTurns;
  readonly deadlines: CallDeadlines;
  /** Memory of requests. */
  readonly requests: Slab;
  /** Half-received messages of this connection. */
  readonly pending: PendingBytes;
  /** The call has its answer, and its caller has not ended the request. */
  readonly dismiss: (stream: Http2Stream) => void;
}

const compressed = 1;

/**
 * The request of one call: it listens to the stream, cuts messages out of the bytes and gives them to the handler, as
 * many as it wants and its turn allows. What is wrong with them is answered as by grpc-go (server.go, rpc_util.go).
 */
export class CallRequest implements Http2StreamListener, RequestSide, TurnReader {
  private readonly context: CallContext;
  private readonly stream: Http2Stream;
  private readonly handler: Handler;
  private readonly encoding: string;
  private readonly call: FastServerCall;
  /** The caller sends no more. */
  private isEnded = false;
  /** Nothing more of the request is wanted. */
  private isDone = false;
  private isPaused = false;
  private isReading = false;
  private reader: MessageReader | undefined;
  private receiver: StreamReceiver | undefined;
  /** Of a call that has one request and many answers: it begins when the caller has said all. */
  private request: Bytes | undefined;

  constructor(context: CallContext, stream: Http2Stream, handler: Handler, head: RequestHead) {
    this.context = context;
    this.stream = stream;
    this.handler = handler;
    this.encoding = head.encoding;
    const shared = { deadlines: context.deadlines, request: this };
    this.call = new FastServerCall(stream, head, shared);
  }

  /** Once, when it has been made the stream's listener. */
  start(isEnd: boolean): void {
    this.call.start();
    if (this.handler.kind === 'bidi') this.receiver = this.handler.open(this.call);
    if (isEnd) this.end();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.read();
  }

  readOn(): void {
    this.read();
  }

  stop(): void {
    this.isDone = true;
    this.forget();
    if (!this.isEnded) this.context.dismiss(this.stream);
  }

  /** Trailers of a request mean nothing in gRPC; that they end it does. */
  onHeaders(_fields: HeaderList, isEnd: boolean): void {
    if (isEnd) this.end();
  }

  onData(chunk: Bytes, isEnd: boolean): void {
    if (isEnd) this.isEnded = true;
    // What follows the last message that is wanted goes with the stream.
    if (this.isDone) return;
    if (this.reader === undefined && this.handler.kind === 'unary' && this.takeWhole(chunk)) return;
    this.reader ??= new MessageReader(this.context.requestBytesMax, this.context.pending);
    this.reader.offer(chunk);
    this.read();
    this.reader?.keep();
  }

  onDrain(): void {
    this.call.onRoom();
  }

  onReset(): void {
    this.leave();
  }

  onClosed(): void {
    this.leave();
  }

  private leave(): void {
    this.isDone = true;
    this.isEnded = true;
    this.forget();
    this.call.onGone();
  }

  private forget(): void {
    this.reader?.forget();
    this.reader = undefined;
    this.request = undefined;
  }

  private end(): void {
    this.isEnded = true;
    this.read();
  }

  /** The common case without a reader: a chunk that is one message, neither packed nor too large. */
  private takeWhole(chunk: Bytes): boolean {
    const { length } = chunk;
    if (length < prefixBytes || chunk[0] !== 0) return false;
    if (readUint32(chunk, 1) !== length - prefixBytes) return false;
    if (length - prefixBytes > this.context.requestBytesMax) return false;
    const message = this.context.requests.take(length - prefixBytes);
    copyPart(message, chunk, prefixBytes);
    this.stream.consumed(length);
    this.deliver(message);
    return true;
  }

  private read(): void {
    if (this.isReading || this.isDone || this.isPaused) return;
    this.isReading = true;
    const { reader } = this;
    const isDry = reader === undefined || this.readMessages(reader);
    this.isReading = false;
    const consumedBytes = reader?.takeConsumed() ?? 0;
    if (consumedBytes > 0) this.stream.consumed(consumedBytes);
    if (isDry && this.isEnded && !this.isDone) this.finish();
  }

  /** Whether all that has come was read. */
  private readMessages(reader: MessageReader): boolean {
    while (!this.isDone && !this.isPaused) {
      if (!reader.advance()) {
        if (reader.error !== undefined) this.call.fail(reader.error);
        return !this.isDone;
      }
      if (!this.isMyTurn(reader.flag)) return false;
      const message = this.unpack(reader.flag, reader.take());
      if (message === undefined) return false;
      this.deliver(message);
    }
    return false;
  }

  /** A call with one plain request is bounded by that; streams and unpacking are not. */
  private isMyTurn(flag: number): boolean {
    const { turns, unpacking } = this.context;
    if (flag === compressed) return unpacking.mayRead(this);
    return this.receiver === undefined || turns.mayRead(this);
  }

  /** Undefined: the call has ended for it. */
  private unpack(flag: number, message: Bytes): Bytes | undefined {
    if (flag === 0) return message;
    const unpacked = this.inflate(flag, message);
    if (unpacked instanceof Uint8Array) return unpacked;
    this.call.fail(unpacked);
    return undefined;
  }

  private inflate(flag: number, message: Bytes): Bytes | Status {
    if (flag !== compressed) return internal(`grpc: received unexpected payload format ${flag}`);
    if (this.encoding === 'gzip') return gunzip(message, this.context.requestBytesMax);
    return internal('grpc: compressed flag set with identity or empty encoding');
  }

  private deliver(message: Bytes): void {
    const { handler } = this;
    if (this.receiver !== undefined) return this.receiver.onMessage(message);
    if (handler.kind === 'unary') {
      this.isDone = true;
      this.forget();
      handler.handle(this.call, message);
    } else if (this.request === undefined) {
      this.request = message;
    } else {
      this.call.fail(internal(cardinality('multiple request messages for')));
    }
  }

  /** The caller has ended the request, and all of it was read. */
  private finish(): void {
    const { handler, reader, request } = this;
    this.isDone = true;
    if (reader?.isWithinBody === true) {
      const code = handler.kind === 'unary' ? Code.UNKNOWN : Code.INTERNAL;
      return this.call.fail({ code, text: 'unexpected EOF' });
    }
    switch (handler.kind) {
      case 'unary':
        return this.call.fail({ code: Code.UNKNOWN, text: 'EOF' });
      case 'serverStream':
        this.forget();
        if (request !== undefined) return handler.handle(this.call, request);
        return this.call.fail(internal(cardinality('no request message from')));
      case 'bidi':
        return this.receiver?.onHalfClose();
      default:
        unreachable(handler);
    }
  }
}

function internal(text: string): Status {
  return { code: Code.INTERNAL, text };
}

function cardinality(what: string): string {
  return `cardinality violation: received ${what} non-client-streaming RPC`;
}
