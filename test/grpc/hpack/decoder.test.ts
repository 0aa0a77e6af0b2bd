import assert from 'node:assert/strict';
import { concatBytes, fromHex, latin1Bytes, type Bytes } from '../../../src/base/bytes.ts';
import { createHeaderDecoder } from '../../../src/grpc/hpack/decoder.ts';
import { HpackError } from '../../../src/grpc/hpack/error.ts';
import type { HeaderDecoder } from '../../../src/grpc/hpack/types.ts';
import { examples } from './examples.ts';

const listBytesMax = 16_384;

const newDecoder = (limits: { tableBytesMax?: number; listBytesMax?: number } = {}) =>
  createHeaderDecoder({ tableBytesMax: 4_096, listBytesMax, ...limits });

const fieldsOf = (block: string, decoder: HeaderDecoder = newDecoder()) =>
  decoder.decode(fromHex(block.replaceAll(' ', ''))).fields;

/** A string of a block, without Huffman coding; short ones only. */
const text = (value: string): Bytes =>
  concatBytes([Uint8Array.of(value.length), latin1Bytes(value)]);

/** A literal with incremental indexing and a new name. */
const inserted = (name: string, value: string): Bytes =>
  concatBytes([Uint8Array.of(0x40), text(name), text(value)]);

describe('hpack: decoding', () => {
  for (const { section, blocks } of examples) {
    it(`reads the examples of RFC 7541, appendix ${section}`, () => {
      const decoder = newDecoder();
      for (const { block, fields } of blocks) {
        assert.deepEqual(decoder.decode(block), { fields, isTooLarge: false });
      }
    });
  }

  it('reads each kind of literal (RFC 7541, appendix C.2)', () => {
    const password = '70617373776f7264 06 736563726574';
    assert.deepEqual(fieldsOf(`40 08 ${password}`), ['password', 'secret']);
    assert.deepEqual(fieldsOf(`00 08 ${password}`), ['password', 'secret']);
    assert.deepEqual(fieldsOf(`10 08 ${password}`), ['password', 'secret']);
    assert.deepEqual(fieldsOf('04 0c 2f73616d706c652f70617468'), [':path', '/sample/path']);
    assert.deepEqual(fieldsOf('82'), [':method', 'GET']);
    assert.deepEqual(fieldsOf(''), []);
  });

  it('knows both ends of the static table', () => {
    assert.deepEqual(fieldsOf('81 bd'), [':authority', '', 'www-authenticate', '']);
  });

  it('reads any byte in a string, and text of any length', () => {
    const value = String.fromCharCode(...Array.from({ length: 120 }, (_, i) => i * 2 + 1));
    for (let length = 0; length <= 120; length++) {
      const block = inserted('n', value.slice(0, length));
      assert.deepEqual(newDecoder().decode(block).fields, ['n', value.slice(0, length)]);
    }
  });

  it('keeps nothing of the memory of a block', () => {
    const decoder = newDecoder();
    const block = inserted('name', 'a value that is longer than a short one');
    const { fields } = decoder.decode(block);
    block.fill(0);
    const expected = ['name', 'a value that is longer than a short one'];
    assert.deepEqual(fields, expected);
    assert.deepEqual(fieldsOf('be', decoder), expected);
  });

  it('keeps nothing of the memory of a block by which it recognizes the next', () => {
    const decoder = newDecoder();
    const block = fromHex('82bd');
    for (let i = 0; i < 3; i++) decoder.decode(block);
    // Another block with the same hash.
    block.set(fromHex('839e'));
    assert.deepEqual(decoder.decode(block).fields, [':method', 'POST', 'content-range', '']);
  });

  it('returns the very same list for the same bytes while the table is as it was', () => {
    const decoder = newDecoder();
    decoder.decode(inserted('a', '1'));
    // The first time is not remembered: most blocks that are new are so for good.
    decoder.decode(fromHex('82be'));
    const first = decoder.decode(fromHex('82be'));
    assert.equal(decoder.decode(fromHex('82be')), first);
    decoder.decode(fromHex('83be'));
    assert.equal(decoder.decode(fromHex('82be')), first);
    decoder.decode(inserted('b', '2'));
    assert.deepEqual(decoder.decode(fromHex('82be')).fields, [':method', 'GET', 'b', '2']);
    assert.deepEqual(decoder.decode(fromHex('82bf')).fields, [':method', 'GET', 'a', '1']);
    // A change of the table's size, to the same one, says nothing but is one.
    assert.deepEqual(decoder.decode(fromHex('3fe11fbe')).fields, ['b', '2']);
  });

  it('reads a block in the midst of other bytes', () => {
    const decoder = newDecoder();
    const bytes = fromHex('0000828684beff');
    assert.throws(() => decoder.decode(bytes, 2, 6), HpackError);
    const { fields } = newDecoder().decode(bytes, 2, 5);
    assert.deepEqual(fields, [':method', 'GET', ':scheme', 'http', ':path', '/']);
    // What follows is no part of it.
    const cut = concatBytes([inserted('a', 'bc'), fromHex('6464')]);
    assert.deepEqual(newDecoder().decode(cut, 0, 6).fields, ['a', 'bc']);
    assert.throws(() => newDecoder().decode(cut, 0, 5), HpackError);
    const remembering = newDecoder();
    remembering.decode(bytes, 2, 5);
    const known = remembering.decode(bytes, 2, 5);
    assert.equal(remembering.decode(bytes, 2, 5), known);
    assert.equal(remembering.decode(fromHex('828684')), known);
  });

  it('never takes a block for one that begins with it', () => {
    const decoder = newDecoder();
    for (let index = 1; index <= 61; index++) {
      const longer = Uint8Array.of(0x82, 0x80 | index);
      for (let i = 0; i < 3; i++) assert.equal(decoder.decode(longer).fields.length, 4);
      assert.deepEqual(decoder.decode(fromHex('82')).fields, [':method', 'GET']);
      assert.deepEqual(decoder.decode(fromHex('')).fields, []);
    }
  });

  it('never takes one block for another, however many come', () => {
    const decoder = newDecoder();
    for (let round = 0; round < 3; round++) {
      for (let i = 1; i <= 61; i++) {
        for (let j = 1; j <= 61; j++) {
          const { fields } = decoder.decode(Uint8Array.of(0x80 | i, 0x80 | j));
          const one = newDecoder().decode(Uint8Array.of(0x80 | i)).fields;
          assert.deepEqual(fields.slice(0, 2), one);
        }
      }
    }
  });
});

describe('hpack: the table of the decoder', () => {
  it('drops the oldest fields when there is no room, by RFC 7541, section 4.1', () => {
    const decoder = newDecoder();
    // 32 + 1 + 31 bytes each: 64 of them fill 4,096.
    const valueOf = (i: number): string => String(i).padStart(31, '0');
    for (let i = 0; i < 64; i++) decoder.decode(inserted('n', valueOf(i)));
    // The oldest has index 62 + 63 = 125.
    assert.deepEqual(fieldsOf('fd', decoder), ['n', valueOf(0)]);
    decoder.decode(inserted('n', valueOf(64)));
    assert.deepEqual(fieldsOf('fd', decoder), ['n', valueOf(1)]);
    assert.throws(() => fieldsOf('fe', decoder), HpackError);
  });

  it('is emptied by a field larger than it, which is still told', () => {
    const decoder = newDecoder();
    decoder.decode(concatBytes([fromHex('3f22'), inserted('a', '1')]));
    assert.deepEqual(fieldsOf('be', decoder), ['a', '1']);
    const large = 'x'.repeat(40);
    assert.deepEqual(decoder.decode(inserted('b', large)).fields, ['b', large]);
    assert.throws(() => fieldsOf('be', decoder), HpackError);
  });

  it('may name a field by one that its insertion pushes out (RFC 7541, section 4.4)', () => {
    const decoder = newDecoder();
    // 32 + 4 + 1 bytes and not one more: 31 + 6 = 37.
    decoder.decode(concatBytes([fromHex('3f06'), inserted('name', '1')]));
    assert.deepEqual(fieldsOf('7e 01 32', decoder), ['name', '2']);
    assert.deepEqual(fieldsOf('be', decoder), ['name', '2']);
  });

  it('takes up to two sizes at the start of a block: the least, and the last', () => {
    const decoder = newDecoder();
    decoder.decode(inserted('a', '1'));
    assert.deepEqual(fieldsOf('20 3fe11f 82', decoder), [':method', 'GET']);
    assert.throws(() => fieldsOf('be', decoder), HpackError);
  });

  it('begins with 4,096 bytes, and grows when the other end says so', () => {
    const decoder = newDecoder({ tableBytesMax: 8_192 });
    const value = 'x'.repeat(59);
    for (let i = 0; i < 43; i++) decoder.decode(inserted('long', value));
    // 43 of 95 bytes fit into 4,096: indexes 62 to 104.
    assert.deepEqual(fieldsOf('e8', decoder), ['long', value]);
    decoder.decode(inserted('long', value));
    assert.throws(() => fieldsOf('e9', decoder), HpackError);
    decoder.decode(fromHex('3fe13f'));
    for (let i = 0; i < 43; i++) decoder.decode(inserted('long', value));
    // 86 of them: index 147 is 127 + 20.
    assert.deepEqual(fieldsOf('ff14', decoder), ['long', value]);
    assert.throws(() => fieldsOf('ff15', decoder), HpackError);
  });
});

describe('hpack: what is malformed', () => {
  /** What, the block, and some of the reason. */
  const malformed: readonly (readonly [string, string, RegExp])[] = [
    ['index 0', '80', /index 0/],
    ['an index beyond the static table with an empty dynamic one', 'be', /index beyond/],
    ['an index far beyond the tables', 'ff81ffff7f', /index beyond/],
    ['a name by an index beyond the tables', '7e0161', /index beyond/],
    ['an index that ends early', 'ff', /ends in a field/],
    ['a continuation that ends early', 'ff80', /ends in a field/],
    ['an integer just above 2^28', 'ff82ffff7f', /integer too large/],
    ['an integer far above 2^28', 'ffffffffffff', /integer too large/],
    ['an integer of more than five further bytes', 'ff808080808000', /integer too long/],
    ['an integer that is zero for ever', 'ff80808080808080808080', /integer too long/],
    ['a string length that ends early', '40', /ends in a field/],
    ['a name that runs past the block', '400561626364', /runs past the end/],
    ['a value that runs past the block', '400161056263', /runs past the end/],
    ['a value that is missing', '400161', /ends in a field/],
    ['a string of 2^28 bytes', '007f81ffff7f', /runs past the end/],
    ['a Huffman-coded string that runs past the block', '0001618aff', /runs past the end/],
    ['padding of eight bits', '0001618207ff', /padding/],
    ['padding alone', '00016181ff', /padding/],
    ['padding that is not ones', '0001618100', /padding/],
    ['the end-of-string symbol in a string', '00016184ffffffff', /end of string/],
    ['the end-of-string symbol between others', '0001618607ffffffff1f', /end of string/],
    ['a table size above the limit', '3fe21f', /above the limit/],
    ['a table size after a field', '8220', /after a field/],
    ['three table sizes', '20203fe11f82', /too many/],
  ];
  for (const [what, block, reason] of malformed) {
    it(`${what}: ${block}`, () => {
      assert.throws(
        () => fieldsOf(block),
        (error) => error instanceof HpackError && reason.test(error.message),
      );
    });
  }

  it('but integers may have bytes that say nothing', () => {
    // 127 + 2, in five bytes after the first.
    const length = '7f8280808000';
    assert.deepEqual(fieldsOf(`000161${length}${'62'.repeat(129)}`), ['a', 'b'.repeat(129)]);
  });
});

describe('hpack: lists that are too large', () => {
  it('are cut where the limit is, and the table stays in step', () => {
    const decoder = newDecoder({ listBytesMax: 100 });
    // 40 bytes each (RFC 9113, section 6.5.2): two fit.
    const three = ['abcd', 'efgh', 'ijkl'].map((name) => inserted(name, '1234'));
    assert.deepEqual(decoder.decode(concatBytes(three)), {
      fields: ['abcd', '1234', 'efgh', '1234'],
      isTooLarge: true,
    });
    assert.deepEqual(decoder.decode(fromHex('be')), {
      fields: ['ijkl', '1234'],
      isTooLarge: false,
    });
  });

  it('of exactly the limit are whole', () => {
    const block = inserted('abcd', '1234');
    assert.equal(newDecoder({ listBytesMax: 40 }).decode(block).isTooLarge, false);
    assert.equal(newDecoder({ listBytesMax: 39 }).decode(block).isTooLarge, true);
  });

  it('cost no memory: one large field, repeated thousands of times', () => {
    const decoder = newDecoder();
    const value = concatBytes([fromHex('7fa11e'), latin1Bytes('x'.repeat(4_000))]);
    decoder.decode(concatBytes([fromHex('400178'), value]));
    const { fields, isTooLarge } = decoder.decode(new Uint8Array(65_536).fill(0xbe));
    assert.equal(isTooLarge, true);
    assert.equal(fields.length, 2 * Math.floor(listBytesMax / 4_033));
  });
});
