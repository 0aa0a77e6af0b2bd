import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import type * as net from 'node:net';
import { gzipSync } from 'node:zlib';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { openFastChannel } from '../../src/grpc/fast-channel.ts';
import type { GrpcChannel, Status } from '../../src/grpc/types.ts';
import { recordEvents } from './client-events.ts';
import { unary, until, type UnaryOutcome } from './fixture.ts';

type Answer = (stream: http2.ServerHttp2Stream) => void;

const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' };

function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Headers, a body as it is, and trailers; without trailers the body ends the stream. */
function whole(
  headers: http2.OutgoingHttpHeaders,
  body: Uint8Array,
  trailers?: http2.OutgoingHttpHeaders,
): Answer {
  return (stream) => {
    stream.respond(headers, { waitForTrailers: trailers !== undefined });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.end(body);
  };
}

const only =
  (headers: http2.OutgoingHttpHeaders): Answer =>
  (stream) =>
    stream.respond(headers, { endStream: true });

describe('grpc: what the fast channel makes of answers', () => {
  let server: http2.Http2Server;
  let answer: Answer;
  let channel: GrpcChannel;
  let seen: http2.IncomingHttpHeaders;
  const sessions: http2.ServerHttp2Session[] = [];

  before(async () => {
    server = http2.createServer();
    server.on('session', (session) => sessions.push(session));
    server.on('stream', (stream, headers) => {
      seen = headers;
      stream.on('error', () => undefined);
      stream.resume();
      answer(stream);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as net.AddressInfo;
    channel = openFastChannel({
      addresses: [`127.0.0.1:${port}`],
      reconnectMaxMs: 100,
      userAgent: 'test/1',
    });
  });
  after(() => {
    channel.close();
    for (const session of sessions) session.destroy();
    server.close();
  });

  const call = (given: Answer): Promise<UnaryOutcome> => {
    answer = given;
    return unary(channel, '/t.S/M', utf8('x'), { timeoutMs: 5000 });
  };
  const statusOf = async (given: Answer): Promise<Status> => (await call(given)).status;

  it('sends the headers of a gRPC request', async () => {
    answer = whole(grpcHeaders, framed(utf8('y')), { 'grpc-status': '0' });
    const metadata = { Token: 'secret', 'raw-bin': '\xff\x00\x01' };
    await unary(channel, '/t.S/M', utf8('x'), { metadata, timeoutMs: 123_456_789_000 });
    const { ':authority': authority, ...fields } = seen;
    assert.match(authority ?? '', /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(
      { ...fields },
      {
        ':method': 'POST',
        ':scheme': 'http',
        ':path': '/t.S/M',
        'content-type': 'application/grpc',
        'user-agent': 'test/1 grpc-quorate',
        te: 'trailers',
        'grpc-accept-encoding': 'identity,gzip',
        token: 'secret',
        'raw-bin': '/wAB',
        [http2.sensitiveHeaders]: ['token'],
      },
      'a deadline that no timer reaches is not sent',
    );
    await unary(channel, '/t.S/M', utf8('x'), { timeoutMs: 60_000 });
    assert.match(String(seen['grpc-timeout']), /^(60000|59\d\d\d)m$/);
  });

  it('takes the status from the trailers, those without a body included', async () => {
    const y = framed(utf8('y'));
    const { status, message } = await call(whole(grpcHeaders, y, { 'grpc-status': '0' }));
    assert.deepEqual([status, message], [{ code: 0, text: '' }, utf8('y')]);
    const text = { 'grpc-status': '5', 'grpc-message': 'a%20b%C3%A9 100%25 %zz %2' };
    assert.deepEqual(await statusOf(only({ ...grpcHeaders, ...text })), {
      code: 5,
      text: 'a b\u00e9 100% %zz %2',
    });
    assert.equal((await statusOf(whole(grpcHeaders, y, { 'grpc-status': '99' }))).code, 99);
    assert.equal((await statusOf(whole(grpcHeaders, y, { 'grpc-status': 'ok' }))).code, 2);
  });

  it('takes an answer without a status for what its HTTP status says', async () => {
    const table = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14, 500: 2 };
    for (const [http, code] of Object.entries(table)) {
      const html = { ':status': Number(http), 'content-type': 'text/html' };
      const status = await statusOf(whole(html, Buffer.from('<html>')));
      assert.equal(status.code, code, http);
      assert.match(
        status.text,
        new RegExp(`${http}; received unexpected content-type "text/html"`),
      );
      const bare = await statusOf(only({ ':status': Number(http) }));
      assert.equal(bare.code, code, http);
    }
    assert.equal((await statusOf(only({ ':status': 200 }))).code, 2);
    assert.equal((await statusOf(only(grpcHeaders))).code, 2);
    const odd = { ...grpcHeaders, ':status': 503 };
    assert.equal((await statusOf(whole(odd, Buffer.alloc(0), {}))).code, 14);
    assert.equal((await statusOf(whole(odd, Buffer.alloc(0), { 'grpc-status': '9' }))).code, 9);
  });

  it('tells an answer that is cut short from one that is whole', async () => {
    const y = framed(utf8('y'));
    const cases: readonly (readonly [Answer, RegExp])[] = [
      [whole(grpcHeaders, y), /without sending trailers/],
      [whole(grpcHeaders, y.subarray(0, 3), { 'grpc-status': '0' }), /unexpected EOF/],
      [whole(grpcHeaders, y.subarray(0, 5), { 'grpc-status': '0' }), /unexpected EOF/],
      [whole(grpcHeaders, Buffer.alloc(0), { 'grpc-status': '0' }), /no response message/],
      [whole(grpcHeaders, Buffer.concat([y, y]), { 'grpc-status': '0' }), /2 response messages/],
    ];
    for (const [given, text] of cases) {
      const { status, message } = await call(given);
      assert.deepEqual([status.code, message], [13, undefined], status.text);
      assert.match(status.text, text);
    }
  });

  it('understands compressed messages, and refuses what they must not be', async () => {
    const packed = gzipSync(utf8('hello'));
    const gzip = { ...grpcHeaders, 'grpc-encoding': 'gzip' };
    const ok = { 'grpc-status': '0' };
    const { message } = await call(whole(gzip, framed(packed, 1), ok));
    assert.equal(textOf(message ?? utf8('')), 'hello');
    const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024));
    const cases: readonly (readonly [Answer, number])[] = [
      [whole(grpcHeaders, framed(packed, 1), ok), 13],
      [whole({ ...grpcHeaders, 'grpc-encoding': 'br' }, framed(packed, 1), ok), 13],
      [whole(gzip, framed(utf8('no gzip'), 1), ok), 13],
      [whole(gzip, framed(packed, 2), ok), 13],
      [whole(gzip, framed(bomb, 1), ok), 8],
    ];
    for (const [i, [given, code]] of cases.entries()) {
      assert.equal((await statusOf(given)).code, code, String(i));
    }
  });

  it('does not take memory for a message that is only announced', async () => {
    const huge = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    const beforeBytes = process.memoryUsage().arrayBuffers;
    const events = recordEvents();
    answer = (stream) => {
      stream.respond(grpcHeaders);
      stream.write(huge);
    };
    const stream = channel.stream('/t.S/M', {}, events);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(process.memoryUsage().arrayBuffers - beforeBytes < 16 * 1024 * 1024);
    stream.cancel();
    await until('it ends', () => events.ends.length === 1);
  });

  it('passes over informational headers', async () => {
    const given: Answer = (stream) => {
      stream.additionalHeaders({ ':status': 103 });
      whole(grpcHeaders, framed(utf8('y')), { 'grpc-status': '0' })(stream);
    };
    assert.equal((await statusOf(given)).code, 0);
  });

  it('hands over what came before a failure, however it is cut into frames', async () => {
    const body = Buffer.concat([framed(utf8('one')), framed(utf8('two')), framed(utf8('three'))]);
    answer = (stream) => {
      stream.respond(grpcHeaders, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '10' }));
      for (const byte of body) stream.write(Buffer.from([byte]));
      stream.end();
    };
    const events = recordEvents();
    channel.stream('/t.S/M', {}, events).halfClose();
    await until('it ends', () => events.ends.length === 1);
    assert.deepEqual(events.messages.map(textOf), ['one', 'two', 'three']);
    assert.equal(events.ends[0]?.code, 10);
  });

  it('keeps the end of a stream back until its caller has resumed', async () => {
    const body = Buffer.concat([framed(utf8('one')), framed(utf8('two'))]);
    answer = whole(grpcHeaders, body, { 'grpc-status': '0' });
    const events = recordEvents({ onMessage: (count) => count === 1 && stream.pause() });
    const stream = channel.stream('/t.S/M', {}, events);
    stream.halfClose();
    await until('the first', () => events.messages.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([events.messages.length, events.ends.length], [1, 0]);
    stream.resume();
    await until('it ends', () => events.ends.length === 1);
    assert.deepEqual(events.messages.map(textOf), ['one', 'two']);
  });

  it('stops sending when the server has ended the call first', async () => {
    let received = 0;
    let isClosed = false;
    answer = (stream) => {
      stream.on('data', (chunk: Buffer) => (received += chunk.length));
      stream.on('close', () => (isClosed = true));
      stream.respond({ ...grpcHeaders, 'grpc-status': '9' }, { endStream: true });
    };
    const events = recordEvents();
    const stream = channel.stream('/t.S/M', {}, events);
    await until('it ends', () => events.ends.length === 1);
    assert.equal(stream.send(utf8('late')), true);
    await until('the stream is closed on both sides', () => isClosed);
    assert.equal(received, 0);
  });

  it('drops what is left of a request that the server has answered without reading it', async () => {
    let resetCode: number | undefined;
    answer = (stream) => {
      // Nobody reads: the request fills the window, and most of it stays behind.
      stream.removeAllListeners('data');
      stream.pause();
      stream.on('close', () => (resetCode = stream.rstCode));
      stream.respond({ ...grpcHeaders, 'grpc-status': '9' }, { endStream: true });
    };
    const done = await unary(channel, '/t.S/M', new Uint8Array(1_000_000), { timeoutMs: 5000 });
    assert.equal(done.status.code, 9);
    await until('the stream is closed on both sides', () => resetCode !== undefined);
    assert.equal(resetCode, http2.constants.NGHTTP2_CANCEL);
  });
});
