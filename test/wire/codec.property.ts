import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { concatBytes, fromHex, type Bytes } from '../../src/base/bytes.ts';
import { WireError } from '../../src/wire/varint.ts';
import { cases } from './arbitraries.ts';
import { decodeOther, encodeOther } from './second-opinion.ts';

/** Fields 1000 and 1001 of no message, in each wire type. */
const unknownFields: readonly Bytes[] = [
  'c03e05',
  'c03effffffffffffffffff01',
  'c13e0102030405060708',
  'c23e03616263',
  'c23e00',
  'c33ec83e01c43e',
  'c33ecb3ecc3ec43e',
  'c53e01020304',
].map(fromHex);

const plainBytes = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

for (const { codec, messages } of cases) {
  describe(`the codec of ${codec.name}`, () => {
    it('writes what protobufjs reads', () => {
      fc.assert(
        fc.property(messages, (message) => {
          assert.deepEqual(decodeOther(codec, codec.encode(message)), message);
        }),
      );
    });

    it('reads what protobufjs writes', () => {
      fc.assert(
        fc.property(messages, (message) => {
          const encoded = plainBytes(encodeOther(codec.name, message));
          const { message: read, hasUnknownFields } = codec.inspect(encoded);
          assert.equal(hasUnknownFields, false);
          // protobufjs writes defaults too, which stay in what is left encoded: so once more there
          // and back.
          assert.deepEqual(decodeOther(codec, codec.encode(read)), message);
        }),
      );
    });

    it('passes over fields that it does not know, and says that they were there', () => {
      fc.assert(
        fc.property(messages, fc.constantFrom(...unknownFields), (message, unknown) => {
          const encoded = concatBytes([unknown, codec.encode(message)]);
          assert.deepEqual(codec.inspect(encoded), { message, hasUnknownFields: true });
        }),
      );
    });

    it('reads damaged messages or throws WireError', () => {
      fc.assert(
        fc.property(
          messages,
          fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
          fc.nat(),
          (message, changes, cut) => {
            const encoded = codec.encode(message);
            for (const [at, byte] of changes) {
              if (encoded.length > 0) encoded[at % encoded.length] = byte;
            }
            mustReadOrRefuse(() => codec.decode(encoded.subarray(0, cut % (encoded.length + 1))));
          },
        ),
      );
    });

    it('reads any bytes or throws WireError', () => {
      const anyBytes = fc.uint8Array({ maxLength: 64, size: 'max' });
      fc.assert(fc.property(anyBytes, (any) => mustReadOrRefuse(() => codec.decode(any))));
    });
  });
}

function mustReadOrRefuse(read: () => unknown): void {
  try {
    read();
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
  }
}
