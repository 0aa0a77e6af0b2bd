import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { copyOf } from './bytes.ts';
import { Code } from './codes.ts';
import type { Status } from './types.ts';

/** gRPC's message frames: a flag, a length of four bytes, and the message (grpc's PROTOCOL-HTTP2.md). */

export const prefixBytes = 5;

/**
 * A message that is not whole yet is given memory as it comes, at least so much at a time. Little: a caller begins
 * thousands of them with a few bytes each.
 */
const growthBytes = 512;

/** What half-received messages may occupy: of all streams of one connection, within what all connections may. */
export class PendingBytes {
  private readonly bytesMax: number;
  private readonly whole: PendingBytes | undefined;
  private bytes = 0;

  constructor(bytesMax: number, whole?: PendingBytes) {
    this.bytesMax = bytesMax;
    this.whole = whole;
  }

  get size(): number {
    return this.bytes;
  }

  mayTake(bytes: number): boolean {
    if (this.bytes + bytes > this.bytesMax || this.whole?.mayTake(bytes) === false) return false;
    this.bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.bytes -= bytes;
    this.whole?.giveBack(bytes);
  }
}

/**
 * Cuts the messages out of one stream's bytes. Each is copied once, into memory that belongs to nobody else: here
 * request bytes change hands. What comes while nobody reads is kept as it is; the window of the stream bounds that.
 */
export class MessageReader {
  /** Set when the bytes are no messages, or too many: nothing more is read. */
  error: Status | undefined;
  /** Of the message that is ready: whether it is compressed, or the like. */
  flag = 0;
  private readonly bytesMax: number;
  private readonly pending: PendingBytes;
  private chunk: Bytes = emptyBytes;
  private offset = 0;
  private end = 0;
  private isChunkOurs = true;
  private prefixRead = 0;
  private length = 0;
  private body: Bytes | undefined;
  private bodyRead = 0;
  private pendingTaken = 0;
  private consumedBytes = 0;

  constructor(bytesMax: number, pending: PendingBytes) {
    this.bytesMax = bytesMax;
    this.pending = pending;
  }

  /** Whether a message has begun to come. */
  get isWithinMessage(): boolean {
    return this.prefixRead > 0;
  }

  /** Whether the prefix of a message is whole, so that the message has to follow. */
  get isWithinBody(): boolean {
    return this.prefixRead === prefixBytes;
  }

  /** Bytes that were taken out of chunks since this was last asked. */
  takeConsumed(): number {
    const bytes = this.consumedBytes;
    this.consumedBytes = 0;
    return bytes;
  }

  /** Bytes as they came: a view, which `keep` must follow before it is overwritten. */
  offer(chunk: Bytes): void {
    if (this.offset < this.end) return this.append(chunk);
    this.chunk = chunk;
    this.offset = 0;
    this.end = chunk.length;
    this.isChunkOurs = false;
  }

  /** Makes our own what is left of a view. */
  keep(): void {
    if (this.isChunkOurs) return;
    this.chunk = copyOf(this.chunk, this.offset, this.end);
    this.offset = 0;
    this.end = this.chunk.length;
    this.isChunkOurs = true;
  }

  /** Reads on until one message is whole: then `take` it. False: there is an error, or more has to come. */
  advance(): boolean {
    while (!this.isReady()) {
      if (this.error !== undefined) return false;
      if (this.offset === this.end) {
        this.dropChunk();
        return false;
      }
      if (this.prefixRead < prefixBytes) this.readPrefix();
      else this.readBody();
    }
    return true;
  }

  take(): Bytes {
    const body = this.body ?? emptyBytes;
    this.forget();
    this.prefixRead = 0;
    return body;
  }

  /** Gives up what has come and was not taken. */
  forget(): void {
    this.pending.giveBack(this.pendingTaken);
    this.pendingTaken = 0;
    this.body = undefined;
    this.bodyRead = 0;
  }

  /** What had to wait was read: a stream that is silent from then on keeps no memory for it. */
  private dropChunk(): void {
    this.chunk = emptyBytes;
    this.offset = 0;
    this.end = 0;
    this.isChunkOurs = true;
  }

  private isReady(): boolean {
    if (this.prefixRead < prefixBytes || this.error !== undefined) return false;
    return this.bodyRead === this.length;
  }

  /** Adds to what waits, in one array however small the pieces are. */
  private append(chunk: Bytes): void {
    if (this.end + chunk.length > this.chunk.length) {
      const waiting = this.chunk.subarray(this.offset, this.end);
      this.chunk = new Uint8Array(2 * (waiting.length + chunk.length));
      this.chunk.set(waiting);
      this.offset = 0;
      this.end = waiting.length;
    }
    this.chunk.set(chunk, this.end);
    this.end += chunk.length;
  }

  private readPrefix(): void {
    const byte = this.chunk[this.offset++] as number;
    this.consumedBytes++;
    if (this.prefixRead === 0) {
      this.flag = byte;
      this.length = 0;
    } else {
      this.length = this.length * 256 + byte;
    }
    this.prefixRead++;
    if (this.prefixRead === prefixBytes && this.length > this.bytesMax) {
      this.error = describeTooLarge(this.length, this.bytesMax);
    }
  }

  private readBody(): void {
    const bytes = Math.min(this.length - this.bodyRead, this.end - this.offset);
    const end = this.offset + bytes;
    if (bytes === this.length) {
      this.body = copyOf(this.chunk, this.offset, end);
    } else {
      const body = this.grow(this.bodyRead + bytes);
      if (body === undefined) return;
      body.set(this.chunk.subarray(this.offset, end), this.bodyRead);
    }
    this.offset = end;
    this.bodyRead += bytes;
    this.consumedBytes += bytes;
  }

  /** Room for so much of the message. It grows to twice what has come, so no caller occupies what he has not sent. */
  private grow(bytes: number): Bytes | undefined {
    const { body } = this;
    if (body !== undefined && body.length >= bytes) return body;
    const size = Math.min(this.length, Math.max(2 * bytes, growthBytes));
    if (!this.pending.mayTake(size - this.pendingTaken)) {
      const text = 'too many bytes of messages wait for their rest';
      this.error = { code: Code.RESOURCE_EXHAUSTED, text };
      return undefined;
    }
    this.pendingTaken = size;
    this.body = new Uint8Array(size);
    if (body !== undefined) this.body.set(body.subarray(0, this.bodyRead));
    return this.body;
  }
}

/** grpc-go's words (rpc_util.go, recvMsg). */
export function describeTooLarge(bytes: number, bytesMax: number): Status {
  const text = `grpc: received message larger than max (${bytes} vs. ${bytesMax})`;
  return { code: Code.RESOURCE_EXHAUSTED, text };
}
