import { concatBytes, emptyBytes, readUint32, writeUint32 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Row } from './types.ts';

/**
 * The chunks of a store image. Each is a whole frame: format, kind, its number in the image, a CRC-32C over
 * those and the payload, and the payload. The first has the store's meta, then come rows in key order as they
 * lie on disk, checksums included, then an empty frame that says that nothing is missing.
 */
export type FrameKind = 'meta' | 'rows' | 'end';

export interface Frame {
  readonly kind: FrameKind;
  readonly number: number;
  readonly payload: Bytes;
}

const frameFormat = 1;
const headerBytes = 10;
const crcAt = 6;
const kinds: readonly FrameKind[] = ['meta', 'rows', 'end'];

export function encodeFrame(kind: FrameKind, number: number, payload: Bytes): Bytes {
  const frame = new Uint8Array(headerBytes + payload.length);
  frame[0] = frameFormat;
  frame[1] = kinds.indexOf(kind);
  writeUint32(frame, 2, number);
  frame.set(payload, headerBytes);
  writeUint32(frame, crcAt, checksum(frame));
  return frame;
}

/** Undefined when the chunk is no frame, or not as it was sent. */
export function decodeFrame(chunk: Bytes): Frame | undefined {
  const kind = kinds[chunk[1] ?? -1];
  if (chunk.length < headerBytes || chunk[0] !== frameFormat || kind === undefined)
    return undefined;
  if (readUint32(chunk, crcAt) !== checksum(chunk)) return undefined;
  return { kind, number: readUint32(chunk, 2), payload: chunk.subarray(headerBytes) };
}

function checksum(frame: Bytes): number {
  return crc32c(frame.subarray(headerBytes), crc32c(frame.subarray(0, crcAt)));
}

/** Bytes of a row in a frame. */
export function framedRowBytes(row: Row): number {
  return 8 + row.key.length + row.value.length;
}

export function encodeRows(rows: readonly Row[]): Bytes {
  if (rows.length === 0) return emptyBytes;
  const lengths = new Uint8Array(rows.length * 8);
  const parts = rows.flatMap((row, i) => {
    writeUint32(lengths, i * 8, row.key.length);
    writeUint32(lengths, i * 8 + 4, row.value.length);
    return [lengths.subarray(i * 8, i * 8 + 8), row.key, row.value];
  });
  return concatBytes(parts);
}

/** Undefined when lengths do not add up. Keys and values are views of the payload. */
export function decodeRows(payload: Bytes): readonly Row[] | undefined {
  const rows: Row[] = [];
  let at = 0;
  while (at < payload.length) {
    if (payload.length - at < 8) return undefined;
    const valueAt = at + 8 + readUint32(payload, at);
    const end = valueAt + readUint32(payload, at + 4);
    if (end > payload.length) return undefined;
    rows.push({ key: payload.subarray(at + 8, valueAt), value: payload.subarray(valueAt, end) });
    at = end;
  }
  return rows;
}
