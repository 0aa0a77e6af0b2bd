import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { createHeaderDecoder } from '../../../src/grpc/hpack/decoder.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import {
  decodedBytesMax,
  decodeHuffman,
  encodeHuffman,
  huffmanBytes,
} from '../../../src/grpc/hpack/huffman.ts';
import { headerLists, latin1Texts } from './arbitraries.ts';

describe('hpack: what the encoder writes', () => {
  it('is read by the decoder, over many blocks and changes of the size of the table', () => {
    const size = fc.constantFrom(0, 31, 32, 100, 1_000, 4_095, 4_096, 65_536);
    const steps = fc.array(fc.oneof({ weight: 4, arbitrary: headerLists }, size), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (steps) => {
        const encoder = createHeaderEncoder();
        const decoder = createHeaderDecoder({ tableBytesMax: 4_096, listBytesMax: 1_000_000 });
        for (const step of steps) {
          if (typeof step === 'number') {
            encoder.setTableBytesMax(step);
            continue;
          }
          for (let round = 0; round < 3; round++) {
            const headers = decoder.decode(encoder.encode(step));
            assert.deepEqual(headers, { fields: step, isTooLarge: false });
          }
        }
      }),
    );
  });

  it('is the same text, for all of Latin-1, in the Huffman code', () => {
    fc.assert(
      fc.property(latin1Texts, fc.nat(8), (text, offset) => {
        const bytes = huffmanBytes(text);
        const encoded = new Uint8Array(offset + bytes + 1).fill(0xaa);
        assert.equal(encodeHuffman(text, encoded, offset), offset + bytes);
        assert.equal(encoded[offset + bytes], 0xaa);
        const decoded = new Uint8Array(decodedBytesMax(bytes));
        const length = decodeHuffman(encoded, offset, offset + bytes, decoded);
        assert.equal(String.fromCharCode(...decoded.subarray(0, length)), text);
      }),
    );
  });
});
