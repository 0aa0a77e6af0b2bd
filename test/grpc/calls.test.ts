import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import type {
  ClientStreamEvents,
  GrpcServerLimits,
  Handler,
  Status,
  StreamCall,
  UnaryCall,
} from '../../src/grpc/types.ts';
import { describeOnEngines, Fixture, unary, until } from './fixture.ts';

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };

const bidiEcho: Handler = {
  kind: 'bidi',
  open: (call) => ({
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end({ code: 0, text: '' }),
  }),
};

function record(events: Partial<ClientStreamEvents> = {}) {
  const messages: Bytes[] = [];
  const ends: Status[] = [];
  return {
    messages,
    ends,
    onMessage: (message: Bytes) => void messages.push(message),
    onDrain: () => events.onDrain?.(),
    onEnd: (status: Status) => void ends.push(status),
  };
}

describeOnEngines('grpc: calls', (engine) => {
  let fixture: Fixture;
  const start = async (
    handlers: Readonly<Record<string, Handler>>,
    limits: Partial<GrpcServerLimits> = {},
  ): Promise<Fixture> => (fixture = await Fixture.start(handlers, limits, { engine }));
  afterEach(() => fixture.stop());

  it('answers a unary call with the bytes of its handler, which are plain arrays of its own', async () => {
    const seen: Bytes[] = [];
    const handle = (call: UnaryCall, request: Bytes): void => {
      seen.push(request);
      call.respond(request);
    };
    const { channel } = await start({ '/t.S/Echo': { kind: 'unary', handle } }).then((f) => ({
      channel: f.channel(),
    }));
    const big = new Uint8Array(1_500_000).map((_, i) => i % 256);
    for (const request of [new Uint8Array(0), utf8('hello'), big]) {
      const { status, message } = await unary(channel, '/t.S/Echo', request);
      assert.deepEqual(status, { code: 0, text: '' });
      assert.deepEqual(message, request);
    }
    for (const request of seen) {
      assert.equal(Buffer.isBuffer(request), false);
      assert.ok(request.buffer.byteLength <= request.length + 64, 'no pool is kept alive');
    }
  });

  it('hands over metadata, the deadline and the address, and gives back status code and text', async () => {
    const seen: unknown[] = [];
    const handle = (call: UnaryCall): void => {
      seen.push(call.path, call.metadata.get('token'), call.metadata.get('absent'));
      seen.push(call.metadata.get('raw-bin'), call.peer.commonName);
      assert.match(call.peer.address, /^127\.0\.0\.1:\d+$/);
      assert.ok(call.timeoutMs !== undefined && call.timeoutMs > 4000 && call.timeoutMs <= 5000);
      call.end({ code: 9, text: 'no: 100% "wrong" \n\u00e9' });
    };
    await start({ '/t.S/Fail': { kind: 'unary', handle } });
    const outcome = await unary(fixture.channel(), '/t.S/Fail', utf8('x'), {
      metadata: { token: 'secret', 'raw-bin': '\xff\x00' },
      timeoutMs: 5000,
    });
    assert.deepEqual(seen, ['/t.S/Fail', 'secret', undefined, '\xff\x00', undefined]);
    assert.deepEqual(outcome, {
      status: { code: 9, text: 'no: 100% "wrong" \n\u00e9' },
      message: undefined,
    });
  });

  it("refuses unknown services and methods in grpc-go's words", async () => {
    await start({ '/t.S/Echo': echo });
    const channel = fixture.channel();
    const cases: readonly (readonly [string, string])[] = [
      ['/t.S/Nope', 'unknown method Nope for service t.S'],
      ['/t.Other/Echo', 'unknown service t.Other'],
      ['/nonsense', 'malformed method name: "/nonsense"'],
    ];
    for (const [path, text] of cases) {
      assert.deepEqual((await unary(channel, path, utf8('x'))).status, { code: 12, text });
    }
  });

  it("refuses a message above the limit in grpc-go's words, and serves the next call", async () => {
    await start({ '/t.S/Echo': echo, '/t.S/Bidi': bidiEcho }, { requestBytesMax: 100_000 });
    const channel = fixture.channel();
    const refusal = { code: 8, text: 'grpc: received message larger than max (100001 vs. 100000)' };
    const refused = await unary(channel, '/t.S/Echo', new Uint8Array(100_001));
    assert.deepEqual(refused.status, refusal);
    assert.equal((await unary(channel, '/t.S/Echo', new Uint8Array(100_000))).status.code, 0);
    const events = record();
    channel.stream('/t.S/Bidi', {}, events).send(new Uint8Array(100_001));
    await until('the stream ends', () => events.ends.length > 0);
    assert.deepEqual(events.ends, [refusal]);
  });

  it('understands compressed requests, and limits what they unpack to', async () => {
    await start({ '/t.S/Echo': echo }, { requestBytesMax: 100_000 });
    const client = new grpc.Client(fixture.address, grpc.credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
    });
    const same = (message: Buffer): Buffer => message;
    const call = (size: number): Promise<number | grpc.ServiceError> =>
      new Promise((resolve) =>
        client.makeUnaryRequest('/t.S/Echo', same, same, Buffer.alloc(size), (error, message) =>
          resolve(error ?? message?.length ?? -1),
        ),
      );
    assert.equal(await call(50_000), 50_000);
    const refused = (await call(200_000)) as grpc.ServiceError;
    assert.equal(refused.code, 8);
    assert.match(refused.details, /^grpc: received message after decompression larger than max/);
    client.close();
  });

  it('streams answers, and both ways in order', async () => {
    const count: Handler = {
      kind: 'serverStream',
      handle: (call, request) => {
        for (let i = 0; i < Number(textOf(request)); i++) call.send(utf8(String(i)));
        call.end({ code: 0, text: '' });
      },
    };
    await start({ '/t.S/Count': count, '/t.S/Bidi': bidiEcho });
    const channel = fixture.channel();
    const counted = record();
    const request = channel.stream('/t.S/Count', {}, counted);
    request.send(utf8('100'));
    request.halfClose();
    const echoed = record();
    const stream = channel.stream('/t.S/Bidi', {}, echoed);
    for (let i = 0; i < 1000; i++) stream.send(utf8(`m${i}`));
    stream.halfClose();
    await until('both end', () => counted.ends.length + echoed.ends.length === 2);
    assert.deepEqual(
      counted.messages.map(textOf),
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    assert.deepEqual(
      echoed.messages.map(textOf),
      Array.from({ length: 1000 }, (_, i) => `m${i}`),
    );
    assert.deepEqual(
      [...counted.ends, ...echoed.ends],
      [
        { code: 0, text: '' },
        { code: 0, text: '' },
      ],
    );
  });

  it('tells a handler once that its caller cancelled, and sends no more', async () => {
    let cancelled = 0;
    let call: StreamCall | undefined;
    const open = (opened: StreamCall) => {
      call = opened;
      opened.onCancelled(() => cancelled++);
      return { onMessage: () => undefined, onHalfClose: () => undefined };
    };
    await start({ '/t.S/Wait': { kind: 'bidi', open } });
    const events = record();
    const stream = fixture.channel().stream('/t.S/Wait', {}, events);
    await until('the call arrives', () => call !== undefined);
    stream.cancel();
    await until('the handler knows', () => cancelled > 0);
    assert.equal(call?.isCancelled, true);
    assert.equal(call?.send(utf8('late')), true);
    call?.end({ code: 0, text: '' });
    await until('the caller knows', () => events.ends.length > 0);
    assert.equal(events.ends[0]?.code, 1);
    assert.deepEqual([cancelled, events.messages, events.ends.length], [1, [], 1]);
  });

  it('ends a call whose deadline passes, on both sides', async () => {
    let cancelled = 0;
    const handle = (call: UnaryCall): void => call.onCancelled(() => cancelled++);
    await start({ '/t.S/Slow': { kind: 'unary', handle } });
    const { status } = await unary(fixture.channel(), '/t.S/Slow', utf8('x'), { timeoutMs: 100 });
    assert.equal(status.code, 4);
    await until('the handler knows', () => cancelled === 1);
  });

  it('takes a deadline that lies years ahead for none', async () => {
    const seen: unknown[] = [];
    const handle = (call: UnaryCall, request: Bytes): void => {
      seen.push(call.timeoutMs);
      setTimeout(() => call.respond(request), 20);
    };
    await start({ '/t.S/Echo': { kind: 'unary', handle } });
    const session = http2.connect(`http://${fixture.address}`);
    for (const timeout of ['99999999H', '2562047H', '2147484S']) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/t.S/Echo',
        'content-type': 'application/grpc',
        'grpc-timeout': timeout,
      });
      stream.resume().end(Buffer.from([0, 0, 0, 0, 1, 120]));
      const trailers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
        stream.on('trailers', resolve),
      );
      assert.equal(trailers['grpc-status'], '0', timeout);
    }
    assert.deepEqual(seen, [undefined, undefined, undefined]);
    session.destroy();
  });

  it('does not report the ordinary end of a call as a cancellation', async () => {
    let cancelled = 0;
    const handle = (call: UnaryCall, request: Bytes): void => {
      call.onCancelled(() => cancelled++);
      call.respond(request);
    };
    await start({ '/t.S/Echo': { kind: 'unary', handle } });
    for (let i = 0; i < 5; i++) await unary(fixture.channel(), '/t.S/Echo', utf8('x'));
    assert.equal(cancelled, 0);
  });

  it('holds a handler back when its caller reads slowly, and lets it go on', async () => {
    const chunk = new Uint8Array(64 * 1024);
    let sent = 0;
    let drains = 0;
    const pump = (call: StreamCall): void => {
      while (sent < 200) {
        sent++;
        if (!call.send(chunk)) return;
      }
      call.end({ code: 0, text: '' });
    };
    const flood: Handler = {
      kind: 'serverStream',
      handle: (call) => {
        call.onDrain(() => {
          drains++;
          pump(call);
        });
        pump(call);
      },
    };
    await start({ '/t.S/Flood': flood });
    // A caller straight on HTTP/2: grpc-js's own client reads ahead without limit before its first message.
    const session = http2.connect(`http://${fixture.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/t.S/Flood',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.pause();
    stream.end(Buffer.from([0, 0, 0, 0, 1, 120]));
    await until('the handler is held', () => sent > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(sent < 20, `${sent} of 200 messages went out unread`);
    let receivedBytes = 0;
    stream.on('data', (data: Buffer) => (receivedBytes += data.length));
    stream.resume();
    await new Promise((resolve) => stream.on('end', resolve));
    assert.deepEqual([receivedBytes, sent], [200 * (chunk.length + 5), 200]);
    assert.ok(drains > 0);
    session.destroy();
  });

  it('holds a caller back while the handler pauses', async () => {
    let call: StreamCall | undefined;
    let taken = 0;
    const open = (opened: StreamCall) => {
      call = opened;
      return {
        onMessage: () => {
          taken++;
          if (taken === 1) opened.pause();
        },
        onHalfClose: () => opened.end({ code: 0, text: '' }),
      };
    };
    await start({ '/t.S/Sink': { kind: 'bidi', open } });
    let isFull = false;
    const events = record({ onDrain: () => (isFull = false) });
    const stream = fixture.channel().stream('/t.S/Sink', {}, events);
    const chunk = new Uint8Array(64 * 1024);
    let sent = 0;
    const endMs = performance.now() + 500;
    while (performance.now() < endMs) {
      if (!isFull && sent < 100) {
        isFull = !stream.send(chunk);
        sent++;
      } else await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(taken, 1);
    assert.ok(sent < 60, `${sent} messages were accepted while the handler paused`);
    stream.halfClose();
    call?.resume();
    await until('the stream ends', () => events.ends.length > 0);
    assert.equal(taken, sent);
  });

  it('takes thousands of empty messages of one frame without a stack as deep', async () => {
    let taken = 0;
    const open = (call: StreamCall) => {
      const onMessage = (): void => {
        if (taken++ > 0) return;
        // The rest of the frame is unpacked meanwhile, and then comes at a stroke.
        call.pause();
        setTimeout(() => call.resume(), 100);
      };
      return { onMessage, onHalfClose: () => call.end({ code: 0, text: '' }) };
    };
    await start({ '/t.S/Sink': { kind: 'bidi', open } });
    const session = http2.connect(`http://${fixture.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/t.S/Sink',
      'content-type': 'application/grpc',
    });
    stream.resume().end(Buffer.alloc(5 * 20_000));
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
      stream.on('response', resolve),
    );
    assert.deepEqual([headers['grpc-status'], taken], ['0', 20_000]);
    session.destroy();
  });

  it('serves 10,000 small unary calls', async () => {
    await start({ '/t.S/Echo': echo });
    const channel = fixture.channel();
    const request = utf8('small');
    let failures = 0;
    const worker = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const { status } = await unary(channel, '/t.S/Echo', request);
        if (status.code !== 0) failures++;
      }
    };
    await Promise.all(Array.from({ length: 100 }, worker));
    assert.equal(failures, 0);
  }).timeout(60_000);
});
