import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import { WireError } from '../../src/wire/varint.ts';
import type { Codec } from '../../src/wire/message.ts';
import { cases } from './arbitraries.ts';
import * as tables from './tables.ts';

/** Codecs written by hand do, to the byte and to the word of an error, what the tables do that they stand for. */

const tableByName = new Map(
  Object.values(tables).map((table) => [table.name, table as unknown as Codec<object>]),
);

for (const { codec, messages } of cases) {
  const table = tableByName.get(codec.name);
  if (table === undefined) continue;
  describe(`the codec of ${codec.name} by hand`, () => {
    it('writes what the table writes', () => {
      fc.assert(
        fc.property(messages, (message) => {
          assert.deepEqual(codec.encode(message), table.encode(message));
        }),
      );
    });

    it('fills in what the table fills in', () => {
      assert.deepEqual(codec.create(), table.create());
      fc.assert(
        fc.property(messages, (message) => {
          assert.deepEqual(codec.create(message), table.create(message));
        }),
      );
    });

    it('reads whole messages as the table does', () => {
      fc.assert(fc.property(messages, (message) => mustReadAlike(table.encode(message))));
    });

    it('reads messages that follow on one another as the table does: merged', () => {
      fc.assert(
        fc.property(fc.array(messages, { maxLength: 4 }), (parts) => {
          mustReadAlike(Buffer.concat(parts.map((part) => table.encode(part))));
        }),
      );
    });

    it('reads or refuses damaged messages as the table does', () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 });
      fc.assert(
        fc.property(messages, messages, changes, fc.nat(), (one, two, changed, cut) => {
          const encoded = Buffer.concat([table.encode(one), table.encode(two)]);
          for (const [at, byte] of changed) {
            if (encoded.length > 0) encoded[at % encoded.length] = byte;
          }
          mustReadAlike(encoded);
          mustReadAlike(encoded.subarray(0, cut % (encoded.length + 1)));
        }),
        { numRuns: 300 },
      );
    });

    it('reads or refuses any bytes as the table does', () => {
      // Tags that the message has, in any wire type, and any bytes between them.
      const tags = fc.integer({ min: 0, max: 0x90 });
      const small = fc.integer({ min: 0, max: 12 });
      const byte = fc.oneof(tags, small, fc.nat({ max: 255 }));
      fc.assert(
        fc.property(fc.array(byte, { maxLength: 40, size: 'max' }), (any) =>
          mustReadAlike(new Uint8Array(any)),
        ),
        { numRuns: 1000 },
      );
    });
  });

  const mustReadAlike = (encoded: Bytes): void => {
    assert.deepEqual(outcome(codec, encoded), outcome(table, encoded));
  };
}

function outcome(codec: Codec<object>, encoded: Bytes): unknown {
  try {
    return codec.inspect(encoded);
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}

describe('codecs by hand', () => {
  it('stand for tables that are all held against them', () => {
    const held = new Set(cases.map(({ codec }) => codec.name));
    assert.deepEqual(
      [...tableByName.keys()].filter((name) => !held.has(name)),
      [],
    );
  });
});
