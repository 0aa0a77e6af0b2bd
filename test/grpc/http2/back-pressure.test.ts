import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import { waitingStreamsMax } from '../../../src/grpc/http2/back-pressure.ts';
import { FrameType } from '../../../src/grpc/http2/frames.ts';
import { Output } from '../../../src/grpc/http2/output.ts';
import { Sender } from '../../../src/grpc/http2/sender.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import { Stream, type StreamOwner } from '../../../src/grpc/http2/stream.ts';
import { readingMsMax } from '../../../src/grpc/http2/turns.ts';
import { ErrorCode, type Http2Stream } from '../../../src/grpc/http2/types.ts';
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
const closedWindow = frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 0));
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

  it('a caller who opens no window gets no more streams once many answers wait for one', async () => {
    server = await startServer({
      limits: { concurrentStreamsMax: 0xffff_ffff },
      onRequest: (stream) => {
        stream.sendHeaders([':status', '200'], false);
        stream.write(new Uint8Array(100), true);
      },
    });
    const peer = await connectRaw(server.port, closedWindow);
    const refused = 500;
    for (let i = 0; i < waitingStreamsMax + refused; i++) peer.send(headers(2 * i + 1, whole));
    await peer.settled();
    assert.equal(server.connections[0]?.openStreams, waitingStreamsMax);
    const resets = peer.frames.filter(({ type }) => type === FrameType.RST_STREAM);
    assert.equal(resets.length, refused);
    assert.equal(await peer.reset(2 * waitingStreamsMax + 1), ErrorCode.REFUSED_STREAM);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, u32(ErrorCode.CANCEL)));
    peer.send(headers(2 * (waitingStreamsMax + refused) + 1, whole));
    await peer.settled();
    assert.equal(server.connections[0]?.openStreams, waitingStreamsMax);
  });

  it('however many streams end at once, none of those that wait for a window is looked at often', () => {
    const output = new Output(new PassThrough(), () => undefined);
    const encoder = createHeaderEncoder();
    const shares = { streamShareBytes: 1000, onLocalEnd: () => undefined };
    const sender = new Sender({ output, encoder, ...shares });
    const count = 5000;
    let looks = 0;
    const streams = Array.from({ length: count }, (_, i) => {
      const stream = new Stream(2 * i + 1, {} as StreamOwner, { receive: 0, send: 1000 });
      let isClosed = false;
      Object.defineProperty(stream, 'isClosed', {
        get: () => (looks++, isClosed),
        set: (value: boolean) => {
          isClosed = value;
        },
      });
      return stream;
    });
    sender.window = 0;
    for (const stream of streams) {
      sender.sendHeaders(stream, [':status', '200'], false);
      sender.write(stream, new Uint8Array(10), true);
    }
    assert.equal(sender.waitingStreams, count);
    for (const stream of streams) {
      stream.isClosed = true;
      sender.drop(stream);
    }
    assert.equal(sender.waitingStreams, 0);
    assert.ok(looks < 3 * count, `${looks} looks at ${count} streams`);
  });

  it('requests that come in one segment and cost much are begun over several turns', async () => {
    const busyMs = 3;
    const begunAt: number[] = [];
    let turn = 0;
    let turning = setImmediate(function next() {
      turn++;
      turning = setImmediate(next);
    });
    server = await startServer({
      onRequest: (stream) => {
        begunAt.push(turn);
        for (const from = performance.now(); performance.now() - from < busyMs;);
        stream.sendHeaders([':status', '200'], true);
      },
    });
    const peer = await connectRaw(server.port);
    const count = 100;
    peer.send(...Array.from({ length: count }, (_, i) => headers(2 * i + 1, whole)));
    await peer.settled();
    clearImmediate(turning);
    assert.equal(begunAt.length, count);
    const perTurn = new Map<number, number>();
    for (const each of begunAt) perTurn.set(each, (perTurn.get(each) ?? 0) + 1);
    const most = Math.max(...perTurn.values());
    assert.ok(most <= 2 * (readingMsMax / busyMs + 8), `${most} of them began in one turn`);
  });

  it('requests of one segment are not begun when the answers before them are not read', async () => {
    const answer = new Uint8Array(128 * 1024);
    let begun = 0;
    server = await startServer({
      onRequest: (stream) => {
        begun++;
        stream.sendHeaders([':status', '200'], false);
        stream.write(answer, true);
      },
    });
    const peer = await connectRaw(server.port, hugeWindow);
    peer.send(hugeConnection);
    peer.socket.pause();
    const count = 400;
    peer.send(...Array.from({ length: count }, (_, i) => headers(2 * i + 1, whole)));
    await wait(300);
    assert.ok(begun < count / 2, `${begun} of ${count} were begun`);
    peer.socket.resume();
    const last = 2 * count - 1;
    await peer.until(({ streamId, flags }) => streamId === last && (flags & endStream) !== 0);
    assert.equal(begun, count);
  });
});
