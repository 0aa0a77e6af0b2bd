import { writeUint32, type Bytes } from '../base/bytes.ts';
import type { Http2Stream } from './http2/types.ts';
import { prefixBytes } from './message-reader.ts';

/** Up to this size, its prefix included, a message goes out as one DATA frame. */
const joinedBytesMax = 4096;

/** Of the message that is being written. */
const smallPrefix = new Uint8Array(prefixBytes);

/** Sends one message, made of one or two parts. False: the stream is full. */
export function writeMessage(stream: Http2Stream, message: Bytes, tail?: Bytes): boolean {
  const tailBytes = tail === undefined ? 0 : tail.length;
  const length = message.length + tailBytes;
  if (prefixBytes + length <= joinedBytesMax) {
    writeUint32(smallPrefix, 1, length);
    const parts = tail === undefined ? [smallPrefix, message] : [smallPrefix, message, tail];
    return stream.writeSmall(parts);
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
