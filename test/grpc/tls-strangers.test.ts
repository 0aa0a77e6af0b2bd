import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { concatBytes } from '../../src/base/bytes.ts';
import type { GrpcServerEngine } from '../../src/grpc/engine.ts';
import { createFastServer } from '../../src/grpc/fast-server.ts';
import { clientPreface, FrameType } from '../../src/grpc/http2/frames.ts';
import type { Handler, UnaryCall } from '../../src/grpc/types.ts';
import { testLimits, until } from './fixture.ts';
import {
  block,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  headers,
  RawPeer,
  settingsAck,
  u32,
} from './http2/raw-peer.ts';
import { requestFields } from './http2/connections.ts';
import { hasOpenssl, makeIdentity, type Identity } from './identity.ts';
import { frame as message } from './raw-call.ts';

/** What strangers do on TLS: the engine is given sockets whose handshake is done (RFC 9113, sections 3.2 and 9.2). */

const path = '/t.S/Echo';
const fields = block([...requestFields.slice(0, 5), path, ...requestFields.slice(6)]);
const greeting = concatBytes([clientPreface, emptySettings, settingsAck]);

const call = (id: number, body: Uint8Array): Uint8Array =>
  concatBytes([headers(id, endHeaders, fields), frame(FrameType.DATA, endStream, id, body)]);

describe('grpc: strangers over TLS', () => {
  let folder: string;
  let identity: Identity;
  let grpc: GrpcServerEngine;
  let listening: tls.Server;
  let held: UnaryCall[];
  let cancelled: number;
  const sockets: tls.TLSSocket[] = [];
  const errors: Error[] = [];

  before(function () {
    if (!hasOpenssl()) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'quorate-'));
    identity = makeIdentity(folder, 'server');
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    held = [];
    cancelled = 0;
    const echo: Handler = { kind: 'unary', handle: (one, request) => one.respond(request) };
    const hold: Handler = {
      kind: 'unary',
      handle: (one) => {
        held.push(one);
        one.onCancelled(() => cancelled++);
      },
    };
    const handlers = new Map([
      [path, echo],
      ['/t.S/Hold', hold],
    ]);
    grpc = createFastServer({ handlers, limits: testLimits });
    const options = { ...identity, ALPNProtocols: ['h2'], handshakeTimeout: 300 };
    listening = tls.createServer(options, (socket) => grpc.serve(socket));
    // Node only tells of it: closing the socket is the listener's part.
    listening.on('tlsClientError', (error, socket) => {
      errors.push(error);
      socket.destroy();
    });
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise<void>((resolve) => grpc.close(0, resolve));
    await new Promise<void>((resolve) => listening.close(() => resolve()));
  });

  async function connect(options: tls.ConnectionOptions = {}): Promise<RawPeer> {
    const { port } = listening.address() as net.AddressInfo;
    const socket = tls.connect({ port, host: '127.0.0.1', ca: identity.cert, ...options });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    return new RawPeer(socket, false);
  }

  async function assertAnswered(peer: RawPeer, id: number): Promise<void> {
    await peer.until(
      (one) => one.type === FrameType.HEADERS && one.streamId === id && (one.flags & 1) === 1,
    );
  }

  for (const ALPNProtocols of [['h2'], ['h2', 'http/1.1'], undefined]) {
    it(`are served with ALPN of ${ALPNProtocols?.join(', ') ?? 'nothing'}`, async () => {
      const peer = await connect(ALPNProtocols === undefined ? {} : { ALPNProtocols });
      peer.send(greeting, call(1, message('x')));
      await assertAnswered(peer, 1);
    });
  }

  it('may send a byte a record, or records as large as there are', async () => {
    const peer = await connect();
    for (const byte of concatBytes([greeting, call(1, message('x'))])) {
      peer.send(new Uint8Array([byte]));
    }
    await assertAnswered(peer, 1);
    const body = message(new Uint8Array(50_000));
    const pieces = [0, 16_384, 32_768, 49_152].map((at) =>
      frame(FrameType.DATA, at === 49_152 ? endStream : 0, 3, body.subarray(at, at + 16_384)),
    );
    peer.send(headers(3, endHeaders, fields), ...pieces);
    await assertAnswered(peer, 3);
    const echoed = peer.frames.filter(({ type, streamId }) => type === 0 && streamId === 3);
    assert.equal(
      echoed.reduce((sum, { payload }) => sum + payload.length, 0),
      body.length,
    );
  });

  it('who close their half (close_notify) are gone: their calls are cancelled', async () => {
    const peer = await connect();
    const holding = block([...requestFields.slice(0, 5), '/t.S/Hold', ...requestFields.slice(6)]);
    peer.send(greeting, headers(1, endHeaders, holding));
    peer.send(frame(FrameType.DATA, endStream, 1, message('x')));
    await until('the call is there', () => held.length === 1);
    peer.socket.end();
    await until('the call is cancelled', () => cancelled === 1);
    await peer.ended();
  });

  it('are told GOAWAY and then close_notify when the server goes', async () => {
    const peer = await connect();
    let isCleanEnd = false;
    peer.socket.on('end', () => (isCleanEnd = true));
    peer.send(greeting, call(1, message('x')));
    await assertAnswered(peer, 1);
    const closed = new Promise<void>((resolve) => grpc.close(2000, resolve));
    const ping = await peer.until(({ type, flags }) => type === FrameType.PING && flags === 0);
    peer.send(frame(FrameType.PING, 1, 0, ping.payload));
    await peer.ended();
    await closed;
    assert.ok(isCleanEnd, 'a truncated stream');
    assert.equal(peer.frames.filter(({ type }) => type === FrameType.GOAWAY).length, 2);
  });

  it('may not renegotiate (section 9.2.1)', async () => {
    const peer = await connect({ maxVersion: 'TLSv1.2' });
    peer.send(greeting, call(1, message('x')));
    await assertAnswered(peer, 1);
    const { socket } = peer;
    assert.ok(socket instanceof tls.TLSSocket);
    socket.renegotiate({}, () => undefined);
    await peer.ended();
    // Others are served on.
    const other = await connect();
    other.send(greeting, call(1, message('x')));
    await assertAnswered(other, 1);
  });

  it('who read nothing harm nobody', async () => {
    const idle = await connect();
    const wide = frame(FrameType.SETTINGS, 0, 0, [0, 4, ...u32(0x7fff_ffff)]);
    idle.send(clientPreface, wide, settingsAck, frame(FrameType.WINDOW_UPDATE, 0, 0, u32(2 ** 30)));
    idle.socket.pause();
    const body = message(new Uint8Array(16_000));
    for (let id = 1; id < 4000; id += 2) idle.send(call(id, body));
    const honest = await connect();
    honest.send(greeting);
    for (let id = 1; id < 200; id += 2) {
      honest.send(call(id, message('x')));
      await assertAnswered(honest, id);
    }
    idle.socket.destroy();
  });

  it('must end their handshake in time, when the server of the socket says so', async () => {
    const { port } = listening.address() as net.AddressInfo;
    const socket = net.connect(port, '127.0.0.1').resume();
    // A record of a handshake that never comes.
    socket.write(new Uint8Array([22, 3, 1, 2, 0]));
    await new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
    assert.match(errors.at(-1)?.message ?? '', /handshake timeout/);
  });

  it('who speak no HTTP/2 inside are sent away', async () => {
    const peer = await connect();
    peer.send(new TextEncoder().encode('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
    assert.equal((await peer.goAway()).text, 'no HTTP/2 preface');
    await peer.ended();
  });
});
