import { concatBytes, copyBytes, emptyBytes, readUint32, type Bytes } from '../../base/bytes.ts';
import { continuationsMax } from './floods.ts';
import { Flag, streamIdMax, type FrameHead } from './frames.ts';
import { ErrorCode } from './types.ts';

/**
 * The header block that is coming in: one HEADERS frame, and CONTINUATION frames until END_HEADERS (RFC 9113, section
 * 4.3). No other frame may come between, so a connection has at most one.
 */
export class HeaderBlock {
  private readonly bytesMax: number;
  streamId = 0;
  isEnd = false;
  /** The priority that came with it makes the stream depend on itself. */
  isSelfDependent = false;
  /** HEADERS came without END_HEADERS: only CONTINUATION may follow. */
  isOpen = false;
  /** Where the block lies when it is whole: in the chunk that brought it, or joined. Valid until the next frame. */
  bytes: Bytes = emptyBytes;
  start = 0;
  end = 0;
  /** Of how many blocks this is the last: tells a slow one from one after the other. */
  ordinal = 0;
  private parts: Bytes[] = [];
  private partsBytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** HEADERS. What is wrong with it, or undefined; then it is whole unless `isOpen`. */
  begin(head: FrameHead, payload: Bytes, start: number, end: number): ErrorCode | undefined {
    const { flags } = head;
    let from = start;
    let to = end;
    const prefixBytes =
      ((flags & Flag.PADDED) === 0 ? 0 : 1) + ((flags & Flag.PRIORITY) === 0 ? 0 : 5);
    if (head.length < prefixBytes) return ErrorCode.FRAME_SIZE_ERROR;
    if ((flags & Flag.PADDED) !== 0) {
      to -= payload[from] as number;
      from++;
    }
    this.isSelfDependent = false;
    if ((flags & Flag.PRIORITY) !== 0) {
      this.isSelfDependent = (readUint32(payload, from) & streamIdMax) === head.streamId;
      from += 5;
    }
    if (to < from) return ErrorCode.PROTOCOL_ERROR;
    this.streamId = head.streamId;
    this.isEnd = (flags & Flag.END_STREAM) !== 0;
    this.ordinal++;
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.bytes = payload;
      this.start = from;
      this.end = to;
      return undefined;
    }
    this.isOpen = true;
    return this.add(copyBytes(payload.subarray(from, to)));
  }

  /** CONTINUATION, for the stream of the block. */
  proceed(head: FrameHead, payload: Bytes, start: number, end: number): ErrorCode | undefined {
    const wrong = this.add(copyBytes(payload.subarray(start, end)));
    if (wrong !== undefined || (head.flags & Flag.END_HEADERS) === 0) return wrong;
    this.bytes = concatBytes(this.parts);
    this.start = 0;
    this.end = this.bytes.length;
    this.isOpen = false;
    this.parts = [];
    this.partsBytes = 0;
    return undefined;
  }

  /** A block that goes on for ever is decoded never, so the tables are lost with it: the connection ends. */
  private add(part: Bytes): ErrorCode | undefined {
    this.parts.push(part);
    this.partsBytes += part.length;
    const isTooMuch = this.partsBytes > this.bytesMax || this.parts.length > continuationsMax;
    return isTooMuch ? ErrorCode.ENHANCE_YOUR_CALM : undefined;
  }
}
