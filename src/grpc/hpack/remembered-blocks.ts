import type { Bytes } from '../../base/bytes.ts';
import type { DecodedHeaders } from './types.ts';

/**
 * The last blocks of a connection that left its table as it was: while the table stays so, the same bytes mean the
 * same list. A connection sends few different ones over and over, and who gets the very same list again can
 * recognize it.
 */

/** A power of two. With the next limit a connection keeps at most 2 KiB of blocks, and what they decode to. */
const slots = 16;
const blockBytesMax = 128;

interface RememberedBlock {
  readonly block: Bytes;
  readonly generation: number;
  readonly headers: DecodedHeaders;
}

export class RememberedBlocks {
  private readonly bySlot: (RememberedBlock | undefined)[] = [];
  /** By slot, the hash of the last block that was not known: one that never comes again costs no copy. */
  private readonly seen = new Int32Array(slots);
  /** The hash of the block that was last looked for. */
  private hash = 0;

  /** Looks for the block from `start` to `end` of `bytes`. */
  find(bytes: Bytes, start: number, end: number, generation: number): DecodedHeaders | undefined {
    const length = end - start;
    if (length > blockBytesMax) return undefined;
    let hash = length;
    for (let i = start; i < end; i++) hash = (hash * 31 + (bytes[i] as number)) | 0;
    this.hash = hash;
    const remembered = this.bySlot[slotOf(hash)];
    if (remembered === undefined || remembered.generation !== generation) return undefined;
    const { block, headers } = remembered;
    if (block.length !== length) return undefined;
    for (let i = 0; i < length; i++) if (block[i] !== bytes[start + i]) return undefined;
    return headers;
  }

  /** Remembers the block that `find` was just asked for, if it has come before. */
  add(bytes: Bytes, start: number, end: number, decoded: Omit<RememberedBlock, 'block'>): void {
    if (end - start > blockBytesMax) return;
    const slot = slotOf(this.hash);
    if (this.seen[slot] !== this.hash) {
      this.seen[slot] = this.hash;
      return;
    }
    const { generation, headers } = decoded;
    // A `Buffer`'s own slice would be a view.
    const block = new Uint8Array(bytes.subarray(start, end));
    this.bySlot[slot] = { block, generation, headers };
  }
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 8)) & (slots - 1);
}
