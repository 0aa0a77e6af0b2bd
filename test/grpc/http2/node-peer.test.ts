import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { concatBytes } from '../../../src/base/bytes.ts';
import { openClient, silent, startServer, type TestServer } from './connections.ts';

/** Node's own HTTP/2 (nghttp2) as the other end, in both roles. */

interface Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

function call(session: http2.ClientHttp2Session, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/x', te: 'trailers' });
    const chunks: Buffer[] = [];
    let headers: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('response', (fields) => (headers = fields));
    stream.on('trailers', (fields) => (trailers = fields));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => resolve({ headers, trailers, body: Buffer.concat(chunks) }));
    stream.end(body);
  });
}

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8)) & 0xff;
  return bytes;
}

describe('an HTTP/2 server, called by node:http2', () => {
  let server: TestServer;
  let session: http2.ClientHttp2Session;

  async function start(settings: http2.Settings = {}, limits = {}): Promise<void> {
    server = await startServer({ limits });
    session = http2.connect(`http://127.0.0.1:${server.port}`, { settings });
  }
  afterEach(() => {
    session.destroy();
    server.close();
  });

  it('answers with headers, body and trailers', async () => {
    await start();
    const answer = await call(session, pattern(10));
    assert.equal(answer.headers[':status'], 200);
    assert.deepEqual(new Uint8Array(answer.body), pattern(10));
    assert.equal(answer.trailers['grpc-status'], '0');
  });

  it('takes and gives bodies of many windows', async () => {
    await start();
    const body = pattern(5_000_000);
    const answer = await call(session, body);
    assert.deepEqual(new Uint8Array(answer.body), body);
  });

  it('serves many streams at once', async () => {
    await start();
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => call(session, pattern(i * 20))),
    );
    answers.forEach((answer, i) => assert.deepEqual(new Uint8Array(answer.body), pattern(i * 20)));
  });

  it('sends byte by byte through a window of one', async () => {
    await start({ initialWindowSize: 1 });
    const answer = await call(session, pattern(300));
    assert.deepEqual(new Uint8Array(answer.body), pattern(300));
  });

  it('receives byte by byte through a window of one', async () => {
    await start({}, { streamWindowBytes: 1 });
    // Node has our SETTINGS only after the first exchange.
    await call(session, pattern(1));
    const answer = await call(session, pattern(300));
    assert.deepEqual(new Uint8Array(answer.body), pattern(300));
  });

  it('goes on with streams that wait when SETTINGS widen their windows', async () => {
    await start({ initialWindowSize: 0 });
    const answered = call(session, pattern(100_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    session.settings({ initialWindowSize: 50_000 });
    const answer = await answered;
    assert.deepEqual(new Uint8Array(answer.body), pattern(100_000));
  });
});

describe('an HTTP/2 client, answered by node:http2', () => {
  let server: http2.Http2Server;
  let port: number;
  let onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

  beforeEach(async () => {
    server = http2.createServer();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      onStream(stream, headers);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => server.close());

  it('gets headers, a large body and trailers', async () => {
    onStream = (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.pipe(stream);
    };
    const client = await openClient(port);
    const body = pattern(3_000_000);
    const { heard } = client.request(undefined, body);
    await heard.closed;
    assert.deepEqual(heard.headers[0]?.slice(0, 2), [':status', '200']);
    assert.deepEqual(heard.headers[1], ['grpc-status', '0']);
    assert.deepEqual(concatBytes(heard.chunks), body);
    client.connection.close(0);
    await client.closed;
  });

  it('is told of a reset, and whether the stream was looked at', async () => {
    onStream = (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    const client = await openClient(port);
    const { heard } = client.request();
    await heard.closed;
    assert.deepEqual(heard.resets, [{ code: 7, isUnprocessed: true }]);
    client.connection.destroy();
    await client.closed;
  });

  it('ends its streams, then the connection, when told to go away', async () => {
    onStream = (stream) => {
      stream.session?.goaway(0, 1);
      setTimeout(() => {
        stream.respond({ ':status': 200 });
        stream.end('late');
      }, 30);
    };
    const client = await openClient(port);
    const { heard } = client.request();
    await heard.closed;
    assert.equal(Buffer.concat(heard.chunks).toString(), 'late');
    assert.deepEqual(client.told.slice(0, 1), ['draining']);
    assert.equal(client.connection.open([], true, silent), undefined);
    assert.match(await client.closed, /GOAWAY NO_ERROR/);
  });
});
