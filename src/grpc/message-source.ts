import type { Bytes } from '../base/bytes.ts';
import type { MessageSource } from './types.ts';

/** The whole of a message that is made piece by piece, and closes its source; undefined when a piece cannot be had. */
export function joinSource(source: MessageSource): Bytes | undefined {
  const message = new Uint8Array(source.totalBytes);
  for (let offset = 0; offset < message.length;) {
    const piece = source.next();
    if (piece === undefined) {
      source.close();
      return undefined;
    }
    message.set(piece, offset);
    offset += piece.length;
  }
  source.close();
  return message;
}
