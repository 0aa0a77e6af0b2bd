import type { Bytes } from '../base/bytes.ts';

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
