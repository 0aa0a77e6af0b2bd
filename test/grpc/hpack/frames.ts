import { concatBytes, emptyBytes, latin1Bytes, type Bytes } from '../../../src/base/bytes.ts';

/** Just enough of HTTP/2's framing (RFC 9113, section 4) to carry header blocks to and from node:http2. */

export const frameTypes = { headers: 1, settings: 4, continuation: 9 } as const;

const endStream = 1;
const ack = 1;
const endHeaders = 4;
const headerTableSize = 1;

export const clientPreface = latin1Bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Bytes;
}

function frame(type: number, flags: number, streamId: number, payload: Bytes): Bytes {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(streamId, 5);
  return concatBytes([head, payload]);
}

export function settingsFrame(tableBytes: number | undefined): Bytes {
  if (tableBytes === undefined) return frame(frameTypes.settings, 0, 0, emptyBytes);
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(headerTableSize, 0);
  payload.writeUInt32BE(tableBytes, 2);
  return frame(frameTypes.settings, 0, 0, payload);
}

export const settingsAckFrame = frame(frameTypes.settings, ack, 0, emptyBytes);

export const isAck = ({ type, flags }: Frame): boolean =>
  type === frameTypes.settings && (flags & ack) !== 0;

/** A request without a body; the block is at most 16,384 bytes. */
export function requestFrame(streamId: number, block: Bytes): Bytes {
  return frame(frameTypes.headers, endStream | endHeaders, streamId, block);
}

/** Cuts what comes from a socket into frames, and header blocks out of those that node:http2 sends. */
export class FrameReader {
  private unread: Bytes = emptyBytes;
  private parts: Bytes[] = [];
  private prefaceLeft: number;
  private readonly onFrame: (frame: Frame) => void;
  private readonly onBlock: (block: Bytes) => void;

  constructor(
    prefaceBytes: number,
    onFrame: (frame: Frame) => void,
    onBlock: (block: Bytes) => void,
  ) {
    this.prefaceLeft = prefaceBytes;
    this.onFrame = onFrame;
    this.onBlock = onBlock;
  }

  read(chunk: Bytes): void {
    this.unread = concatBytes([this.unread, chunk]);
    const skipped = Math.min(this.prefaceLeft, this.unread.length);
    this.prefaceLeft -= skipped;
    this.unread = this.unread.subarray(skipped);
    while (this.unread.length >= 9) {
      const head = Buffer.from(this.unread.subarray(0, 9));
      const end = 9 + head.readUIntBE(0, 3);
      if (this.unread.length < end) return;
      const payload = this.unread.subarray(9, end);
      this.unread = this.unread.subarray(end);
      this.take({ type: head.readUInt8(3), flags: head.readUInt8(4), payload });
    }
  }

  private take(frame: Frame): void {
    this.onFrame(frame);
    if (frame.type === frameTypes.headers) {
      // A priority of five bytes may come first.
      this.parts = [frame.payload.subarray((frame.flags & 0x20) === 0 ? 0 : 5)];
    } else if (frame.type === frameTypes.continuation) this.parts.push(frame.payload);
    else return;
    if ((frame.flags & endHeaders) !== 0) this.onBlock(concatBytes(this.parts));
  }
}
