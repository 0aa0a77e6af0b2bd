import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { clientPreface, FrameType, streamIdMax } from '../../../src/grpc/http2/frames.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import type { StreamTable } from '../../../src/grpc/http2/stream-table.ts';
import { ErrorCode, type Http2Stream } from '../../../src/grpc/http2/types.ts';
import { readUint32 } from '../../../src/base/bytes.ts';
import { openClient, requestFields, silent, startServer, type TestServer } from './connections.ts';
import {
  ack,
  block,
  connectRaw,
  data,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  headers,
  listenRaw,
  padded,
  request,
  RawPeer,
  setting,
  settingsAck,
  u32,
} from './raw-peer.ts';

/** How streams and connections end, and what the other end of a client may do. */

const whole = endHeaders | endStream;
const isGoAway = ({ type }: { type: number }): boolean => type === FrameType.GOAWAY;

describe('a server that drains', () => {
  let server: TestServer;
  let peer: RawPeer;
  const streams: Http2Stream[] = [];

  beforeEach(async () => {
    streams.length = 0;
    server = await startServer({
      timeouts: { drainMs: 300 },
      onRequest: (stream) => {
        stream.listener = silent;
        streams.push(stream);
      },
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, whole));
    await peer.settled();
  });
  afterEach(() => {
    peer.socket.destroy();
    server.close();
  });

  const answerAll = (): void => {
    for (const stream of streams) stream.sendHeaders([':status', '200'], true);
  };

  it('serves what was under way when the client heard of it, and nothing after', async () => {
    server.connections[0]?.drain();
    const first = await peer.until(isGoAway);
    assert.equal(readUint32(first.payload, 0), streamIdMax);
    assert.equal(server.connections[0]?.isDraining, true);
    const ping = await peer.until(({ type, flags }) => type === FrameType.PING && flags === 0);
    peer.send(
      headers(3, whole),
      frame(FrameType.PING, ack, 0, ping.payload),
      headers(5, endHeaders),
    );
    const second = await peer.until(isGoAway, peer.frames.indexOf(first) + 1);
    assert.equal(readUint32(second.payload, 0), 3);
    // What belongs to the stream that is not served is passed over.
    peer.send(data(5, 0, 10), frame(FrameType.WINDOW_UPDATE, 0, 5, u32(1)), data(5, endStream, 1));
    await peer.settled();
    assert.deepEqual(
      streams.map(({ id }) => id),
      [1, 3],
    );
    answerAll();
    await peer.ended();
    const answered = peer.frames.filter(({ type }) => type === FrameType.HEADERS);
    assert.deepEqual(
      answered.map(({ streamId }) => streamId),
      [1, 3],
    );
  });

  it('waits for the answer to its ping no longer than it must', async () => {
    server.connections[0]?.drain();
    const first = await peer.until(isGoAway);
    const second = await peer.until(isGoAway, peer.frames.indexOf(first) + 1);
    assert.equal(readUint32(second.payload, 0), 1);
    answerAll();
    await peer.ended();
  });
});

describe('the ends of streams', () => {
  let server: TestServer;
  let peer: RawPeer;
  afterEach(() => {
    peer.socket.destroy();
    server.close();
  });

  it('NO_ERROR after the end of an answer lets the answer out first', async () => {
    server = await startServer({
      onRequest: (stream) => {
        stream.listener = silent;
        stream.sendHeaders([':status', '200'], false);
        stream.write(new Uint8Array(100), false);
        stream.sendHeaders(['grpc-status', '0'], true);
        stream.reset(ErrorCode.NO_ERROR);
      },
    });
    peer = await connectRaw(
      server.port,
      frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 30)),
    );
    peer.send(headers(1, endHeaders), data(1, 0, 10));
    await peer.settled();
    peer.send(data(1, 0, 10), frame(FrameType.WINDOW_UPDATE, 0, 1, u32(1000)));
    assert.equal(await peer.reset(1), ErrorCode.NO_ERROR);
    const own = peer.frames.filter(({ streamId }) => streamId === 1);
    assert.deepEqual(
      own.map(({ type, flags, payload }) => [type, flags & endStream, payload.length > 0]),
      [
        [FrameType.HEADERS, 0, true],
        [FrameType.DATA, 0, true],
        [FrameType.DATA, 0, true],
        [FrameType.HEADERS, 1, true],
        [FrameType.RST_STREAM, 0, true],
      ],
    );
    peer.send(data(1, endStream, 10));
    await peer.settled();
    assert.equal(server.connections[0]?.openStreams, 0);
  });

  it('frames that were under way when we reset a stream are ignored', async () => {
    server = await startServer({
      onRequest: (stream) => stream.reset(ErrorCode.CANCEL),
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, endHeaders), data(1, 0, 10), headers(1, whole, block(['a', 'b'])));
    peer.send(headers(3, endHeaders), frame(FrameType.WINDOW_UPDATE, 0, 1, u32(5)));
    assert.equal(await peer.reset(1), ErrorCode.CANCEL);
    assert.equal(await peer.reset(3), ErrorCode.CANCEL);
    await peer.settled();
    assert.equal(peer.frames.filter(({ type }) => type === FrameType.RST_STREAM).length, 2);
  });

  it('a client that gives up what we have reset already must not go on with it', async () => {
    server = await startServer({
      onRequest: (stream) => stream.reset(ErrorCode.CANCEL),
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, endHeaders));
    assert.equal(await peer.reset(1), ErrorCode.CANCEL);
    peer.send(frame(FrameType.RST_STREAM, 0, 1, u32(ErrorCode.CANCEL)), data(1, 0, 1));
    await peer.settled();
    const resets = peer.frames.filter(({ type }) => type === FrameType.RST_STREAM);
    assert.deepEqual(
      resets.map(({ payload }) => payload[3]),
      [ErrorCode.CANCEL, ErrorCode.STREAM_CLOSED],
    );
  });

  it('a reset by the client is told, then the end', async () => {
    const told: string[] = [];
    server = await startServer({
      onRequest: (stream) => {
        stream.listener = {
          ...silent,
          onReset: (code, isUnprocessed) => told.push(`reset ${code} ${isUnprocessed}`),
          onClosed: () => told.push('closed'),
        };
      },
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, endHeaders), frame(FrameType.RST_STREAM, 0, 1, u32(ErrorCode.CANCEL)));
    await peer.settled();
    assert.deepEqual(told, ['reset 8 false', 'closed']);
  });

  it('unconsumed bytes of a stream that is over are given back to the connection', async () => {
    server = await startServer({
      limits: { streamWindowBytes: 65_535, connectionWindowBytes: 65_535 },
      onRequest: (stream) => (stream.listener = silent),
    });
    peer = await connectRaw(server.port);
    for (let id = 1; id < 41; id += 2) {
      peer.send(headers(id, endHeaders), ...Array.from({ length: 3 }, () => data(id, 0, 16_384)));
      peer.send(frame(FrameType.RST_STREAM, 0, id, u32(ErrorCode.CANCEL)));
      await peer.settled();
    }
    assert.equal(peer.frames.some(isGoAway), false);
  });

  it('DATA that nobody takes, and padding, are given back to the connection', async () => {
    server = await startServer({
      limits: { streamWindowBytes: 65_535, connectionWindowBytes: 65_535 },
      onRequest: (stream) => {
        stream.listener = silent;
        if (stream.id > 1) stream.reset(ErrorCode.CANCEL);
      },
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, endHeaders));
    const padding = frame(FrameType.DATA, padded, 1, [255, ...new Uint8Array(255)]);
    for (let id = 3; id < 43; id += 2) {
      peer.send(headers(id, endHeaders), ...Array.from({ length: 3 }, () => data(id, 0, 10_000)));
      peer.send(...Array.from({ length: 50 }, () => padding));
      await peer.settled();
    }
    const resets = peer.frames.filter(({ type }) => type === FrameType.RST_STREAM);
    assert.equal(resets.length, 20);
    assert.equal(peer.frames.some(isGoAway), false);
  });

  it('the end may come when our SETTINGS have taken more from the window than there was', async () => {
    server = await startServer({
      limits: { streamWindowBytes: 10 },
      onRequest: (stream) => {
        const onData = (_: unknown, isEnd: boolean): void => {
          if (isEnd) stream.sendHeaders([':status', '200'], true);
        };
        stream.listener = { ...silent, onData };
      },
    });
    peer = new RawPeer(connect(server.port, '127.0.0.1'), false);
    // Sent by the window of 65,535 bytes that holds until then, of which the SETTINGS leave -10.
    peer.send(clientPreface, emptySettings, headers(1, endHeaders), data(1, 0, 20), settingsAck);
    await peer.settled();
    peer.send(data(1, endStream, 0));
    const last = await peer.until(({ streamId }) => streamId === 1);
    assert.deepEqual([last.type, last.flags], [FrameType.HEADERS, whole]);
  });

  it('all streams are told when their connection is lost, before it is', async () => {
    const told: string[] = [];
    server = await startServer({
      onRequest: (stream) => {
        stream.listener = {
          ...silent,
          onReset: (code) => told.push(`reset ${code}`),
          onClosed: () => told.push('closed'),
        };
      },
    });
    peer = await connectRaw(server.port);
    peer.send(headers(1, endHeaders), headers(3, whole));
    await peer.settled();
    peer.socket.resetAndDestroy();
    await server.closedReason();
    const lost = `reset ${ErrorCode.CONNECT_ERROR}`;
    assert.deepEqual(told, [lost, lost, 'closed', 'closed']);
  });

  it('close tells why, and says so to the other end', async () => {
    server = await startServer({ onRequest: (stream) => (stream.listener = silent) });
    peer = await connectRaw(server.port);
    peer.send(headers(1, whole));
    await peer.settled();
    server.connections[0]?.close(ErrorCode.ENHANCE_YOUR_CALM, 'enough');
    assert.deepEqual(await peer.goAway(), { code: 11, lastId: 1, text: 'enough' });
    await peer.ended();
    assert.equal(await server.closedReason(), 'closed with ENHANCE_YOUR_CALM: enough');
  });
});

describe('a client, and what a server may not do', () => {
  let peer: RawPeer;
  let client: Awaited<ReturnType<typeof openClient>>;

  async function start(settings = emptySettings): Promise<void> {
    const { port, accepted } = await listenRaw();
    const opened = openClient(port);
    peer = await accepted;
    peer.send(settings, settingsAck);
    client = await opened;
  }
  afterEach(() => {
    client.connection.destroy();
    peer.socket.destroy();
  });

  const ok = block([':status', '200', 'content-type', 'application/grpc']);

  it('refuses pushes, and says its SETTINGS first', async () => {
    await start();
    const first = await peer.until(() => true);
    assert.equal(first.type, FrameType.SETTINGS);
    assert.deepEqual(Array.from(first.payload.subarray(0, 6)), setting(Setting.ENABLE_PUSH, 0));
    client.request();
    peer.send(frame(FrameType.PUSH_PROMISE, endHeaders, 1, [...u32(2), ...request]));
    assert.equal((await peer.goAway()).code, ErrorCode.PROTOCOL_ERROR);
  });

  it('opens no more streams than the server allows, and is told when there is room', async () => {
    await start(frame(FrameType.SETTINGS, 0, 0, setting(Setting.MAX_CONCURRENT_STREAMS, 1)));
    const { heard } = client.request();
    assert.equal(client.connection.open(requestFields, true, silent), undefined);
    peer.send(headers(1, endHeaders, ok), headers(1, whole, block(['grpc-status', '0'])));
    await heard.closed;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(client.told, ['room']);
    assert.equal(client.connection.open(requestFields, true, silent)?.id, 3);
  });

  it('passes over 1xx, and takes headers, data and trailers', async () => {
    await start();
    const { heard } = client.request();
    peer.send(headers(1, endHeaders, block([':status', '103'])), headers(1, endHeaders, ok));
    peer.send(data(1, 0, 3), headers(1, whole, block(['grpc-status', '0'])));
    await heard.closed;
    assert.deepEqual(heard.headers, [
      [':status', '200', 'content-type', 'application/grpc'],
      ['grpc-status', '0'],
    ]);
    assert.deepEqual(heard.resets, []);
  });

  for (const [rule, sends] of [
    ['DATA before the response', [data(1, 0, 1)]],
    ['a response without a status', [headers(1, endHeaders, block(['a', 'b']))]],
    ['101', [headers(1, endHeaders, block([':status', '101']))]],
    ['1xx that ends the stream', [headers(1, whole, block([':status', '100']))]],
    ['a pseudo-field of requests', [headers(1, whole, block([':status', '200', ':path', '/']))]],
  ] as const) {
    it(`takes as malformed: ${rule}`, async () => {
      await start();
      const { heard } = client.request();
      peer.send(...sends);
      assert.equal(await peer.reset(1), ErrorCode.PROTOCOL_ERROR);
      await heard.closed;
      assert.deepEqual(heard.resets, [{ code: ErrorCode.PROTOCOL_ERROR, isUnprocessed: false }]);
    });
  }

  for (const [rule, sends] of [
    ['HEADERS on a stream that it did not open', [headers(1, whole, ok)]],
    ['HEADERS on a stream of an even id', [headers(2, whole, ok)]],
    ['ENABLE_PUSH of 1', [frame(FrameType.SETTINGS, 0, 0, setting(Setting.ENABLE_PUSH, 1))]],
  ] as const) {
    it(`ends the connection for ${rule}`, async () => {
      await start();
      peer.send(...sends);
      assert.equal((await peer.goAway()).code, ErrorCode.PROTOCOL_ERROR);
      assert.match(await client.closed, /PROTOCOL_ERROR/);
    });
  }

  it('knows which streams GOAWAY has left out', async () => {
    await start();
    const first = client.request();
    const second = client.request();
    peer.send(frame(FrameType.GOAWAY, 0, 0, [...u32(1), ...u32(0)]));
    await second.heard.closed;
    assert.deepEqual(second.heard.resets, [{ code: 7, isUnprocessed: true }]);
    assert.equal(client.connection.open(requestFields, true, silent), undefined);
    peer.send(headers(1, whole, ok));
    await first.heard.closed;
    assert.deepEqual(first.heard.resets, []);
    assert.match(await client.closed, /GOAWAY NO_ERROR/);
  });
});

describe('a client that has used up all stream ids', () => {
  it('ends the connection with its last stream', async () => {
    const held: Http2Stream[] = [];
    const server = await startServer({ onRequest: (stream) => held.push(stream) });
    const client = await openClient(server.port);
    const { streams } = client.connection as unknown as { streams: StreamTable };
    streams.take(streamIdMax - 2);
    const { heard } = client.request();
    assert.equal(client.connection.open(requestFields, true, silent), undefined);
    assert.equal(client.connection.isDraining, true);
    for (let i = 0; held.length === 0 && i < 100; i++) await new Promise(setImmediate);
    held[0]?.sendHeaders([':status', '200'], true);
    await heard.closed;
    assert.match(await client.closed, /drained/);
    server.close();
  });
});
