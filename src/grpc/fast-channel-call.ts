import { assert } from '../base/assert.ts';
import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { Code } from './codes.ts';
import type { CallDeadlines, Timed } from './call-deadlines.ts';
import { unsentCallBytesMax, type LiveConnection } from './fast-channel-link.ts';
import {
  cancelled,
  deadlineExceeded,
  fieldOf,
  internal,
  isGrpcAnswer,
  statusOfForeign,
  statusOfReset,
  statusOfTrailers,
  unavailable,
} from './fast-channel-status.ts';
import { formatGrpcTimeout, metadataFields } from './fast-channel-headers.ts';
import { gunzip } from './gzip.ts';
import type { HeaderList } from './hpack/types.ts';
import { ErrorCode, type Http2Stream, type Http2StreamListener } from './http2/types.ts';
import { writeMessage } from './message-frame.ts';
import { MessageReader, PendingBytes } from './message-reader.ts';
import type { CallOptions, ClientStream, ClientStreamEvents, Status } from './types.ts';

/** Messages of a server may be of any size; what a compressed one unpacks to is limited, for a few bytes make many. */
const messageBytesMax = 0xffff_ffff;
const unpackedBytesMax = 64 * 1024 * 1024;

/** A deadline beyond it is none: Node's timers are 32-bit. */
const timeoutMaxMs = 2 ** 31 - 1;

const noLimit = new PendingBytes(Number.POSITIVE_INFINITY);

/** What all calls of a channel share. */
export interface CallContext {
  readonly deadlines: CallDeadlines;
  /** What every request begins with, but for its path. */
  headersTo(address: string, path: string): string[];
  /** The call is over; it may have waited for a connection. */
  callOver(call: FastChannelCall): void;
}

/**
 * One call of a caller. It waits for a connection and keeps what is sent meanwhile; once `open` has given it a
 * stream its request may have left, and nothing of it is ever sent again. It is its own listener, so that it costs
 * few objects.
 */
export class FastChannelCall implements ClientStream, Http2StreamListener, Timed {
  dueMs = Number.POSITIVE_INFINITY;
  slot = -1;
  previousTimed: Timed | undefined;
  nextTimed: Timed | undefined;
  private readonly context: CallContext;
  private readonly path: string;
  private readonly metadata: readonly string[];
  private readonly events: ClientStreamEvents;
  private readonly reader = new MessageReader(messageBytesMax, noLimit);
  private live: LiveConnection | undefined;
  private stream: Http2Stream | undefined;
  private unsent: Bytes[] = [];
  private unsentBytes = 0;
  private isHalfClosed = false;
  private isFull = false;
  private isPaused = false;
  private isDelivering = false;
  private headers: HeaderList | undefined;
  /** How the server ended it; told once every message before it was. */
  private ending: Status | undefined;
  private isOver = false;

  constructor(
    context: CallContext,
    path: string,
    options: CallOptions,
    events: ClientStreamEvents,
  ) {
    this.context = context;
    this.path = path;
    this.metadata = metadataFields(options.metadata);
    this.events = events;
    const { timeoutMs } = options;
    if (timeoutMs === undefined || timeoutMs > timeoutMaxMs) return;
    if (timeoutMs > 0) context.deadlines.add(this, timeoutMs);
    else this.finishSoon(deadlineExceeded);
  }

  /** Nothing is to be done for it any more. */
  get isDone(): boolean {
    return this.isOver;
  }

  /** Sends the request on this connection; false: it takes no call now. */
  open(live: LiveConnection): boolean {
    const headers = this.context.headersTo(live.address, this.path);
    if (this.dueMs !== Number.POSITIVE_INFINITY) {
      headers.push('grpc-timeout', formatGrpcTimeout(this.dueMs - performance.now()));
    }
    headers.push(...this.metadata);
    const stream = live.http2.open(headers, this.isHalfClosed && this.unsent.length === 0, this);
    if (stream === undefined) return false;
    this.live = live;
    this.stream = stream;
    live.callBegan();
    this.sendUnsent(stream);
    return true;
  }

  /** Ends a call that has not been sent. */
  fail(status: Status): void {
    this.finish(status);
  }

  /** The same, out of the turn in which it was asked for. */
  failSoon(status: Status): void {
    this.finishSoon(status);
  }

  send(message: Bytes): boolean {
    assert(!this.isHalfClosed, 'a message is sent after half-closing');
    if (this.isOver) return true;
    // Whoever was told to wait is owed `onDrain`, also when what is sent meanwhile all the same finds room again.
    if (this.stream !== undefined) {
      if (!writeMessage(this.stream, message)) this.isFull = true;
    } else {
      this.unsent.push(message);
      this.unsentBytes += message.length;
      if (this.unsentBytes > unsentCallBytesMax) this.isFull = true;
    }
    return !this.isFull;
  }

  /** The only message, and then no more: both leave as one frame. */
  sendOnly(message: Bytes): void {
    assert(this.stream === undefined && this.unsent.length === 0, 'it is not the only message');
    this.isHalfClosed = true;
    if (!this.isOver) this.unsent.push(message);
  }

  halfClose(): void {
    if (this.isHalfClosed || this.isOver) return;
    this.isHalfClosed = true;
    this.stream?.write(emptyBytes, true);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    queueMicrotask(() => this.deliver());
  }

  cancel(): void {
    if (!this.isOver) this.abort(cancelled);
  }

  onDue(): void {
    if (this.isOver) return;
    this.stream?.reset(ErrorCode.CANCEL);
    this.finish(deadlineExceeded);
  }

  onHeaders(fields: HeaderList, isEnd: boolean): void {
    if (this.isOver) return;
    if (isEnd) return this.end(statusOfTrailers(this.headers ?? fields, fields));
    if (fieldOf(fields, ':status')?.startsWith('1') === true) return;
    this.headers = fields;
    if (isGrpcAnswer(fields)) return;
    this.stream?.reset(ErrorCode.CANCEL);
    this.finish(statusOfForeign(fields) ?? internal('an answer that is not of gRPC'));
  }

  onData(chunk: Bytes, isEnd: boolean): void {
    if (this.isOver) return this.stream?.consumed(chunk.length);
    this.reader.offer(chunk);
    this.deliver();
    this.reader.keep();
    if (!isEnd) return;
    const foreign = statusOfForeign(this.headers ?? []);
    this.end(foreign ?? internal('server closed the stream without sending trailers'));
  }

  onDrain(): void {
    if (!this.isFull || this.isOver) return;
    this.isFull = false;
    this.events.onDrain();
  }

  onReset(code: ErrorCode, isUnprocessed: boolean): void {
    if (!this.isOver && this.ending === undefined) {
      this.finish(this.describeReset(code, isUnprocessed));
    }
  }

  onClosed(): void {
    this.live?.callEnded();
  }

  private describeReset(code: ErrorCode, isUnprocessed: boolean): Status {
    const reason = this.live?.http2.closedReason;
    const isLost = isUnprocessed || code === ErrorCode.CONNECT_ERROR;
    if (isLost && reason !== undefined) return unavailable(`${this.live?.address}: ${reason}`);
    // The server's clock may have reached the deadline first.
    if (code === ErrorCode.CANCEL && performance.now() >= this.dueMs) return deadlineExceeded;
    return statusOfReset(code);
  }

  private sendUnsent(stream: Http2Stream): void {
    const { unsent } = this;
    this.unsent = [];
    this.unsentBytes = 0;
    let hasRoom = true;
    for (const message of unsent) hasRoom = writeMessage(stream, message);
    if (this.isHalfClosed && unsent.length > 0) stream.write(emptyBytes, true);
    if (!this.isFull || !hasRoom) return;
    this.isFull = false;
    queueMicrotask(() => {
      if (!this.isOver && !this.isFull) this.events.onDrain();
    });
  }

  /** Hands on what has come, as far as the caller takes it, and then how it ended. */
  private deliver(): void {
    if (this.isDelivering || this.isOver) return;
    this.isDelivering = true;
    const { reader } = this;
    while (!this.isPaused && !this.isOver && reader.advance()) this.deliverOne(reader.take());
    this.isDelivering = false;
    const consumedBytes = reader.takeConsumed();
    if (consumedBytes > 0) this.stream?.consumed(consumedBytes);
    if (this.isOver || this.isPaused) return;
    if (reader.error !== undefined) return this.abort(reader.error);
    if (this.ending === undefined) return;
    const isCut = this.ending.code === Code.OK && reader.isWithinMessage;
    this.finish(isCut ? internal('unexpected EOF') : this.ending);
  }

  private deliverOne(message: Bytes): void {
    if (this.reader.flag === 0) return this.events.onMessage(message);
    const unpacked = this.unpack(message);
    if (unpacked instanceof Uint8Array) this.events.onMessage(unpacked);
    else this.abort(unpacked);
  }

  /** grpc-go's words (rpc_util.go, checkRecvPayload). */
  private unpack(message: Bytes): Bytes | Status {
    const { flag } = this.reader;
    if (flag !== 1) return internal(`grpc: received unexpected payload format ${flag}`);
    const encoding = fieldOf(this.headers ?? [], 'grpc-encoding') ?? '';
    if (encoding === '' || encoding === 'identity') {
      return internal('grpc: compressed flag set with identity or empty encoding');
    }
    if (encoding !== 'gzip') {
      return internal(`grpc: Decompressor is not installed for grpc-encoding "${encoding}"`);
    }
    return gunzip(message, unpackedBytesMax);
  }

  /** The server has said its last. Whoever still sends is told with the last message that there is no point. */
  private end(status: Status): void {
    this.ending ??= status;
    this.deliver();
  }

  /** Ends it from here, while the caller is in one of its methods or a message is being handed on. */
  private abort(status: Status): void {
    this.stream?.reset(ErrorCode.CANCEL);
    this.finishSoon(status);
  }

  private finish(status: Status): void {
    this.release();
    this.events.onEnd(status);
  }

  private finishSoon(status: Status): void {
    this.release();
    queueMicrotask(() => this.events.onEnd(status));
  }

  private release(): void {
    assert(!this.isOver, `${this.path} ends twice`);
    this.isOver = true;
    this.unsent = [];
    this.context.deadlines.remove(this);
    this.context.callOver(this);
    const { stream } = this;
    if (stream === undefined) return;
    // The server ended it first: what is not sent yet is of no use any more.
    if (stream.isClosed) return;
    if (stream.unsentBytes > 0) stream.reset(ErrorCode.CANCEL);
    else if (!this.isHalfClosed) stream.write(emptyBytes, true);
  }
}
