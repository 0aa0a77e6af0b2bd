import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  continuationsMax,
  emptyFrames,
  ignoredFrames,
  provokedResets,
  rapidResets,
  settingsFrames,
  smallUpdates,
} from '../../../src/grpc/http2/floods.ts';
import { clientPreface, FrameType } from '../../../src/grpc/http2/frames.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import { ErrorCode } from '../../../src/grpc/http2/types.ts';
import { silent, startServer, type ServerOptions, type TestServer } from './connections.ts';
import {
  ack,
  connectRaw,
  data,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  headers,
  padded,
  request,
  setting,
  settingsAck,
  RawPeer,
  u32,
} from './raw-peer.ts';

/** What a client can do cheaply and a server cannot: each is answered with ENHANCE_YOUR_CALM. */

const whole = endHeaders | endStream;
const reset = (id: number): Uint8Array => frame(FrameType.RST_STREAM, 0, id, u32(8));

function repeat(times: number, make: (i: number) => readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: times }, (_, i) => make(i)).flat();
}

describe('floods', () => {
  let server: TestServer;
  let peer: RawPeer;

  async function start(options: ServerOptions = {}, settings?: Uint8Array): Promise<void> {
    server = await startServer(options);
    peer = await connectRaw(server.port, settings);
  }
  afterEach(() => {
    peer.socket.destroy();
    server.close();
  });

  async function assertCalmed(text: RegExp): Promise<void> {
    const told = await peer.goAway();
    assert.equal(told.code, ErrorCode.ENHANCE_YOUR_CALM);
    assert.match(told.text, text);
    await peer.ended();
  }
  const noAnswer = { onRequest: (): void => undefined };

  it('of streams that are reset before they are answered (CVE-2023-44487)', async () => {
    await start(noAnswer);
    peer.send(
      ...repeat(rapidResets.burst + 500, (i) => [headers(2 * i + 1, whole), reset(2 * i + 1)]),
    );
    await assertCalmed(/RST_STREAM/);
  });

  it('but a thousand calls may be cancelled at once', async () => {
    await start(noAnswer);
    peer.send(...repeat(1000, (i) => [headers(2 * i + 1, whole)]));
    peer.send(...repeat(1000, (i) => [reset(2 * i + 1)]));
    await peer.settled();
    assert.equal(server.connections[0]?.openStreams, 0);
  });

  it('of streams that must be reset (CVE-2025-8671)', async () => {
    await start(noAnswer);
    const update = (id: number): Uint8Array => frame(FrameType.WINDOW_UPDATE, 0, id, u32(0));
    peer.send(
      ...repeat(provokedResets.burst + 500, (i) => [headers(2 * i + 1, whole), update(2 * i + 1)]),
    );
    await assertCalmed(/had to be reset/);
  });

  it('of CONTINUATION frames (CVE-2024-27316)', async () => {
    await start();
    peer.send(headers(1, endStream, request.subarray(0, 1)));
    peer.send(...repeat(continuationsMax + 1, () => [frame(FrameType.CONTINUATION, 0, 1, [0])]));
    await assertCalmed(/header block too large/);
  });

  it('of header bytes', async () => {
    await start();
    peer.send(headers(1, endStream));
    peer.send(...repeat(4, () => [frame(FrameType.CONTINUATION, 0, 1, new Uint8Array(16_000))]));
    await assertCalmed(/header block too large/);
  });

  it('of DATA without bytes (CVE-2019-9518)', async () => {
    await start(noAnswer);
    peer.send(headers(1, endHeaders), ...repeat(emptyFrames.burst + 200, () => [data(1, 0, 0)]));
    await assertCalmed(/empty frames/);
  });

  it('of DATA that is only padding', async () => {
    await start(noAnswer);
    const one = frame(FrameType.DATA, padded, 1, [2, 0, 0]);
    peer.send(headers(1, endHeaders), ...repeat(emptyFrames.burst + 200, () => [one]));
    await assertCalmed(/empty frames/);
  });

  it('but bytes with padding behind them are none', async () => {
    await start(noAnswer);
    const one = frame(FrameType.DATA, padded, 1, [2, 7, 0, 0]);
    peer.send(headers(1, endHeaders), ...repeat(emptyFrames.burst + 200, () => [one]));
    await peer.settled();
  });

  const unwanted: readonly (readonly [string, Uint8Array])[] = [
    ['acknowledgements of SETTINGS', settingsAck],
    ['acknowledgements of pings', frame(FrameType.PING, ack, 0, new Uint8Array(8))],
    ['GOAWAY', frame(FrameType.GOAWAY, 0, 0, new Uint8Array(8))],
  ];
  for (const [what, one] of unwanted) {
    it(`of ${what}`, async () => {
      await start();
      peer.send(...repeat(ignoredFrames.burst + 500, () => [one]));
      await assertCalmed(/ignored/);
    });
  }

  it('of PRIORITY (CVE-2019-9513)', async () => {
    await start();
    const one = frame(FrameType.PRIORITY, 0, 1, new Uint8Array(5));
    peer.send(...repeat(ignoredFrames.burst + 500, () => [one]));
    await assertCalmed(/ignored/);
  });

  it('of SETTINGS (CVE-2019-9515)', async () => {
    await start();
    peer.send(...repeat(settingsFrames.burst + 50, () => [frame(FrameType.SETTINGS, 0, 0)]));
    await assertCalmed(/SETTINGS/);
  });

  it('of window updates by a byte while something waits (CVE-2019-9511)', async () => {
    const body = new Uint8Array(1_000_000);
    await start(
      {
        onRequest: (stream) => {
          stream.listener = silent;
          stream.sendHeaders([':status', '200'], false);
          stream.write(body, true);
        },
      },
      frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 0)),
    );
    peer.send(headers(1, whole));
    const one = frame(FrameType.WINDOW_UPDATE, 0, 1, u32(1));
    peer.send(...repeat(smallUpdates.burst + 5000, () => [one]));
    await assertCalmed(/WINDOW_UPDATE/);
  });

  it('but window updates as small as the answers are none, when nothing waits', async () => {
    await start();
    const one = frame(FrameType.WINDOW_UPDATE, 0, 0, u32(1));
    peer.send(...repeat(smallUpdates.burst + 5000, () => [one]));
    await peer.settled();
  });

  it('of pings whose answers are not read (CVE-2019-9512)', async () => {
    await start();
    peer.socket.pause();
    const many = repeat(2000, () => [frame(FrameType.PING, 0, 0, new Uint8Array(8))]);
    // More than the sockets of both ends hold.
    for (let i = 0; i < 600 && server.reasons.length === 0; i++) {
      peer.send(...many);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.match(await server.closedReason(), /ENHANCE_YOUR_CALM.*not read/);
  }).timeout(20_000);

  it('of pings: the third that comes too early is too many (CVE-2019-9512, grpc-go)', async () => {
    await start({ limits: { pingMinTimeMs: 1000 }, ...noAnswer });
    peer.send(headers(1, whole));
    const ping = frame(FrameType.PING, 0, 0, new Uint8Array(8));
    // The first is no strike.
    peer.send(ping, ping, ping, ping);
    assert.equal((await peer.goAway()).text, 'too_many_pings');
  });

  it('but a ping after each answer is not too many', async () => {
    await start({ limits: { pingMinTimeMs: 1000 } });
    for (let id = 1; id < 40; id += 2) {
      peer.send(headers(id, whole));
      await peer.settled();
    }
  });

  it('of streams beyond the limit: each is refused', async () => {
    await start({ limits: { concurrentStreamsMax: 3 }, ...noAnswer });
    peer.send(...repeat(5, (i) => [headers(2 * i + 1, whole)]));
    assert.equal(await peer.reset(7), ErrorCode.REFUSED_STREAM);
    assert.equal(await peer.reset(9), ErrorCode.REFUSED_STREAM);
    assert.equal(server.connections[0]?.openStreams, 3);
  });

  it('of bytes: who sends more than a window loses the stream, or the connection', async () => {
    const limits = { streamWindowBytes: 65_535, connectionWindowBytes: 65_535 + 16_384 };
    await start({ limits, ...noAnswer });
    peer.send(headers(1, endHeaders), ...repeat(4, () => [data(1, 0, 16_384)]));
    assert.equal(await peer.reset(1), ErrorCode.FLOW_CONTROL_ERROR);
    // What it brought was given back to the connection.
    peer.send(headers(3, endHeaders), ...repeat(3, () => [data(3, 0, 16_384)]));
    peer.send(headers(5, endHeaders), ...repeat(3, () => [data(5, 0, 16_384)]));
    assert.equal((await peer.goAway()).code, ErrorCode.FLOW_CONTROL_ERROR);
  });
});

describe('slow clients', () => {
  let server: TestServer;
  afterEach(() => server.close());

  it('must send SETTINGS in time', async () => {
    server = await startServer({ timeouts: { settingsMs: 100 } });
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.resume().on('close', resolve));
    assert.match(await server.closedReason(), /no SETTINGS in time/);
  });

  it('must end a header block in time, however slowly it goes on', async () => {
    server = await startServer({ timeouts: { headerBlockMs: 300 } });
    const peer = await connectRaw(server.port);
    peer.send(headers(1, endStream, request.subarray(0, 4)));
    const drip = setInterval(() => peer.send(frame(FrameType.CONTINUATION, 0, 1, [0])), 50);
    assert.match((await peer.goAway()).text, /does not end/);
    clearInterval(drip);
    peer.socket.destroy();
  });

  it('must end a HEADERS frame in time', async () => {
    server = await startServer({ timeouts: { headerBlockMs: 300 } });
    const peer = await connectRaw(server.port);
    peer.send(headers(1, whole).subarray(0, 12));
    assert.match((await peer.goAway()).text, /does not end/);
    peer.socket.destroy();
  });

  for (const bytes of [4, 12]) {
    it(`must end any frame in time: ${bytes} bytes of a large PING`, async () => {
      server = await startServer({ timeouts: { headerBlockMs: 300 } });
      const peer = await connectRaw(server.port);
      peer.send(frame(FrameType.PING, 0, 0, new Uint8Array(16_000)).subarray(0, bytes));
      assert.match((await peer.goAway()).text, /does not end/);
      peer.socket.destroy();
    });
  }

  it('may send DATA as slowly as they like, in frames that take long', async () => {
    server = await startServer({ timeouts: { headerBlockMs: 100 } });
    const peer = await connectRaw(server.port);
    const bytes = data(1, endStream, 6);
    peer.send(headers(1, endHeaders), bytes.subarray(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 700));
    peer.send(bytes.subarray(10));
    await peer.until((one) => one.type === FrameType.HEADERS && one.flags === whole);
    peer.socket.destroy();
  });

  it('are not blamed for a frame that we do not read on', async () => {
    const large = new Uint8Array(100_000);
    server = await startServer({
      timeouts: { headerBlockMs: 100 },
      limits: { unsentBytesMax: 20_000 },
      onRequest: (stream) => {
        stream.sendHeaders([':status', '200'], false);
        stream.write(large, true);
      },
    });
    const hugeWindow = setting(Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff);
    const peer = await connectRaw(server.port, frame(FrameType.SETTINGS, 0, 0, hugeWindow));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0x7000_0000)));
    peer.socket.pause();
    const calls = 400;
    const next = headers(2 * calls + 1, whole);
    peer.send(...repeat(calls, (i) => [headers(2 * i + 1, whole)]), next.subarray(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 800));
    assert.deepEqual(server.reasons, []);
    peer.socket.resume();
    peer.send(next.subarray(20));
    await peer.settled();
    peer.socket.destroy();
  });

  /** Asks for far more than it reads, so that the server reads nothing of it any more; `last` comes after that. */
  async function askTooMuch(peer: RawPeer, last: Uint8Array): Promise<void> {
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0x7000_0000)));
    peer.socket.pause();
    peer.send(...repeat(400, (i) => [headers(2 * i + 1, whole)]));
    await sleep(100);
    peer.send(last);
  }

  const largeAnswer = new Uint8Array(200_000);
  const answersLarge: ServerOptions = {
    limits: { unsentBytesMax: 20_000 },
    onRequest: (stream) => {
      stream.sendHeaders([':status', '200'], false);
      stream.write(largeAnswer, true);
    },
  };
  const wideStreams = frame(
    FrameType.SETTINGS,
    0,
    0,
    setting(Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff),
  );

  it('are not blamed for an acknowledgement that we do not read', async () => {
    server = await startServer({ ...answersLarge, timeouts: { settingsAckMs: 300 } });
    const peer = new RawPeer(connect(server.port, '127.0.0.1'), false);
    peer.send(clientPreface, wideStreams);
    await askTooMuch(peer, settingsAck);
    await sleep(900);
    assert.deepEqual(server.reasons, []);
    peer.socket.resume();
    await peer.settled();
    peer.socket.destroy();
  });

  it('are there as long as they take what we send, also while we read nothing of them', async () => {
    const keepAlive = { intervalMs: 200, timeoutMs: 300 };
    const limits = { ...answersLarge.limits, keepAlive };
    server = await startServer({ ...answersLarge, limits });
    const peer = await connectRaw(server.port, wideStreams);
    const { socket } = peer;
    await askTooMuch(peer, emptySettings);
    // Three times as long as a silent client has, and not to the end of the answers.
    for (let i = 0; i < 30 && !peer.isEnded; i++) {
      const from = socket.bytesRead;
      socket.resume();
      while (socket.bytesRead - from < 400_000 && !peer.isEnded) await sleep(1);
      socket.pause();
      await sleep(50);
    }
    assert.deepEqual(server.reasons, []);
    assert.match(await server.closedReason(), /keep-alive/);
    socket.destroy();
  });

  it('must acknowledge SETTINGS in time', async () => {
    server = await startServer({ timeouts: { settingsAckMs: 200 } });
    const peer = new RawPeer(connect(server.port, '127.0.0.1'), false);
    peer.send(clientPreface, emptySettings);
    assert.equal((await peer.goAway()).code, ErrorCode.SETTINGS_TIMEOUT);
    peer.socket.destroy();
  });

  it('must answer keep-alive pings', async () => {
    const keepAlive = { intervalMs: 200, timeoutMs: 300 };
    server = await startServer({ limits: { keepAlive } });
    const peer = await connectRaw(server.port);
    const ping = await peer.until((one) => one.type === FrameType.PING && one.flags === 0);
    peer.send(frame(FrameType.PING, 1, 0, ping.payload));
    const from = peer.frames.length;
    await peer.until((one) => one.type === FrameType.PING && one.flags === 0, from);
    await peer.ended();
    assert.match(await server.closedReason(), /keep-alive/);
  });
});
