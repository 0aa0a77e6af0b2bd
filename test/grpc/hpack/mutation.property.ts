import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { concatBytes, type Bytes } from '../../../src/base/bytes.ts';
import { createHeaderDecoder } from '../../../src/grpc/hpack/decoder.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import { HpackError } from '../../../src/grpc/hpack/error.ts';
import { headerLists } from './arbitraries.ts';

/** A change of a block: other bytes at a place, fewer bytes, or more of them. */
interface Mutation {
  readonly at: number;
  readonly removed: number;
  readonly inserted: Bytes;
}

const mutations = fc.record({
  at: fc.nat(1_000),
  removed: fc.nat(4),
  inserted: fc.uint8Array({ maxLength: 4 }),
});

function mutated(block: Bytes, { at, removed, inserted }: Mutation): Bytes {
  const start = at % (block.length + 1);
  return concatBytes([block.subarray(0, start), inserted, block.subarray(start + removed)]);
}

/** Decodes in order until one is malformed; anything but an HpackError fails the test. */
function decodeAll(blocks: readonly Bytes[], listBytesMax: number): void {
  const decoder = createHeaderDecoder({ tableBytesMax: 4_096, listBytesMax });
  try {
    for (const block of blocks) {
      const { fields } = decoder.decode(block);
      const bytes = fields.reduce((sum, text) => sum + text.length + 16, 0);
      assert.ok(bytes <= listBytesMax);
    }
  } catch (error) {
    if (!(error instanceof HpackError)) throw error;
  }
}

describe('hpack: blocks that nobody meant', () => {
  it('are read or refused, never more than allowed: changed in transit', () => {
    const changes = fc.array(mutations, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(headerLists, { maxLength: 6 }), changes, (lists, changes) => {
        const encoder = createHeaderEncoder();
        const blocks = lists.map((list) => encoder.encode(list));
        for (const change of changes) {
          const chosen = change.at % Math.max(1, blocks.length);
          const block = blocks[chosen];
          if (block !== undefined) blocks[chosen] = mutated(block, change);
        }
        decodeAll(blocks, 2_000);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are read or refused, never more than allowed: of random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (blocks) => {
        decodeAll(blocks, 500);
      }),
      { numRuns: 1_000 },
    );
  });
});
