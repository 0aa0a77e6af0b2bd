import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { gzipSync } from 'node:zlib';
import type { Handler } from '../../src/grpc/types.ts';
import { Fixture } from './fixture.ts';
import { frame, rawCall, type RawRequest } from './raw-call.ts';

/** What etcd 3.7.3 (grpc-go 1.83) answers to requests that are wrong, recorded from it. */

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };
const once: Handler = {
  kind: 'serverStream',
  handle: (call, request) => {
    call.send(request);
    call.end({ code: 0, text: '' });
  },
};
const both: Handler = {
  kind: 'bidi',
  open: (call) => ({
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end({ code: 0, text: '' }),
  }),
};

const oversized = (length: number, flag = 0): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return head;
};
const x = frame('x');
const packed = gzipSync('x');

type Row = readonly [
  what: string,
  request: RawRequest,
  httpStatus: number,
  code: number,
  text?: string,
];
const header = (
  what: string,
  headers: NonNullable<RawRequest['headers']>,
  ...rest: [number, number, string?]
): Row => [what, { headers, body: x }, ...rest];
const body = (what: string, bytes: Uint8Array, ...rest: [number, string?]): Row => [
  what,
  { body: bytes },
  200,
  ...rest,
];
const packedBody = (what: string, bytes: Uint8Array, ...rest: [number, string?]): Row => [
  what,
  { headers: { 'grpc-encoding': 'gzip' }, body: frame(bytes, 1) },
  200,
  ...rest,
];
const type = (value: string | undefined): Row =>
  header(
    `content type ${value}`,
    { 'content-type': value },
    415,
    3,
    `invalid gRPC request content-type "${value ?? ''}"`,
  );
const path = (value: string, text: string): Row => [value, { path: value, body: x }, 200, 12, text];
const timeout = (value: string, text: string): Row =>
  header(`timeout ${value}`, { 'grpc-timeout': value }, 400, 13, `malformed grpc-timeout: ${text}`);
const binary = (value: string, shown: string, at: number): Row =>
  header(
    `binary ${value}`,
    { 'x-bin': value },
    400,
    13,
    `malformed binary metadata "${shown}" in header "x-bin": illegal base64 data at input byte ${at}`,
  );
const stream = (
  what: string,
  name: string,
  request: RawRequest,
  ...rest: [number, string?]
): Row => [`${name}: ${what}`, { path: `/t.S/${name}`, ...request }, 200, ...rest];

const cardinality = (what: string): string =>
  `cardinality violation: received ${what} non-client-streaming RPC`;
const method = (name: string): string =>
  `Received a HEADERS frame with :method "${name}" which should be POST`;
const installed = 'grpc: Decompressor is not installed for grpc-encoding "snappy"';
const flagged = 'grpc: compressed flag set with identity or empty encoding';
const tooLarge = (length: number): string =>
  `grpc: received message larger than max (${length} vs. 2097152)`;

const rows: readonly Row[] = [
  type(undefined),
  type('text/plain'),
  type('application/grpc-web'),
  type('Application/gRPC'),
  header('GET', { ':method': 'GET' }, 405, 13, method('GET')),
  header('PUT', { ':method': 'PUT' }, 405, 13, method('PUT')),
  header(
    'GET of another type',
    { ':method': 'GET', 'content-type': 'a/b' },
    415,
    3,
    'invalid gRPC request content-type "a/b"',
  ),
  path('/foo', 'malformed method name: "/foo"'),
  path('/', 'malformed method name: "/"'),
  path('/x"y\\z', String.raw`malformed method name: "/x\"y\\z"`),
  path('/a.B/c', 'unknown service a.B'),
  path('/t.S/Nope', 'unknown method Nope for service t.S'),
  timeout('', 'transport: timeout string is too short: ""'),
  timeout('1', 'transport: timeout string is too short: "1"'),
  timeout('5x', 'transport: timeout unit is not recognized: "5x"'),
  timeout('-5S', 'strconv.ParseUint: parsing "-5": invalid syntax'),
  timeout('123456789S', 'transport: timeout string is too long: "123456789S"'),
  header('no time', { 'grpc-timeout': '0S' }, 200, 4, 'context deadline exceeded'),
  header('a nanosecond', { 'grpc-timeout': '1n' }, 200, 4, 'context deadline exceeded'),
  header(
    'a wrong timeout and GET',
    { 'grpc-timeout': '5x', ':method': 'GET' },
    400,
    13,
    'malformed grpc-timeout: transport: timeout unit is not recognized: "5x"',
  ),
  binary('!!!', '!!!', 0),
  binary('AA,BB', 'AA,BB', 2),
  binary('A', 'A', 0),
  binary('_-8=', '_-8=', 0),
  binary('a"b', 'a\\"b', 1),
  header(
    'the last error counts',
    { 'x-bin': '!!!', 'grpc-timeout': '5x' },
    400,
    13,
    'malformed grpc-timeout: transport: timeout unit is not recognized: "5x"',
  ),
  packedBody(
    'garbage',
    Buffer.from('garbage garbage garbage'),
    13,
    'grpc: failed to decompress the message: gzip: invalid header',
  ),
  packedBody(
    'short garbage',
    Buffer.from('gar'),
    13,
    'grpc: failed to decompress the message: unexpected EOF',
  ),
  packedBody('nothing, packed', Buffer.alloc(0), 13, 'grpc: failed to decompress the message: EOF'),
  packedBody(
    'truncated',
    packed.subarray(0, 15),
    13,
    'grpc: failed to read decompressed data: unexpected EOF',
  ),
  packedBody(
    'bomb',
    gzipSync(Buffer.alloc(5_000_000)),
    8,
    'grpc: received message after decompression larger than max 2097152',
  ),
  header('unknown encoding', { 'grpc-encoding': 'snappy' }, 200, 12, installed),
  [
    'unknown encoding of an unknown service',
    { path: '/a.B/c', headers: { 'grpc-encoding': 'snappy' }, body: x },
    200,
    12,
    'unknown service a.B',
  ],
  [
    'flag with identity',
    { headers: { 'grpc-encoding': 'identity' }, body: frame('x', 1) },
    200,
    13,
    flagged,
  ],
  body('flag without encoding', frame('x', 1), 13, flagged),
  body('flag 2', frame('x', 2), 13, 'grpc: received unexpected payload format 2'),
  body('flag 255', frame('x', 255), 13, 'grpc: received unexpected payload format 255'),
  [
    'too large, as far as told',
    { body: oversized(0x7fff_ffff), isOpen: true },
    200,
    8,
    tooLarge(0x7fff_ffff),
  ],
  body('too large by far', oversized(0xffff_ffff), 8, tooLarge(0xffff_ffff)),
  body('too large, and a wrong flag', oversized(0xffff_ffff, 2), 8, tooLarge(0xffff_ffff)),
  body('half a prefix', Buffer.from([0, 0]), 2, 'EOF'),
  body('half a message', x.subarray(0, 5), 2, 'unexpected EOF'),
  ['no message', {}, 200, 2, 'EOF'],
  body('two messages', Buffer.concat([x, x]), 0),
  body('a message and a half', Buffer.concat([x, Buffer.from([0, 0])]), 0),
  ['left open', { body: x, isOpen: true }, 200, 0],
  ['unknown, left open', { path: '/a.B/c', body: x, isOpen: true }, 200, 12, 'unknown service a.B'],
  [
    'another type, left open',
    { headers: { 'content-type': 'a/b' }, body: x, isOpen: true },
    415,
    3,
    'invalid gRPC request content-type "a/b"',
  ],
  stream('no message', 'Once', {}, 13, cardinality('no request message from')),
  stream(
    'two messages',
    'Once',
    { body: Buffer.concat([x, x]) },
    13,
    cardinality('multiple request messages for'),
  ),
  stream(
    'a message and a half prefix',
    'Once',
    { body: Buffer.concat([x, Buffer.from([0, 0])]) },
    0,
  ),
  stream(
    'half a prefix',
    'Once',
    { body: Buffer.from([0, 0]) },
    13,
    cardinality('no request message from'),
  ),
  stream('half a message', 'Both', { body: Buffer.from([0, 0, 0, 0, 5, 1]) }, 13, 'unexpected EOF'),
  stream(
    'flag 2',
    'Both',
    { body: frame('x', 2), isOpen: true },
    13,
    'grpc: received unexpected payload format 2',
  ),
  stream('flag 1', 'Both', { body: frame('x', 1), isOpen: true }, 13, flagged),
  stream(
    'too large',
    'Both',
    { body: oversized(0x7fff_ffff), isOpen: true },
    8,
    tooLarge(0x7fff_ffff),
  ),
  stream(
    'garbage',
    'Both',
    { headers: { 'grpc-encoding': 'gzip' }, body: frame('garbage garbage', 1), isOpen: true },
    13,
    'grpc: failed to decompress the message: gzip: invalid header',
  ),
];

describe('grpc: calls that are wrong, as etcd answers them', () => {
  let fixture: Fixture;
  let session: http2.ClientHttp2Session;
  before(async () => {
    fixture = await Fixture.start({ '/t.S/Echo': echo, '/t.S/Once': once, '/t.S/Both': both });
    session = http2.connect(`http://${fixture.address}`);
  });
  after(async () => {
    session.destroy();
    await fixture.stop();
  });

  for (const [what, request, httpStatus, code, text] of rows) {
    it(what, async () => {
      const { headers, trailers, isAborted, resetCode } = await rawCall(session, request);
      const end = { ...headers, ...trailers };
      assert.deepEqual(
        [end[':status'], end['content-type'], end['grpc-status'], end['grpc-message']],
        [String(httpStatus), 'application/grpc', String(code), text],
      );
      // RST_STREAM follows the answer where the caller could go on, with NO_ERROR.
      assert.deepEqual([isAborted, resetCode], [request.isOpen === true, 0]);
      assert.equal((await rawCall(session, { body: x })).trailers['grpc-status'], '0');
    });
  }

  it('answers in the words of the content type', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['application/grpc', 'application/grpc'],
      ['application/grpc+proto', 'application/grpc+proto'],
      ['application/grpc+json', 'application/grpc+json'],
      ['application/grpc;charset=utf-8', 'application/grpc+charset=utf-8'],
      ['application/grpc+', 'application/grpc'],
    ];
    for (const [asked, answered] of cases) {
      const request = { headers: { 'content-type': asked }, body: x };
      const { headers, trailers, body: bytes } = await rawCall(session, request);
      assert.deepEqual([headers['content-type'], trailers['grpc-status']], [answered, '0']);
      assert.deepEqual(bytes, x);
    }
  });

  it('says which encodings it knows to who uses another', async () => {
    const { headers } = await rawCall(session, { headers: { 'grpc-encoding': 'br' }, body: x });
    assert.equal(headers['grpc-accept-encoding'], 'identity,gzip');
  });

  it('takes compressed messages beside others', async () => {
    const bytes = Buffer.concat([frame(packed, 1), frame('y'), frame(gzipSync('z'), 1)]);
    const headers = { 'grpc-encoding': 'gzip' };
    const answer = await rawCall(session, { path: '/t.S/Both', headers, body: bytes });
    assert.deepEqual(answer.body, Buffer.concat([x, frame('y'), frame('z')]));
  });
});
