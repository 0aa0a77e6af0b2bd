import assert from 'node:assert/strict';
import { FrameType } from '../../../src/grpc/http2/frames.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import type { Http2Stream } from '../../../src/grpc/http2/types.ts';
import { openClient, requestFields, silent, startServer, type TestServer } from './connections.ts';
import { connectRaw, endHeaders, endStream, frame, headers, setting, u32 } from './raw-peer.ts';

/** Who reads slowly is waited for, in bounded memory. */

const whole = endHeaders | endStream;
const hugeWindow = frame(
  FrameType.SETTINGS,
  0,
  0,
  setting(Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff),
);
const hugeConnection = frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0x7000_0000));

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('back-pressure', () => {
  let server: TestServer;
  afterEach(() => server.close());

  it('an owner that stops when told holds no more than the limit, and gets everything out', async () => {
    const total = 20_000_000;
    const piece = new Uint8Array(50_000);
    let sent = 0;
    let unsentMax = 0;
    const go = (stream: Http2Stream): void => {
      while (sent < total) {
        sent += piece.length;
        const hasRoom = stream.write(piece, sent >= total);
        unsentMax = Math.max(unsentMax, stream.unsentBytes);
        if (!hasRoom) return;
      }
    };
    server = await startServer({
      limits: { unsentBytesMax: 200_000 },
      onRequest: (stream) => {
        stream.listener = { ...silent, onDrain: () => go(stream) };
        stream.sendHeaders([':status', '200'], false);
        go(stream);
      },
    });
    const peer = await connectRaw(server.port, hugeWindow);
    peer.send(hugeConnection);
    peer.socket.pause();
    peer.send(headers(1, whole));
    await wait(200);
    // Nobody reads: what left is in the buffers of the kernel.
    assert.ok(sent < total, `${sent} bytes were taken`);
    peer.socket.resume();
    await peer.until(({ type, flags }) => type === FrameType.DATA && (flags & endStream) !== 0);
    const received = peer.frames
      .filter(({ type }) => type === FrameType.DATA)
      .reduce((bytes, { payload }) => bytes + payload.length, 0);
    assert.equal(received, total);
    assert.ok(unsentMax <= 100_000, `${unsentMax} bytes waited`);
    peer.socket.destroy();
  });

  it('a client that asks on and reads nothing is not read any more', async () => {
    let requests = 0;
    const body = new Uint8Array(20_000);
    server = await startServer({
      limits: { unsentBytesMax: 500_000, concurrentStreamsMax: 1_000_000 },
      onRequest: (stream) => {
        requests++;
        stream.listener = silent;
        stream.sendHeaders([':status', '200'], false);
        stream.write(body, true);
      },
    });
    const peer = await connectRaw(server.port, hugeWindow);
    peer.send(hugeConnection);
    peer.socket.pause();
    for (let i = 0; i < 10_000; i++) peer.send(headers(2 * i + 1, whole));
    await wait(300);
    const before = requests;
    // A chunk of requests, and what the kernel's buffers take of the answers.
    assert.ok(before < 2500, `${before} requests were read`);
    await wait(200);
    assert.equal(requests, before);
    peer.socket.resume();
    await peer.until(({ type, streamId }) => type === FrameType.DATA && streamId === 19_999);
    assert.equal(requests, 10_000);
    peer.socket.destroy();
  }).timeout(20_000);

  it('a stream without a window holds up no other', async () => {
    const streams: Http2Stream[] = [];
    server = await startServer({
      onRequest: (stream) => {
        stream.listener = silent;
        stream.sendHeaders([':status', '200'], false);
        stream.write(new Uint8Array(100_000), true);
        streams.push(stream);
      },
    });
    const peer = await connectRaw(
      server.port,
      frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 0)),
    );
    peer.send(hugeConnection, headers(1, whole), headers(3, whole));
    peer.send(frame(FrameType.WINDOW_UPDATE, 0, 3, u32(100_000)));
    await peer.until(({ flags, streamId }) => streamId === 3 && (flags & endStream) !== 0);
    assert.equal(streams[0]?.unsentBytes, 100_000);
    assert.equal(streams[1]?.isClosed, true);
    peer.socket.destroy();
  });

  it('a small answer does not wait for a large one', async () => {
    server = await startServer({
      onRequest: (stream) => {
        stream.listener = silent;
        stream.sendHeaders([':status', '200'], false);
        stream.write(new Uint8Array(stream.id === 1 ? 10_000_000 : 10_000), true);
      },
    });
    const peer = await connectRaw(server.port, hugeWindow);
    peer.send(hugeConnection, headers(1, whole), headers(3, whole));
    await peer.until(({ flags, streamId }) => streamId === 3 && (flags & endStream) !== 0);
    const isOver = ({ flags, streamId }: { flags: number; streamId: number }): boolean =>
      streamId === 1 && (flags & endStream) !== 0;
    const small = peer.frames.findIndex(
      ({ type, streamId }) => type === FrameType.DATA && streamId === 3,
    );
    await peer.until(isOver);
    assert.ok(small < 10, `it came as frame ${small}`);
    peer.socket.destroy();
  });

  it('what an owner does not give back stops the other end', async () => {
    let received = 0;
    let last: Http2Stream | undefined;
    server = await startServer({
      limits: { streamWindowBytes: 100_000 },
      onRequest: (stream) => {
        last = stream;
        stream.listener = { ...silent, onData: (chunk) => (received += chunk.length) };
      },
    });
    const client = await openClient(server.port);
    const stream = client.connection.open(requestFields, false, silent);
    stream?.write(new Uint8Array(1_000_000), true);
    await wait(100);
    assert.equal(received, 100_000);
    last?.consumed(60_000);
    await wait(100);
    assert.equal(received, 160_000);
    client.connection.destroy();
  });
});
