import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import type { HeaderList } from '../hpack/types.ts';
import type { ErrorCode, Http2Connection, Http2Stream, Http2StreamListener } from './types.ts';

/** What a stream asks of its connection. */
export interface StreamOwner extends Http2Connection {
  sendHeaders(stream: Stream, fields: HeaderList, isEnd: boolean): void;
  write(stream: Stream, bytes: Bytes, isEnd: boolean): boolean;
  writeSmall(stream: Stream, parts: readonly Bytes[]): boolean;
  mayHold(bytes: number): boolean;
  consumed(stream: Stream, bytes: number): void;
  reset(stream: Stream, code: ErrorCode): void;
}

const nobody: Http2StreamListener = {
  onHeaders: () => undefined,
  onData: () => undefined,
  onDrain: () => undefined,
  onReset: () => undefined,
  onClosed: () => undefined,
};

const noChunks: Bytes[] = [];

/** Of an array that small parts are gathered in. */
const tailBytesMax = 16 * 1024;

/** The state of one stream (RFC 9113, section 5.1); its connection acts on it. */
export class Stream implements Http2Stream {
  readonly id: number;
  readonly connection: StreamOwner;
  listener: Http2StreamListener = nobody;
  isClosed = false;

  /** END_STREAM has come, or has been sent. Both: the stream is closed. */
  isRemoteEnded = false;
  isLocalEnded = false;
  /** A header block was sent: a request or response, not trailers. */
  hasSentHeaders = false;
  /** The final header block of a message has come: what follows are trailers. */
  hasHeaders = false;

  /** What the other end may still send, and what it lets us send. Both may be negative (section 6.9.2). */
  receiveWindow: number;
  sendWindow: number;
  /** Of what came: handed to the owner and not given back; given back and not yet told by WINDOW_UPDATE. */
  heldBytes = 0;
  returnedBytes = 0;
  isUpdateDue = false;
  /** What `content-length` promised, or -1; body bytes that have come. */
  contentLength = -1;
  bodyBytes = 0;

  /** What waits to be sent: from `chunks[firstChunk]`, less its first `firstOffset` bytes. */
  chunks: Bytes[] = noChunks;
  firstChunk = 0;
  firstOffset = 0;
  unsentBytes = 0;
  /** The last of the chunks, when it has room for more than the `tailUsed` bytes that are in it. */
  private tail: Bytes = emptyBytes;
  private tailUsed = 0;
  /** After the bytes that wait comes the end: with the last of them, or as trailers. */
  isEndQueued = false;
  trailers: HeaderList | undefined = undefined;
  /** In the ring of streams that have bytes and a window. */
  isReady = false;
  /** `write` answered false, and `onDrain` was not called since. */
  isFull = false;
  /** Reset with NO_ERROR while the end of its answer waits: it goes out first. */
  isResetQueued = false;

  constructor(id: number, connection: StreamOwner, windows: { receive: number; send: number }) {
    this.id = id;
    this.connection = connection;
    this.receiveWindow = windows.receive;
    this.sendWindow = windows.send;
  }

  sendHeaders(fields: HeaderList, isEnd: boolean): void {
    this.connection.sendHeaders(this, fields, isEnd);
  }

  write(bytes: Bytes, isEnd: boolean): boolean {
    return this.connection.write(this, bytes, isEnd);
  }

  writeSmall(parts: readonly Bytes[]): boolean {
    return this.connection.writeSmall(this, parts);
  }

  mayHold(bytes: number): boolean {
    return this.connection.mayHold(bytes);
  }

  consumed(bytes: number): void {
    this.connection.consumed(this, bytes);
  }

  reset(code: ErrorCode): void {
    this.connection.reset(this, code);
  }

  queue(bytes: Bytes): void {
    this.closeTail();
    this.push(bytes);
    this.unsentBytes += bytes.length;
  }

  /** Copies small parts to the end of what waits: for each to have an array of its own would cost a microsecond. */
  queueSmall(parts: readonly Bytes[], length: number): void {
    if (this.tailUsed + length > this.tail.length) this.openTail(length);
    for (const part of parts) {
      this.tail.set(part, this.tailUsed);
      this.tailUsed += part.length;
    }
    this.unsentBytes += length;
  }

  /** As large as what waits already, so that a stream which holds little occupies little. */
  private openTail(length: number): void {
    this.closeTail();
    this.tail = new Uint8Array(Math.max(Math.min(tailBytesMax, this.unsentBytes), length));
    this.push(this.tail);
  }

  private closeTail(): void {
    const { tail, tailUsed } = this;
    if (tailUsed < tail.length) {
      const isHalfFull = tailUsed * 2 >= tail.length;
      const used = isHalfFull ? tail.subarray(0, tailUsed) : tail.slice(0, tailUsed);
      this.chunks[this.chunks.length - 1] = used;
    }
    this.tail = emptyBytes;
    this.tailUsed = 0;
  }

  private push(bytes: Bytes): void {
    if (this.chunks === noChunks) this.chunks = [];
    this.chunks.push(bytes);
  }

  dropQueue(): void {
    this.tail = emptyBytes;
    this.tailUsed = 0;
    this.chunks = noChunks;
    this.firstChunk = 0;
    this.firstOffset = 0;
    this.unsentBytes = 0;
    this.trailers = undefined;
  }
}
