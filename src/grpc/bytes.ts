import { emptyBytes, type Bytes } from '../base/bytes.ts';

/** Node's buffers at the edge: in as plain arrays that nobody else writes to, out without a copy. */

/**
 * The bytes of a message that grpc-js made for us alone. A small one lies in Node's shared pool and is copied,
 * so that who keeps it does not keep the pool; a `Buffer` never leaves here, because its `slice` is a view.
 */
export function ownBytes(buffer: Buffer): Bytes {
  if (buffer.buffer.byteLength > buffer.length + 64) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

export function bufferOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Below this a loop beats the view that `set` needs. */
const loopBytesMax = 48;

/** A part of an array in memory of its own. */
export function copyOf(source: Bytes, start: number, end: number): Bytes {
  const length = end - start;
  if (length === 0) return emptyBytes;
  const copy = new Uint8Array(length);
  copyPart(copy, source, start);
  return copy;
}

/** Fills `target` with what `source` holds from `start` on. */
export function copyPart(target: Bytes, source: Bytes, start: number): void {
  const { length } = target;
  if (length <= loopBytesMax) {
    for (let i = 0; i < length; i++) target[i] = source[start + i] as number;
  } else {
    target.set(length === source.length ? source : source.subarray(start, start + length));
  }
}
