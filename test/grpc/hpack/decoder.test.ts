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
    block[0] = 0xbe;
    const view = block.subarray(0, 1);
    assert.deepEqual(decoder.decode(view).fields, expected);
    view[0] = 0x82;
    assert.deepEqual(fieldsOf('be', decoder), expected);
  });

  it('returns the very same list for the same bytes while the table is as it was', () => {
    const decoder = newDecoder();
    decoder.decode(inserted('a', '1'));
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
  const malformed: Readonly<Record<string, string>> = {
    'index 0': '80',
    'an index beyond the static table with an empty dynamic one': 'be',
    'an index far beyond the tables': 'ffffffff7f',
    'a name by an index beyond the tables': '7e0161',
    'an index that ends early': 'ff',
    'a continuation that ends early': 'ff80',
    'an integer above 2^28': 'ff8181818101',
    'an integer of more than five further bytes': 'ff808080808000',
    'an integer that is zero for ever': `ff${'80'.repeat(1_000)}`,
    'a string length that ends early': '40',
    'a name that runs past the block': '400561626364',
    'a value that runs past the block': '400161056263',
    'a value that is missing': '400161',
    'a string of 2^28 bytes': '00017f81ffff7f',
    'a Huffman-coded string that runs past the block': '0001618aff',
    'padding of eight bits': '0001618207ff',
    'padding alone': '00016181ff',
    'padding that is not ones': '0001618100',
    'the end-of-string symbol in a string': '00016184ffffffff',
    'the end-of-string symbol between others': '0001618607ffffffff1f',
    'a table size above the limit': '3fe21f',
    'a table size after a field': '8220',
    'three table sizes': '20203fe11f82',
  };
  for (const [what, block] of Object.entries(malformed)) {
    it(`${what}: ${block.slice(0, 20)}`, () => {
      assert.throws(() => fieldsOf(block), HpackError);
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
