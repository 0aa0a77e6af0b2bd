import assert from 'node:assert/strict';
import { hex } from '../../../src/base/bytes.ts';
import { createHeaderDecoder } from '../../../src/grpc/hpack/decoder.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import type { HeaderEncoder, HeaderList } from '../../../src/grpc/hpack/types.ts';
import { examples } from './examples.ts';

const responseHeaders: HeaderList = [':status', '200', 'content-type', 'application/grpc'];
const trailers: HeaderList = ['grpc-status', '0', 'grpc-message', ''];

const newDecoder = () => createHeaderDecoder({ tableBytesMax: 4_096, listBytesMax: 1_000_000 });

/** An encoder whose blocks are all decoded, as the other end would. */
class Pair {
  readonly encoder: HeaderEncoder = createHeaderEncoder();
  private readonly decoder = newDecoder();

  /** The block in hexadecimal digits; what it decodes to is what went in. */
  send(fields: HeaderList): string {
    const block = this.encoder.encode(fields);
    assert.deepEqual(this.decoder.decode(block), { fields, isTooLarge: false });
    return hex(block);
  }
}

describe('hpack: encoding', () => {
  it('writes requests as in RFC 7541, appendix C.4', () => {
    const encoder = createHeaderEncoder();
    const requests = examples.find(({ section }) => section === 'C.4');
    assert.ok(requests);
    for (const { block, fields } of requests.blocks) {
      assert.equal(hex(encoder.encode(fields)), hex(block));
    }
  });

  it('writes constant lists as a byte a field from the second time on, and the same block', () => {
    const pair = new Pair();
    pair.send(responseHeaders);
    pair.send(['grpc-status', '0']);
    assert.equal(pair.send(responseHeaders), '88bf');
    assert.equal(pair.send(['grpc-status', '0']), 'be');
    assert.equal(pair.encoder.encode(responseHeaders), pair.encoder.encode(responseHeaders));
  });

  it('tells a list that it knows anew once the table has changed', () => {
    const pair = new Pair();
    pair.send(responseHeaders);
    assert.equal(pair.send(responseHeaders), '88be');
    assert.equal(pair.send(responseHeaders), '88be');
    pair.send(['another', 'field']);
    assert.equal(pair.send(responseHeaders), '88bf');
  });

  it('keeps the values that vary out of the table', () => {
    const pair = new Pair();
    pair.send(trailers);
    const names = ['grpc-timeout', 'grpc-message', 'content-length', 'grpc-status-details-bin'];
    for (const name of names) {
      for (let i = 0; i < 10; i++) pair.send([name, `${i}m`]);
    }
    assert.ok(pair.send(['grpc-status', '0']).startsWith('be'));
  });

  it('never indexes what is secret', () => {
    const pair = new Pair();
    for (const name of ['authorization', 'token', 'cookie', 'proxy-authorization']) {
      const first = pair.send([name, 'secret']);
      assert.equal(parseInt(first.slice(0, 2), 16) >> 4, 1, name);
      assert.equal(pair.send([name, 'secret']), first);
    }
  });

  it('indexes sixteen values of one name, and leaves the table alone with further ones', () => {
    const pair = new Pair();
    pair.send(['grpc-status', '0']);
    for (let i = 0; i < 1_000; i++) pair.send([':path', `/package.Service/Method${i}`]);
    assert.equal(pair.send([':path', '/package.Service/Method0']), 'cd');
    assert.equal(pair.send([':path', '/package.Service/Method15']), 'be');
    assert.equal(pair.send(['grpc-status', '0']), 'ce');
    assert.ok(pair.send([':path', '/package.Service/Method16']).length > 2);
  });

  it('indexes other values of that name when the first have gone', () => {
    const pair = new Pair();
    for (let i = 0; i < 16; i++) pair.send([':path', `/${i}`]);
    for (let i = 0; i < 200; i++) pair.send([`name-${i}`, 'x']);
    pair.send([':path', '/later']);
    assert.equal(pair.send([':path', '/later']), 'be');
  });

  it('does not give up the table for one large field', () => {
    const pair = new Pair();
    pair.send(['grpc-status', '0']);
    for (const bytes of [2_100, 5_000, 70_000]) pair.send(['large', 'x'.repeat(bytes)]);
    assert.equal(pair.send(['grpc-status', '0']), 'be');
  });

  it('uses the Huffman code only where it is shorter', () => {
    const pair = new Pair();
    assert.equal(pair.send(['grpc-timeout', '!!!']).slice(-8), '03212121');
    assert.equal(pair.send(['grpc-timeout', 'XX']).slice(-6), '025858');
    assert.equal(pair.send(['grpc-timeout', '1000000u']).slice(-14), '860800000016ff');
  });

  it('refuses text that is not Latin-1, rather than tell something else', () => {
    assert.throws(() => createHeaderEncoder().encode(['a', '\u0100']), /Latin-1/);
    assert.throws(() => createHeaderEncoder().encode(['a', '\u{1f600}']), /Latin-1/);
  });
});

describe('hpack: the other end changes the size of the table', () => {
  it('shrinks it at once, and the next block says so', () => {
    const pair = new Pair();
    pair.send(responseHeaders);
    pair.encoder.setTableBytesMax(0);
    assert.ok(pair.send(responseHeaders).startsWith('2088'));
    // Nothing is worth indexing any more, and the size is told once.
    const literal = pair.send(responseHeaders);
    assert.ok(literal.startsWith('880f'));
    assert.equal(pair.send(responseHeaders), literal);
  });

  it('tells the least size in between, since that is what emptied it (RFC 7541, section 4.2)', () => {
    const pair = new Pair();
    pair.send(responseHeaders);
    for (const bytes of [1_000, 10, 500, 3_000]) pair.encoder.setTableBytesMax(bytes);
    // 10 is below the prefix's limit; 3,000 is 31 + 2,969.
    assert.ok(pair.send(responseHeaders).startsWith('2a3f991788'));
    assert.equal(pair.send(responseHeaders), '88be');
  });

  it('does not tell what has not changed', () => {
    const pair = new Pair();
    pair.send(responseHeaders);
    pair.encoder.setTableBytesMax(65_536);
    pair.encoder.setTableBytesMax(4_096);
    assert.equal(pair.send(responseHeaders), '88be');
  });

  it('never uses more than 4,096 bytes, whatever is allowed', () => {
    const pair = new Pair();
    pair.encoder.setTableBytesMax(0);
    pair.encoder.setTableBytesMax(2 ** 32 - 1);
    assert.ok(pair.send(responseHeaders).startsWith('203fe11f88'));
    for (let i = 0; i < 300; i++) pair.send([`name-${i}`, 'x'.repeat(50)]);
  });
});
