import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import {
  clientPreface,
  Flag,
  frameBytesMax,
  frameHeaderBytes,
  FrameType,
  type FrameHead,
} from './frames.ts';

/** What the reader tells as it goes through what came. */
export interface FrameSink {
  /** Nothing more is to be read: the reader stops where it is. */
  readonly isOver: boolean;
  /** Whether there is time for more frames in this turn. Asked after every `framesPerLook` frames of a chunk. */
  hasTime(): boolean;
  /** A whole frame other than DATA: its payload is `bytes` from `start` to `end`, valid during the call. */
  onFrame(head: FrameHead, bytes: Bytes, start: number, end: number): void;
  /** A DATA frame begins. Its body follows at once, piece by piece. */
  onDataBegin(head: FrameHead): void;
  /** Part of a DATA frame's body, padding left out: a view. The last call of a frame has `isFrameEnd`. */
  onDataPiece(piece: Bytes, isFrameEnd: boolean): void;
  /** Padding, and the byte that says how much: it counts against the windows. */
  onPadding(bytes: number): void;
  onPrefaceError(): void;
  /** A frame is larger than we allow (section 4.2). */
  onFrameSizeError(head: FrameHead): void;
  /** Padding as long as the payload or longer (section 6.1). */
  onPaddingError(): void;
}

/** What a call needs, as a rule: a chunk that brings no more is read without looking at the time. */
const framesPerLook = 2;

/** Where the reader is between two calls. */
const State = { PREFACE: 0, HEAD: 1, PAYLOAD: 2, PAD_LENGTH: 3, BODY: 4, PADDING: 5 } as const;

/**
 * Cuts what a socket delivers into frames, wherever the chunks end. DATA is handed on as it comes, never joined; of
 * other frames at most one is kept that has not come whole, of at most `frameBytesMax`.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly head: FrameHead = { length: 0, type: 0, flags: 0, streamId: 0 };
  private state: number;
  /** How many frames have begun: tells a slow one from one after the other. */
  frames = 0;
  /** The preface, a frame header or a payload that is cut by a chunk's end; `partialBytes` of it have come. */
  private partial: Bytes = emptyBytes;
  private partialBytes = 0;
  /** Of the DATA frame that is being read. */
  private bodyBytes = 0;
  private paddingBytes = 0;

  constructor(sink: FrameSink, hasPreface: boolean) {
    this.sink = sink;
    this.state = hasPreface ? State.PREFACE : State.HEAD;
  }

  /** Whether something has begun that is kept until it is whole: a frame other than DATA, or the header of one. */
  get isWithinFrame(): boolean {
    return this.state === State.PAYLOAD || (this.state === State.HEAD && this.partialBytes > 0);
  }

  /** How much of the chunk was read: all, unless it is over or the sink has no time. */
  read(chunk: Bytes): number {
    const end = chunk.length;
    let at = 0;
    let frames = 0;
    while (at < end && !this.sink.isOver) {
      switch (this.state) {
        case State.HEAD:
          frames++;
          if (frames > framesPerLook && frames % framesPerLook === 1 && !this.sink.hasTime()) {
            return at;
          }
          at = this.readHead(chunk, at);
          break;
        case State.BODY:
          at = this.readBody(chunk, at);
          break;
        case State.PAYLOAD:
          at = this.readPartial(chunk, at, this.head.length);
          if (this.partialBytes === this.head.length) this.endPayload();
          break;
        case State.PAD_LENGTH:
          this.readPadLength(chunk[at] as number);
          at++;
          break;
        case State.PADDING:
          at = this.skipPadding(at, end);
          break;
        default:
          at = this.readPreface(chunk, at);
      }
    }
    return at;
  }

  private readPreface(chunk: Bytes, start: number): number {
    let at = start;
    while (at < chunk.length && this.partialBytes < clientPreface.length) {
      if (chunk[at] !== clientPreface[this.partialBytes]) {
        this.sink.onPrefaceError();
        return chunk.length;
      }
      at++;
      this.partialBytes++;
    }
    if (this.partialBytes === clientPreface.length) {
      this.partialBytes = 0;
      this.state = State.HEAD;
    }
    return at;
  }

  private readHead(chunk: Bytes, start: number): number {
    if (this.partialBytes === 0 && start + frameHeaderBytes <= chunk.length) {
      this.decodeHead(chunk, start);
      return this.beginFrame(chunk, start + frameHeaderBytes);
    }
    const at = this.readPartial(chunk, start, frameHeaderBytes);
    if (this.partialBytes < frameHeaderBytes) return at;
    this.partialBytes = 0;
    this.decodeHead(this.partial, 0);
    return this.beginFrame(chunk, at);
  }

  private decodeHead(from: Bytes, at: number): void {
    const { head } = this;
    this.frames++;
    head.length =
      ((from[at] as number) << 16) | ((from[at + 1] as number) << 8) | (from[at + 2] as number);
    head.type = from[at + 3] as number;
    head.flags = from[at + 4] as number;
    // The highest bit is reserved and ignored (section 4.1).
    head.streamId =
      (((from[at + 5] as number) & 0x7f) << 24) |
      ((from[at + 6] as number) << 16) |
      ((from[at + 7] as number) << 8) |
      (from[at + 8] as number);
  }

  /** The header of a frame has been read, its payload starts at `at`: a frame that is whole is handed on at once. */
  private beginFrame(chunk: Bytes, at: number): number {
    const { head, sink } = this;
    if (head.length > frameBytesMax) {
      sink.onFrameSizeError(head);
      return chunk.length;
    }
    if (head.type === FrameType.DATA) {
      this.beginData();
      return at;
    }
    const end = at + head.length;
    if (end <= chunk.length) {
      this.state = State.HEAD;
      sink.onFrame(head, chunk, at, end);
      return end;
    }
    this.state = State.PAYLOAD;
    this.partial = emptyBytes;
    return at;
  }

  private endPayload(): void {
    const payload = this.partial;
    this.state = State.HEAD;
    this.partial = emptyBytes;
    this.partialBytes = 0;
    this.sink.onFrame(this.head, payload, 0, this.head.length);
  }

  /** Copies what has come of something that is `length` bytes long. */
  private readPartial(chunk: Bytes, at: number, length: number): number {
    if (this.partialBytes === 0) this.partial = new Uint8Array(length);
    const taken = Math.min(length - this.partialBytes, chunk.length - at);
    this.partial.set(chunk.subarray(at, at + taken), this.partialBytes);
    this.partialBytes += taken;
    return at + taken;
  }

  private beginData(): void {
    const { head, sink } = this;
    this.bodyBytes = head.length;
    this.paddingBytes = 0;
    if ((head.flags & Flag.PADDED) !== 0) {
      // A padded frame without room for the padding's length is as wrong as one without room for the padding.
      if (head.length === 0) sink.onFrameSizeError(head);
      else {
        sink.onDataBegin(head);
        this.state = State.PAD_LENGTH;
      }
      return;
    }
    sink.onDataBegin(head);
    this.state = State.BODY;
    if (head.length === 0) this.endData();
  }

  private readPadLength(length: number): void {
    this.bodyBytes -= 1 + length;
    if (this.bodyBytes < 0) {
      this.sink.onPaddingError();
      return;
    }
    this.paddingBytes = length;
    this.sink.onPadding(1);
    if (this.bodyBytes > 0) this.state = State.BODY;
    else if (length > 0) this.state = State.PADDING;
    else this.endData();
  }

  private readBody(chunk: Bytes, at: number): number {
    const taken = Math.min(this.bodyBytes, chunk.length - at);
    const piece = new Uint8Array(chunk.buffer, chunk.byteOffset + at, taken);
    this.bodyBytes -= taken;
    const isFrameEnd = this.bodyBytes === 0 && this.paddingBytes === 0;
    if (isFrameEnd) this.state = State.HEAD;
    else if (this.bodyBytes === 0) this.state = State.PADDING;
    this.sink.onDataPiece(piece, isFrameEnd);
    return at + taken;
  }

  private skipPadding(at: number, end: number): number {
    const taken = Math.min(this.paddingBytes, end - at);
    this.paddingBytes -= taken;
    this.sink.onPadding(taken);
    if (this.paddingBytes === 0) this.endData();
    return at + taken;
  }

  private endData(): void {
    this.state = State.HEAD;
    this.sink.onDataPiece(emptyBytes, true);
  }
}
