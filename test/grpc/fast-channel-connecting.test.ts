import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../src/base/bytes.ts';
import { openFastChannel } from '../../src/grpc/fast-channel.ts';
import type { Handler, GrpcChannel } from '../../src/grpc/types.ts';
import { Gate } from '../peer/real-member.ts';
import { recordEvents } from './client-events.ts';
import { Fixture, unary, until } from './fixture.ts';

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };
const request = utf8('x');

/** A server of node:http2 that does as the test says, and counts its connections. */
class RawServer {
  readonly server: http2.Http2Server;
  readonly sessions: http2.ServerHttp2Session[] = [];
  private readonly sockets: net.Socket[] = [];

  private constructor(onStream: (stream: http2.ServerHttp2Stream) => void) {
    this.server = http2.createServer();
    this.server.on('session', (session) => this.sessions.push(session));
    this.server.on('connection', (socket: net.Socket) => this.sockets.push(socket));
    this.server.on('sessionError', () => undefined);
    this.server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      onStream(stream);
    });
  }

  static async start(onStream: (stream: http2.ServerHttp2Stream) => void): Promise<RawServer> {
    const raw = new RawServer(onStream);
    await new Promise<void>((done) => raw.server.listen(0, '127.0.0.1', done));
    return raw;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  /** Breaks every connection without a word. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    return new Promise((done) => this.server.close(() => done()));
  }
}

function answer(stream: http2.ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.resume().end(Buffer.from([0, 0, 0, 0, 1, 121]));
}

/** A port on which nothing listens. */
async function deadAddress(): Promise<string> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((done) => server.close(() => done()));
  return `127.0.0.1:${port}`;
}

describe('grpc: how the fast channel connects', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  const open = (first: string, ...others: readonly string[]): GrpcChannel => {
    const channel = openFastChannel({ addresses: [first, ...others], reconnectMaxMs: 200 });
    closers.push(() => channel.close());
    return channel;
  };
  const serve = async (address: string): Promise<Fixture> => {
    const fixture = await Fixture.start({ '/t.S/Echo': echo }, {}, { address });
    closers.push(() => fixture.stop());
    return fixture;
  };
  const serveRaw = async (onStream: Parameters<typeof RawServer.start>[0]): Promise<RawServer> => {
    const raw = await RawServer.start(onStream);
    closers.push(() => raw.stop());
    return raw;
  };

  it('reaches a Unix socket, an IPv6 address and a name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fast-channel-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const addresses = [`unix://${folder}/s`, '[::1]:0', 'localhost:0'];
    for (const address of addresses) {
      const { listener } = await serve(address);
      const { status } = await unary(open(listener.addressText), '/t.S/Echo', request);
      assert.equal(status.code, 0, address);
    }
  });

  it('fails the calls that wait for the first attempt, with the address and the reason', async () => {
    const address = await deadAddress();
    const channel = open(address);
    const outcomes = await Promise.all([1, 2].map(() => unary(channel, '/t.S/Echo', request)));
    for (const { status } of outcomes) {
      assert.equal(status.code, 14);
      assert.match(status.text, /ECONNREFUSED/);
      assert.ok(status.text.includes(address), status.text);
    }
    const events = recordEvents();
    channel.stream('/t.S/Echo', {}, events).send(request);
    assert.equal(events.ends.length, 0, 'not before its own turn is over');
    await Promise.resolve();
    assert.equal(events.ends[0]?.code, 14, 'a call between two attempts does not wait');
  });

  it('comes back by itself', async () => {
    const address = await deadAddress();
    const channel = open(address);
    assert.equal((await unary(channel, '/t.S/Echo', request)).status.code, 14);
    const fixture = await serve(address);
    await until('a connection stands', () => fixture.listener.connectionCount === 1);
    let code = 14;
    for (let i = 0; i < 100 && code !== 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      code = (await unary(channel, '/t.S/Echo', request)).status.code;
    }
    assert.equal(code, 0);
  });

  it('pauses longer and longer between attempts, to the limit', async () => {
    const times: number[] = [];
    const server = net.createServer((socket) => {
      times.push(performance.now());
      socket.destroy();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(() => server.close());
    const channel = open(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    const { status } = await unary(channel, '/t.S/Echo', request);
    assert.equal(status.code, 14);
    await until('six attempts', () => times.length >= 6);
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number));
    // 100, 160, 200, 200, 200, each up to a fifth shorter or longer; other work can only lengthen them.
    const shortest = [80, 128, 160, 160, 160];
    for (const [i, pause] of pauses.slice(0, 5).entries()) {
      assert.ok(pause >= (shortest[i] as number) - 5, `pause ${i} of ${pause} ms`);
    }
  });

  it('tries addresses in order until one answers', async () => {
    const { address } = await serve('127.0.0.1:0');
    const channel = open(await deadAddress(), address, await deadAddress());
    assert.equal((await unary(channel, '/t.S/Echo', request)).status.code, 0);
  });

  it('gives up on a server that accepts and says nothing, when the deadline passes', async () => {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => sockets.push(socket));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(
      () => server.close(),
      () => sockets.forEach((socket) => socket.destroy()),
    );
    const channel = open(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    const { status } = await unary(channel, '/t.S/Echo', request, { timeoutMs: 100 });
    assert.equal(status.code, 4);
  });

  it('refuses an address that is none', async () => {
    const { status } = await unary(open('nonsense'), '/t.S/Echo', request);
    assert.deepEqual(status, { code: 14, text: 'no connection: nonsense: malformed address' });
  });

  it('takes a server that speaks no HTTP/2 for one that cannot be reached', async () => {
    const server = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(() => server.close());
    const channel = open(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    const { status } = await unary(channel, '/t.S/Echo', request);
    assert.equal(status.code, 14);
    assert.match(status.text, /^no connection: 127\.0\.0\.1:\d+: PROTOCOL_ERROR: no HTTP\/2: /);
  });

  it('lets calls go on after GOAWAY, and makes new ones on a new connection', async () => {
    const held: http2.ServerHttp2Stream[] = [];
    const raw = await serveRaw((stream) => {
      if (raw.sessions.length === 1) held.push(stream);
      else answer(stream);
    });
    const channel = open(raw.address);
    const first = unary(channel, '/t.S/Echo', request);
    await until('the call has come', () => held.length === 1);
    raw.sessions[0]?.goaway(0, held[0]?.id ?? 0);
    await until('the next call is on a new connection', () => {
      void unary(channel, '/t.S/Echo', request);
      return raw.sessions.length === 2;
    });
    assert.equal((await unary(channel, '/t.S/Echo', request)).status.code, 0);
    answer(held[0] as http2.ServerHttp2Stream);
    assert.equal((await first).status.code, 0);
    assert.equal(raw.sessions.length, 2);
  });

  it('never sends again what a server has refused, reset or left unanswered', async () => {
    const codes = http2.constants;
    const ends: readonly (readonly [
      (stream: http2.ServerHttp2Stream, raw: RawServer) => void,
      number,
    ])[] = [
      [(stream) => stream.close(codes.NGHTTP2_REFUSED_STREAM), 14],
      [(stream) => stream.close(codes.NGHTTP2_CANCEL), 1],
      [(stream) => stream.close(codes.NGHTTP2_ENHANCE_YOUR_CALM), 8],
      [(stream) => stream.close(codes.NGHTTP2_INADEQUATE_SECURITY), 7],
      [(stream) => stream.close(codes.NGHTTP2_PROTOCOL_ERROR), 13],
      [(_stream, raw) => raw.cut(), 14],
      [(stream) => stream.session?.destroy(undefined, codes.NGHTTP2_NO_ERROR), 14],
    ];
    for (const [i, [end, code]] of ends.entries()) {
      let streams = 0;
      const raw = await serveRaw((stream) => {
        streams++;
        end(stream, raw);
      });
      const { status } = await unary(open(raw.address), '/t.S/Echo', request);
      assert.equal(status.code, code, `${i}: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(streams, 1);
    }
  });

  it('breaks a connection whose server has gone silent, while it has calls', async () => {
    const handle = (): void => undefined;
    const hang = await Fixture.start({ '/t.S/Hang': { kind: 'unary', handle } });
    closers.push(() => hang.stop());
    const gate = await Gate.open(hang.port);
    closers.push(() => gate.close());
    const channel = openFastChannel({
      addresses: [gate.url.replace('http://', '')],
      reconnectMaxMs: 200,
      keepAlive: { timeMs: 200, timeoutMs: 200 },
    });
    closers.push(() => channel.close());
    await unary(channel, '/t.S/Hang', request, { timeoutMs: 100 });
    gate.shut();
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(gate.connectionCount, 1, 'without a call nobody is asked');
    const { status } = await unary(channel, '/t.S/Hang', request);
    assert.equal(status.code, 14);
    assert.match(status.text, /keep-alive ping not answered/);
  });

  it('does not keep a process alive that has no call', async () => {
    const { address } = await serve('127.0.0.1:0');
    const channelUrl = new URL('../../src/grpc/fast-channel.js', import.meta.url).href;
    const script = `
      import { openFastChannel } from '${channelUrl}';
      const channel = openFastChannel({ addresses: ['${address}'], reconnectMaxMs: 1000 });
      channel.unary('/t.S/Echo', new Uint8Array(1), {}, ({ status }) => console.log(status.code));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    closers.push(() => child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([code, printed], [0, '0\n']);
  });
});
