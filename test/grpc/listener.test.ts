import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { createGrpcServer } from '../../src/grpc/engines.ts';
import { listen, type ListenerLimits } from '../../src/grpc/listener.ts';
import { formatListenAddress, parseListenAddress } from '../../src/grpc/listen-address.ts';
import type { GrpcServerLimits, Handler, StreamCall } from '../../src/grpc/types.ts';
import { describeOnEngines, Fixture, readToEnd, testLimits, unary, until } from './fixture.ts';

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };
const handlers = { '/t.S/Echo': echo };
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(`${response.statusCode} ${body}`));
      })
      .on('error', reject);
  });
}

describeOnEngines('grpc: the listener', (engine) => {
  let fixture: Fixture | undefined;
  afterEach(async () => {
    await fixture?.stop();
    fixture = undefined;
  });
  const start = async (
    handlers: Readonly<Record<string, Handler>>,
    limits: Partial<ListenerLimits & GrpcServerLimits> = {},
    address = '127.0.0.1:0',
  ): Promise<Fixture> => (fixture = await Fixture.start(handlers, limits, { engine, address }));
  const isServing = async (served: Fixture): Promise<void> => {
    const { message } = await unary(served.channel(), '/t.S/Echo', utf8('well'));
    assert.equal(message && textOf(message), 'well');
    assert.equal(await get(served.port, '/health'), '200 GET /health');
  };

  it('serves gRPC and HTTP/1.1 beside one another on one port', async () => {
    const served = await start(handlers);
    await Promise.all(Array.from({ length: 10 }, () => isServing(served)));
  });

  it('tells the protocol from bytes that come one by one', async () => {
    const served = await start(handlers);
    const post = served.socket();
    const answer = readToEnd(post);
    for (const letter of 'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') {
      post.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await answer, /^HTTP\/1\.1 200 OK[^]*POST \/v3\/kv\/put/);
    const h2 = served.socket();
    let bytes = 0;
    h2.on('data', (chunk: Buffer) => (bytes += chunk.length));
    for (const letter of preface) {
      h2.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    h2.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    await until('the server sends its settings', () => bytes > 9);
    h2.destroy();
    await isServing(served);
  });

  it('keeps what came in the same segment as the preface', async () => {
    const served = await start(handlers);
    const socket = served.socket();
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    socket.write(
      Buffer.concat([Buffer.from(preface), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), ping]),
    );
    const ack = Buffer.from([0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    await until('the ping is answered', () => received.includes(ack));
  });

  it('is harmed by no garbage', async () => {
    const served = await start(handlers);
    const random = seededRandom(3);
    const noise = (length: number): Buffer =>
      Buffer.from(Array.from({ length }, () => random.below(256)));
    const frame = (type: number, flags: number, stream: number, body: Buffer): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(body.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, body]);
    };
    const h2 = (...frames: readonly Buffer[]): Buffer =>
      Buffer.concat([Buffer.from(preface), frame(4, 0, 0, Buffer.alloc(0)), ...frames]);
    const inputs = [
      noise(1000),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
      Buffer.from('GET / HTTP/9.9\r\n\r\n'),
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]),
      Buffer.concat([Buffer.from(preface), noise(500)]),
      h2(frame(1, 4, 1, noise(200))),
      h2(frame(0, 0, 1, noise(50))),
      h2(frame(8, 0, 0, Buffer.from([0, 0, 0, 0]))),
      h2(frame(6, 0, 0, noise(3))),
      h2(frame(5, 4, 2, noise(9)), frame(9, 4, 5, noise(9))),
      ...Array.from({ length: 40 }, () =>
        h2(frame(random.below(12), random.below(256), random.below(4), noise(random.below(60)))),
      ),
    ];
    for (const input of inputs) {
      const socket = served.socket();
      socket.write(input);
      await new Promise((resolve) => setTimeout(resolve, 2));
      socket.resetAndDestroy();
    }
    await isServing(served);
  });

  it('is harmed by no garbage in the messages of a call', async () => {
    const served = await start({
      ...handlers,
      '/t.S/Both': {
        kind: 'bidi',
        open: () => ({ onMessage: () => undefined, onHalfClose: () => undefined }),
      },
    });
    const session = http2.connect(`http://${served.address}`);
    const bodies = [
      Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([9, 0, 0, 0, 1, 1]),
      Buffer.from([1, 0, 0, 0, 3, 1, 2, 3]),
      Buffer.from([0, 0, 0, 0, 9, 1]),
      Buffer.from([0]),
      Buffer.alloc(0),
    ];
    for (const path of ['/t.S/Echo', '/t.S/Both']) {
      for (const body of bodies) {
        for (const headers of [{}, { 'grpc-encoding': 'gzip' }, { 'grpc-timeout': 'soon' }]) {
          const stream = session.request({
            ':method': 'POST',
            ':path': path,
            'content-type': 'application/grpc',
            ...headers,
          });
          stream.on('error', () => undefined);
          stream.resume();
          stream.write(body);
          await new Promise((resolve) => setTimeout(resolve, 2));
          stream.close(8);
        }
      }
    }
    const plain = session.request({ ':path': '/t.S/Echo' });
    const status = await new Promise((resolve) =>
      plain.on('response', (headers) => resolve(headers[':status'])),
    );
    assert.equal(status, 415);
    session.destroy();
    await isServing(served);
  });

  it('closes connections that say nothing, or too slowly', async () => {
    const served = await start(handlers, { sniffTimeoutMs: 150, headersTimeoutMs: 300 });
    const silent = readToEnd(served.socket());
    const halfPreface = served.socket();
    halfPreface.write(preface.slice(0, 10));
    const half = readToEnd(halfPreface);
    const slow = served.socket();
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const answer = readToEnd(slow);
    assert.deepEqual([await silent, await half], ['', '']);
    assert.match(await answer, /^HTTP\/1\.1 408 /);
    await until('none is left', () => served.listener.connectionCount === 0);
  });

  it('accepts no more connections than it may', async () => {
    const served = await start(handlers, { connectionsMax: 2 });
    const first = served.socket();
    const second = served.socket();
    await until('two are in', () => served.listener.connectionCount === 2);
    assert.equal(await readToEnd(served.socket()), '');
    first.destroy();
    second.destroy();
    await until('both are gone', () => served.listener.connectionCount === 0);
    assert.equal(await get(served.port, '/health'), '200 GET /health');
  });

  it('names the address that is taken, as etcd does', async () => {
    const served = await start(handlers);
    const grpc = createGrpcServer(engine, { handlers: new Map(), limits: testLimits });
    const http = (): void => undefined;
    const again = await listen({ address: served.address, grpc, http });
    assert.deepEqual(again, {
      ok: false,
      error: {
        code: 'EADDRINUSE',
        address: served.address,
        text: `listen tcp ${served.address}: bind: address already in use`,
      },
    });
    const malformed = await listen({ address: 'nowhere', grpc, http });
    assert.equal(malformed.ok || malformed.error.code, 'EINVAL');
  });

  it('listens on Unix sockets, takes over one that was left behind, and removes no other file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-'));
    const address = `unix://${join(folder, 'client.sock')}`;
    const served = await start(handlers, {}, address);
    assert.equal((await unary(served.channel(), '/t.S/Echo', utf8('x'))).status.code, 0);
    const grpc = createGrpcServer(engine, { handlers: new Map(), limits: testLimits });
    const http = (): void => undefined;
    const taken = await listen({ address, grpc, http });
    assert.equal(taken.ok || taken.error.code, 'EADDRINUSE');

    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    const refused = await listen({ address: `unix://${file}`, grpc, http });
    assert.equal(refused.ok || refused.error.code, 'EADDRINUSE');

    const left = join(folder, 'left.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(left)}, () => process.exit())`;
    const { execFileSync } = await import('node:child_process');
    execFileSync(process.execPath, ['-e', script]);
    const taker = await listen({ address: `unix://${left}`, grpc, http });
    assert.equal(taker.ok, true);
    if (taker.ok) await new Promise<void>((done) => taker.listener.close(0, done));
    await served.stop();
    fixture = undefined;
    rmSync(folder, { recursive: true });
  });

  it('reads and writes addresses', () => {
    for (const text of ['127.0.0.1:2379', '[::1]:2380', ':0', 'localhost:1', 'unix:///run/x']) {
      const address = parseListenAddress(text);
      assert.equal(address && formatListenAddress(address), text);
    }
    for (const text of ['', '127.0.0.1', '::1:80', 'host:99999', 'host:x', 'unix://']) {
      assert.equal(parseListenAddress(text), undefined, text);
    }
  });

  it('lets calls in flight end when it closes, and breaks what has not ended after the grace', async () => {
    const waiting: StreamCall[] = [];
    const wait: Handler = { kind: 'serverStream', handle: (call) => void waiting.push(call) };
    const served = await Fixture.start({ '/t.S/Wait': wait }, {}, { engine });
    const codes: number[] = [];
    const channel = served.channel();
    for (let i = 0; i < 2; i++) {
      const events = {
        onMessage: () => undefined,
        onDrain: () => undefined,
        onEnd: ({ code }: { code: number }) => void codes.push(code),
      };
      const stream = channel.stream('/t.S/Wait', {}, events);
      stream.send(utf8('x'));
      stream.halfClose();
    }
    await until('both calls are in', () => waiting.length === 2);
    let isClosed = false;
    served.grpc.close(300, () => undefined);
    served.listener.close(300, () => (isClosed = true));
    waiting[0]?.end({ code: 0, text: '' });
    await until('the first ends well', () => codes.length === 1);
    assert.deepEqual([codes, isClosed], [[0], false]);
    await until('the second is broken', () => isClosed && codes.length === 2);
    assert.notEqual(codes[1], 0);
    const late = net.connect(served.port, '127.0.0.1');
    const code = await new Promise((resolve) =>
      late.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    assert.equal(code, 'ECONNREFUSED');
    channel.close();
  });

  it('dismisses a client that pings too often, and bears one that pings within reason', async () => {
    const ping = (session: http2.ClientHttp2Session): Promise<unknown> =>
      new Promise((resolve) => void session.ping((error) => resolve(error)));
    const served = await start(handlers, { keepAliveMinTimeMs: 50 });
    const hasty = http2.connect(`http://${served.address}`);
    hasty.on('error', () => undefined);
    await new Promise((resolve) => hasty.once('connect', resolve));
    let goaway = '';
    hasty.on('goaway', (code, _last, data?: Buffer) => (goaway = `${code} ${data?.toString()}`));
    for (let i = 0; i < 5 && !hasty.destroyed; i++) await ping(hasty).catch(() => undefined);
    await until('it is sent away', () => goaway !== '');
    assert.equal(goaway, '11 too_many_pings');

    const wait: Handler = { kind: 'unary', handle: () => undefined };
    const calm = await Fixture.start({ '/t.S/Wait': wait }, { keepAliveMinTimeMs: 50 }, { engine });
    const session = http2.connect(`http://${calm.address}`);
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('connect', resolve));
    session.request({
      ':method': 'POST',
      ':path': '/t.S/Wait',
      'content-type': 'application/grpc',
    });
    for (let i = 0; i < 6; i++) {
      assert.equal(await ping(session), null);
      await new Promise((resolve) => setTimeout(resolve, 70));
    }
    assert.equal(session.destroyed, false);
    session.destroy();
    await calm.stop();
  });
});
