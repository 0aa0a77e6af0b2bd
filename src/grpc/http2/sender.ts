import { assert } from '../../base/assert.ts';
import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import type { HeaderEncoder, HeaderList } from '../hpack/types.ts';
import { Flag, frameBytesMax, FrameType, initialWindowBytes, windowBytesMax } from './frames.ts';
import { copiedBytesMax, type Output } from './output.ts';
import type { Stream } from './stream.ts';

/**
 * The sending half: header blocks, and DATA as the windows allow (RFC 9113, section 5.2). Streams that have both bytes
 * and a window take turns, a frame each, so that a large answer holds up no small one.
 */

/** DATA goes to the socket until it holds so much: more would only delay what is more urgent. */
export const socketBytesMax = 256 * 1024;
/** Positions of a queue that are behind its head before it is shortened. */
const passedMax = 64;

/** What waits to be sent in all streams of all connections of this process. */
let heldByAllBytes = 0;

export interface SenderParts {
  readonly output: Output;
  readonly encoder: HeaderEncoder;
  /** More than so much of one stream does not count as waiting: see `weightBytes`. */
  readonly streamShareBytes: number;
  /** END_STREAM has been sent. */
  readonly onLocalEnd: (stream: Stream) => void;
}

export class Sender {
  private readonly output: Output;
  private readonly encoder: HeaderEncoder;
  private readonly streamShareBytes: number;
  private readonly onLocalEnd: (stream: Stream) => void;
  private ready: Stream[] = [];
  private firstReady = 0;
  /** Streams that were closed since the ring was last without any. */
  private overInRing = 0;
  /** What the other end lets us send on the connection. */
  window = initialWindowBytes;
  /**
   * What waits in all streams, counting at most `streamShareBytes` of each: one large answer, which is one array that
   * somebody holds anyway, does not make the connection full.
   */
  weightBytes = 0;
  /** The same, but to the byte. */
  heldBytes = 0;
  /** Streams in which bytes wait. */
  waitingStreams = 0;
  /** HEADERS or DATA were sent since this was last set to false. */
  hasSent = false;

  constructor({ output, encoder, streamShareBytes, onLocalEnd }: SenderParts) {
    this.output = output;
    this.encoder = encoder;
    this.streamShareBytes = streamShareBytes;
    this.onLocalEnd = onLocalEnd;
  }

  get heldByAllBytes(): number {
    return heldByAllBytes;
  }

  /** Whether some stream could send on if the socket took it. */
  get hasReady(): boolean {
    return this.firstReady < this.ready.length && this.window > 0;
  }

  sendHeaders(stream: Stream, fields: HeaderList, isEnd: boolean): void {
    assert(!stream.isLocalEnded && !stream.isEndQueued, 'headers after the end of a stream');
    if (stream.unsentBytes === 0) return this.emitHeaders(stream, fields, isEnd);
    assert(isEnd, 'headers within the body of a stream');
    stream.trailers = fields;
    stream.isEndQueued = true;
  }

  write(stream: Stream, bytes: Bytes, isEnd: boolean): void {
    assert(stream.hasSentHeaders, 'bytes before the headers of a stream');
    assert(!stream.isLocalEnded && !stream.isEndQueued, 'bytes after the end of a stream');
    if (this.maybeWriteNow(stream, bytes, isEnd)) return;
    stream.isEndQueued = isEnd;
    if (bytes.length === 0) return;
    stream.queue(bytes);
    this.queued(stream, bytes.length);
  }

  writeSmall(stream: Stream, parts: readonly Bytes[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    assert(stream.hasSentHeaders, 'bytes before the headers of a stream');
    assert(!stream.isLocalEnded && !stream.isEndQueued, 'bytes after the end of a stream');
    if (!this.maySendNow(stream, length)) {
      stream.queueSmall(parts, length);
      return this.queued(stream, length);
    }
    this.beginData(stream, length, false);
    for (const part of parts) this.output.copy(part, 0, part.length);
  }

  /** The other end lets a stream send more, or less. False: its window would be larger than one can be. */
  widen(stream: Stream, bytes: number): boolean {
    stream.sendWindow += bytes;
    this.maybeReady(stream);
    return stream.sendWindow <= windowBytesMax;
  }

  /** A stream is over: what it had to send is dropped. */
  drop(stream: Stream): void {
    this.weigh(stream.unsentBytes, 0);
    stream.dropQueue();
    if (!stream.isReady) return;
    // Without a window of the connection nobody passes through the ring: it must not fill with what is over.
    this.overInRing++;
    // Half of it at least goes, so that however many streams end, each is passed over a few times only.
    if (this.overInRing <= Math.max(passedMax, this.ready.length / 2)) return;
    this.ready = this.ready.filter((other, i) => i >= this.firstReady && !other.isClosed);
    this.firstReady = 0;
    this.overInRing = 0;
  }

  /** Sends DATA frames until `budgetBytes` are gathered, or nobody has both bytes and a window. */
  pump(budgetBytes: number): void {
    const limit = this.output.gatheredBytes + budgetBytes;
    while (this.firstReady < this.ready.length && this.output.gatheredBytes < limit) {
      const stream = this.ready[this.firstReady] as Stream;
      const isSendable = !stream.isClosed && stream.sendWindow > 0;
      if (isSendable && this.window <= 0) break;
      this.firstReady++;
      if (isSendable && this.emitFrame(stream)) this.ready.push(stream);
      else stream.isReady = false;
    }
    if (this.firstReady === this.ready.length) {
      this.firstReady = 0;
      this.overInRing = 0;
      if (this.ready.length > 0) this.ready.length = 0;
    } else if (this.firstReady > passedMax) {
      this.ready.splice(0, this.firstReady);
      this.firstReady = 0;
    }
  }

  /** Small bytes that nothing holds up go into the turn's output at once. */
  private maybeWriteNow(stream: Stream, bytes: Bytes, isEnd: boolean): boolean {
    const { length } = bytes;
    if (!this.maySendNow(stream, length)) return false;
    if (length === 0 && !isEnd) return true;
    this.beginData(stream, length, isEnd);
    this.output.copy(bytes, 0, length);
    if (isEnd) this.endLocal(stream);
    return true;
  }

  /** Nothing of the stream waits, nobody's turn comes before it, and windows and socket take so much. */
  private maySendNow(stream: Stream, length: number): boolean {
    if (stream.unsentBytes > 0) return false;
    if (length === 0) return true;
    if (length > copiedBytesMax || length > stream.sendWindow || length > this.window) return false;
    const { output } = this;
    if (this.firstReady < this.ready.length) return false;
    return output.gatheredBytes + output.socketBytes <= socketBytesMax;
  }

  /** A DATA frame, whose payload follows. */
  private beginData(stream: Stream, length: number, isEnd: boolean): void {
    stream.sendWindow -= length;
    this.window -= length;
    this.hasSent = true;
    this.output.frame(length, FrameType.DATA, isEnd ? Flag.END_STREAM : 0, stream.id);
  }

  private queued(stream: Stream, length: number): void {
    this.weigh(stream.unsentBytes - length, stream.unsentBytes);
    this.maybeReady(stream);
  }

  /** The bytes that wait in one stream have changed. */
  private weigh(before: number, after: number): void {
    const share = this.streamShareBytes;
    if (before === 0 && after > 0) this.waitingStreams++;
    else if (before > 0 && after === 0) this.waitingStreams--;
    this.weightBytes += Math.min(after, share) - Math.min(before, share);
    this.heldBytes += after - before;
    heldByAllBytes += after - before;
  }

  private maybeReady(stream: Stream): void {
    if (stream.isReady || stream.unsentBytes === 0 || stream.sendWindow <= 0) return;
    stream.isReady = true;
    this.ready.push(stream);
  }

  /** One DATA frame of a stream that has bytes and a window. True: it has more of both. */
  private emitFrame(stream: Stream): boolean {
    const length = Math.min(stream.unsentBytes, stream.sendWindow, this.window, frameBytesMax);
    const isLast = length === stream.unsentBytes;
    const isEnd = isLast && stream.isEndQueued && stream.trailers === undefined;
    this.output.frame(length, FrameType.DATA, isEnd ? Flag.END_STREAM : 0, stream.id);
    this.emitBody(stream, length);
    this.hasSent = true;
    this.window -= length;
    this.weigh(stream.unsentBytes, stream.unsentBytes - length);
    stream.sendWindow -= length;
    stream.unsentBytes -= length;
    if (!isLast) return stream.sendWindow > 0;
    const { trailers } = stream;
    stream.dropQueue();
    if (isEnd) this.endLocal(stream);
    else if (trailers !== undefined) this.emitHeaders(stream, trailers, true);
    return false;
  }

  private emitBody(stream: Stream, length: number): void {
    const { output } = this;
    for (let left = length; left > 0;) {
      const chunk = stream.chunks[stream.firstChunk] as Bytes;
      const start = stream.firstOffset;
      const end = Math.min(chunk.length, start + left);
      if (end - start <= copiedBytesMax) output.copy(chunk, start, end);
      else output.refer(chunk.subarray(start, end));
      left -= end - start;
      stream.firstOffset = end;
      if (end === chunk.length) {
        stream.firstOffset = 0;
        stream.chunks[stream.firstChunk++] = emptyBytes;
      }
    }
    if (stream.firstChunk > passedMax) {
      stream.chunks.splice(0, stream.firstChunk);
      stream.firstChunk = 0;
    }
  }

  /** A header block: one frame, or with CONTINUATION frames right behind it (section 4.3). */
  private emitHeaders(stream: Stream, fields: HeaderList, isEnd: boolean): void {
    const { output } = this;
    const block = this.encoder.encode(fields);
    const endFlag = isEnd ? Flag.END_STREAM : 0;
    stream.hasSentHeaders = true;
    this.hasSent = true;
    if (block.length <= frameBytesMax) {
      output.frame(block.length, FrameType.HEADERS, Flag.END_HEADERS | endFlag, stream.id);
      output.copy(block, 0, block.length);
    } else this.emitLongBlock(stream.id, block, endFlag);
    if (isEnd) this.endLocal(stream);
  }

  private emitLongBlock(streamId: number, block: Bytes, endFlag: number): void {
    for (let at = 0; at < block.length; at += frameBytesMax) {
      const end = Math.min(block.length, at + frameBytesMax);
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const flags = (at === 0 ? endFlag : 0) | (end === block.length ? Flag.END_HEADERS : 0);
      this.output.frame(end - at, type, flags, streamId);
      this.output.copy(block, at, end);
    }
  }

  private endLocal(stream: Stream): void {
    stream.isLocalEnded = true;
    stream.isEndQueued = false;
    stream.trailers = undefined;
    this.onLocalEnd(stream);
  }
}
