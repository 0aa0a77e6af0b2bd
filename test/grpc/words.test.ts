import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { quoteGo, textOfHeader } from '../../src/grpc/go-quote.ts';
import { parseGrpcTimeout } from '../../src/grpc/grpc-timeout.ts';
import { gunzip } from '../../src/grpc/gzip.ts';
import { FieldMetadata, findBase64Error } from '../../src/grpc/metadata.ts';
import { RequestHead } from '../../src/grpc/request-head.ts';
import { encodeStatusText } from '../../src/grpc/status-text.ts';

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('grpc: words of header fields', () => {
  it('reads deadlines in every unit', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['5S', 5000],
      ['3M', 180_000],
      ['2H', 7_200_000],
      ['250m', 250],
      ['1500u', 1.5],
      ['2000n', 0.002],
      ['0S', 0],
      ['00000001S', 1000],
      ['99999999H', 99_999_999 * 3_600_000],
    ];
    for (const [text, ms] of cases) {
      assert.ok(Math.abs((parseGrpcTimeout(text) as number) - ms) <= ms * 1e-12, text);
    }
  });

  it("refuses malformed deadlines in grpc-go's words", () => {
    const unparsed = (digits: string): string =>
      `strconv.ParseUint: parsing "${digits}": invalid syntax`;
    const cases: readonly (readonly [string, string])[] = [
      ['', 'transport: timeout string is too short: ""'],
      ['S', 'transport: timeout string is too short: "S"'],
      ['5x', 'transport: timeout unit is not recognized: "5x"'],
      ['123456789S', 'transport: timeout string is too long: "123456789S"'],
      ['-5S', unparsed('-5')],
      ['+5S', unparsed('+5')],
      ['1_0S', unparsed('1_0')],
      ['1.5S', unparsed('1.5')],
    ];
    for (const [text, error] of cases) assert.equal(parseGrpcTimeout(text), error);
  });

  it('quotes as Go does, taking bytes for UTF-8', () => {
    assert.equal(quoteGo('/a b~'), '"/a b~"');
    assert.equal(quoteGo('x"y\\z'), String.raw`"x\"y\\z"`);
    assert.equal(quoteGo('\t\x01\x7f'), String.raw`"\t\x01\x7f"`);
    assert.equal(quoteGo('caf\xe9'), String.raw`"caf\xe9"`);
    assert.equal(quoteGo(latin1('caf\u00e9 \u{1f600}')), '"caf\u00e9 \u{1f600}"');
    assert.equal(quoteGo(latin1('\u200b\u{e0001}')), String.raw`"\u200b\U000e0001"`);
    assert.equal(quoteGo('\xc3'), String.raw`"\xc3"`);
    assert.equal(textOfHeader(latin1('caf\u00e9')), 'caf\u00e9');
  });

  it('encodes status texts so that they survive as header values', () => {
    assert.equal(encodeStatusText('plain ~ text'), 'plain ~ text');
    assert.equal(encodeStatusText('100% \n\u00e9'), '100%25 %0A%C3%A9');
    // A field whose value begins or ends with a blank is malformed (RFC 9113, section 8.2.1).
    assert.equal(encodeStatusText(' unknown service a '), '%20unknown service a%20');
    assert.equal(encodeStatusText(' '), '%20');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = encodeStatusText(text);
        assert.match(encoded, /^([!-~]([ -~]*[!-~])?)?$/);
        assert.equal(decodeURIComponent(encoded), text);
      }),
    );
  });

  it("takes gRPC's content type among several, as grpc-go does", () => {
    const refusalOf = (...types: readonly string[]): unknown => {
      const fields = types.flatMap((type) => ['content-type', type]);
      return new RequestHead([':method', 'POST', ':authority', 'a', ...fields]).refusal?.httpStatus;
    };
    assert.equal(refusalOf('application/grpc', 'a/b'), undefined);
    assert.equal(refusalOf('a/b', 'application/grpc+proto'), undefined);
    assert.equal(refusalOf('a/b', 'application/grpcx'), 415);
    assert.equal(refusalOf('application/grp'), 415);
    assert.equal(refusalOf(), 415);
  });

  it('finds the first value of a name, and decodes binary ones with and without padding', () => {
    const metadata = new FieldMetadata(['a', '1', 'x-bin', '/wA', 'a', '2', 'y-bin', '/wA=']);
    assert.equal(metadata.get('a'), '1');
    assert.equal(metadata.get('b'), undefined);
    assert.equal(metadata.get('x-bin'), '\xff\x00');
    assert.equal(metadata.get('y-bin'), '\xff\x00');
  });

  it("tells where base64 goes wrong, as Go's decoder does", () => {
    const cases: readonly (readonly [string, number | undefined])[] = [
      ['', undefined],
      ['AA', undefined],
      ['AAA', undefined],
      ['AA==', undefined],
      ['AAA=', undefined],
      ['AB', undefined],
      ['!!!', 0],
      ['AA,BB', 2],
      ['A', 0],
      ['_-8=', 0],
      ['a"b', 1],
      ['A===', 1],
      ['AA=A', 2],
      ['AA==AAAA', 4],
      ['AAA=AAAA', 4],
      ['AAA==', 3],
    ];
    for (const [text, at] of cases) assert.equal(findBase64Error(text), at, text);
  });
});

describe('grpc: compressed messages', () => {
  const text = (packed: Uint8Array): string => {
    const outcome = gunzip(packed, 1000);
    assert.ok(!(outcome instanceof Uint8Array));
    return `${outcome.code} ${outcome.text}`;
  };
  const packed = gzipSync('hello hello hello');

  it('unpack to the limit and not beyond', () => {
    assert.deepEqual(gunzip(gzipSync(Buffer.alloc(1000, 7)), 1000), new Uint8Array(1000).fill(7));
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    assert.equal(text(bomb), '8 grpc: received message after decompression larger than max 1000');
    assert.equal(
      text(gzipSync(Buffer.alloc(1001))),
      '8 grpc: received message after decompression larger than max 1000',
    );
    assert.deepEqual(gunzip(gzipSync(''), 1000), new Uint8Array(0));
  });

  it('may be of several members', () => {
    const outcome = gunzip(Buffer.concat([gzipSync('one '), gzipSync('two')]), 1000);
    assert.equal(Buffer.from(outcome as Uint8Array).toString(), 'one two');
  });

  it("are refused in grpc-go's words when they are broken", () => {
    const header = '13 grpc: failed to decompress the message:';
    const body = '13 grpc: failed to read decompressed data:';
    assert.equal(text(new Uint8Array(0)), `${header} EOF`);
    assert.equal(text(Buffer.from('gar')), `${header} unexpected EOF`);
    assert.equal(text(Buffer.from('garbage garbage garbage')), `${header} gzip: invalid header`);
    assert.equal(text(packed.subarray(0, 15)), `${body} unexpected EOF`);
    assert.equal(text(Buffer.concat([packed, Buffer.from('x')])), `${body} unexpected EOF`);
    const flipped = Buffer.from(packed);
    flipped[flipped.length - 5] = (flipped[flipped.length - 5] as number) ^ 1;
    assert.equal(text(flipped), `${body} gzip: invalid checksum`);
  });
});
