import { copyBytes, type Bytes } from '../../base/bytes.ts';
import type { DecodedHeaders } from './types.ts';

/**
 * The last blocks of a connection that left its table as it was: while the table stays so, the same bytes mean the
 * same list. A connection sends few different ones over and over, and who gets the very same list again can
 * recognize it.
 */

/** A power of two. Each is bounded as below, so a connection keeps at most 2 KiB and what they decode to. */
const slots = 16;
const blockBytesMax = 128;

interface RememberedBlock {
  readonly block: Bytes;
  readonly generation: number;
  readonly headers: DecodedHeaders;
}

export class RememberedBlocks {
  private readonly bySlot: (RememberedBlock | undefined)[] = [];

  find(block: Bytes, generation: number): DecodedHeaders | undefined {
    const length = block.length;
    if (length > blockBytesMax) return undefined;
    const remembered = this.bySlot[slotOf(block)];
    if (remembered === undefined || remembered.generation !== generation) return undefined;
    const other = remembered.block;
    if (other.length !== length) return undefined;
    for (let i = 0; i < length; i++) if (other[i] !== block[i]) return undefined;
    return remembered.headers;
  }

  add(block: Bytes, generation: number, headers: DecodedHeaders): void {
    if (block.length > blockBytesMax || headers.isTooLarge) return;
    this.bySlot[slotOf(block)] = { block: copyBytes(block), generation, headers };
  }
}

/** Fields that tell requests of one connection apart mostly change a byte or two: all of them count. */
function slotOf(block: Bytes): number {
  let hash = block.length;
  for (let i = 0; i < block.length; i++) hash = (hash * 31 + (block[i] as number)) | 0;
  return (hash ^ (hash >>> 8)) & (slots - 1);
}
