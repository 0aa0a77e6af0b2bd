import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bytes } from '../../../src/base/bytes.ts';
import type { Image } from './image.ts';

/** Zeros of this length are not written: a file system keeps them as a hole. */
const holeBytes = 64 * 1024;
const zeros = new Uint8Array(holeBytes);

/** Puts an image in the place of `folder`, which must be absolute. */
export function writeImage(folder: string, image: Image): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const path of image.folders) mkdirSync(join(folder, path), { mode: 0o700 });
  for (const { path, bytes } of image.files) writeSparse(join(folder, path), bytes);
}

function writeSparse(path: string, bytes: Bytes): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length; at += holeBytes) {
      const piece = bytes.subarray(at, at + holeBytes);
      if (Buffer.compare(piece, zeros.subarray(0, piece.length)) !== 0) {
        writeSync(file, piece, 0, piece.length, at);
      }
    }
    ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
}
