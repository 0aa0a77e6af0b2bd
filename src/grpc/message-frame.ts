import { writeUint32, type Bytes } from '../base/bytes.ts';
import { copyInto } from './bytes.ts';
import type { Http2Stream } from './http2/types.ts';
import { prefixBytes } from './message-reader.ts';

/** Up to this size a message is copied behind its prefix: one DATA frame is cheaper than two. */
const joinedBytesMax = 4096;

/** Sends one message, made of one or two parts. False: the stream is full. */
export function writeMessage(stream: Http2Stream, message: Bytes, tail?: Bytes): boolean {
  const tailBytes = tail === undefined ? 0 : tail.length;
  const length = message.length + tailBytes;
  if (length <= joinedBytesMax) {
    const frame = new Uint8Array(prefixBytes + length);
    writeUint32(frame, 1, length);
    copyInto(frame, prefixBytes, message);
    if (tail !== undefined) copyInto(frame, prefixBytes + message.length, tail);
    return stream.write(frame, false);
  }
  let hasRoom = writePrefix(stream, length);
  if (message.length > 0) hasRoom = stream.write(message, false);
  return tail === undefined || tailBytes === 0 ? hasRoom : stream.write(tail, false);
}

/** What goes before a message of so many bytes. */
export function writePrefix(stream: Http2Stream, length: number): boolean {
  const prefix = new Uint8Array(prefixBytes);
  writeUint32(prefix, 1, length);
  return stream.write(prefix, false);
}
