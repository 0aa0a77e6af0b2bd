import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import type {
  Handler,
  MessageSource,
  StreamCall,
  StreamReceiver,
  UnaryCall,
} from '../../src/grpc/types.ts';
import { Fixture, until, type FixtureOptions } from './fixture.ts';
import { answerOf, frame, messagesOf, openRaw, rawCall } from './raw-call.ts';

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };
const x = frame('x');

/** A message of many pieces that counts what becomes of it. */
class Pieces implements MessageSource {
  readonly totalBytes: number;
  private readonly pieceBytes: number;
  private readonly failsAfter: number;
  taken = 0;
  closed = 0;

  constructor(pieces: number, pieceBytes: number, failsAfter = pieces) {
    this.totalBytes = pieces * pieceBytes;
    this.pieceBytes = pieceBytes;
    this.failsAfter = failsAfter;
  }

  next(): Bytes | undefined {
    if (this.taken >= this.failsAfter) return undefined;
    return new Uint8Array(this.pieceBytes).fill(this.taken++);
  }

  close(): void {
    this.closed++;
  }
}

describe('grpc: the fast server', () => {
  let fixture: Fixture;
  let session: http2.ClientHttp2Session;
  const start = async (
    handlers: Readonly<Record<string, Handler>>,
    options: FixtureOptions = {},
  ): Promise<void> => {
    fixture = await Fixture.start(handlers, {}, options);
    session = http2.connect(`http://${fixture.address}`);
    session.on('error', () => undefined);
  };
  afterEach(async () => {
    session.destroy();
    await fixture.stop();
  });

  const bidi = (open: (call: StreamCall) => StreamReceiver): Handler => ({ kind: 'bidi', open });

  it('begins a unary call when its message is there, whether or not the caller has ended it', async () => {
    await start({ '/t.S/Echo': echo });
    const stream = openRaw(session, { body: x, isOpen: true });
    const answer = await answerOf(stream);
    assert.deepEqual(answer.body, x);
    assert.equal(answer.trailers['grpc-status'], '0');
    assert.deepEqual([answer.isAborted, answer.resetCode], [true, 0]);
  });

  it('ends a call at its deadline, with the status and not before its time', async () => {
    const cancelledMs: number[] = [];
    const beganMs: number[] = [];
    const wait = (call: UnaryCall | StreamCall): void => {
      beganMs.push(performance.now());
      assert.equal(call.timeoutMs, 100);
      call.onCancelled(() => cancelledMs.push(performance.now()));
    };
    await start({
      '/t.S/Echo': { kind: 'unary', handle: wait },
      '/t.S/Both': bidi((call) => {
        wait(call);
        call.send(utf8('begun'));
        return { onMessage: () => undefined, onHalfClose: () => undefined };
      }),
    });
    const headers = { 'grpc-timeout': '100m' };
    const unary = await rawCall(session, { headers, body: x });
    const late = rawCall(session, { headers, isOpen: true });
    const both = await rawCall(session, { headers, path: '/t.S/Both', isOpen: true });
    for (const answer of [unary, both, await late]) {
      const { 'grpc-status': code, 'grpc-message': text } = {
        ...answer.headers,
        ...answer.trailers,
      };
      assert.deepEqual([code, text], ['4', 'context deadline exceeded']);
    }
    assert.equal(cancelledMs.length, 2);
    for (const [i, ms] of cancelledMs.entries()) assert.ok(ms - (beganMs[i] ?? 0) >= 99);
  });

  it('sends a message that is made meanwhile, as fast as it is taken', async () => {
    const source = new Pieces(300, 10_000);
    await start({ '/t.S/Echo': { kind: 'unary', handle: (call) => call.respondFrom(source) } });
    const stream = openRaw(session, { body: x });
    const answered = answerOf(stream);
    stream.pause();
    await until('it is begun', () => source.taken > 0);
    await sleep(100);
    // 64 KiB of window, and what is let ahead of it.
    assert.ok(source.taken < 60, `${source.taken} of 300 pieces were made for nobody`);
    assert.equal(source.closed, 0);
    stream.resume();
    const answer = await answered;
    assert.equal(answer.trailers['grpc-status'], '0');
    const [message] = messagesOf(answer.body);
    assert.equal(message?.length, source.totalBytes);
    assert.deepEqual(
      [message?.[0], message?.[9999], message?.[10_000], message?.[2_999_999]],
      [0, 0, 1, 299 % 256],
    );
    assert.equal(source.closed, 1);
  });

  it('makes no more than a part of such a message in one turn', async () => {
    const source = new Pieces(100, 100_000);
    let turnTakenMax = 0;
    let seen = 0;
    await start({ '/t.S/Echo': { kind: 'unary', handle: (call) => call.respondFrom(source) } });
    await new Promise((resolve) => session.once('connect', resolve));
    session.setLocalWindowSize(20_000_000);
    session.settings({ initialWindowSize: 20_000_000 });
    await rawCall(session, { path: '/t.S/None', body: x });
    const watch = (): void => {
      turnTakenMax = Math.max(turnTakenMax, source.taken - seen);
      seen = source.taken;
      if (source.closed === 0) setImmediate(watch);
    };
    watch();
    const answer = await rawCall(session, { body: x });
    assert.equal(answer.body.length, 10_000_005);
    assert.ok(turnTakenMax <= 6, `${turnTakenMax} pieces of 100 KB in one turn`);
  });

  it('resets a call whose message cannot be made any further', async () => {
    const source = new Pieces(10, 1000, 4);
    await start({ '/t.S/Echo': { kind: 'unary', handle: (call) => call.respondFrom(source) } });
    const answer = await rawCall(session, { body: x });
    assert.equal(answer.resetCode, http2.constants.NGHTTP2_INTERNAL_ERROR);
    assert.deepEqual(answer.trailers, {});
    assert.equal(source.closed, 1);
  });

  it('closes the source of a message once, whoever gives up', async () => {
    const sources: Pieces[] = [];
    const handle = (call: UnaryCall): void => {
      const source = new Pieces(1000, 10_000);
      sources.push(source);
      call.respondFrom(source);
    };
    const late = (call: UnaryCall): void => call.onCancelled(() => handle(call));
    await start({
      '/t.S/Echo': { kind: 'unary', handle },
      '/t.S/Late': { kind: 'unary', handle: late },
    });
    const begin = async (path: string, headers = {}): Promise<http2.ClientHttp2Stream> => {
      const stream = openRaw(session, { path, headers, body: x });
      stream.pause();
      await sleep(30);
      return stream;
    };
    (await begin('/t.S/Echo')).close(http2.constants.NGHTTP2_CANCEL);
    await until('the caller has given up', () => sources[0]?.closed === 1);
    const timed = await begin('/t.S/Echo', { 'grpc-timeout': '200m' });
    await until('the time is over', () => sources[1]?.closed === 1);
    timed.resume();
    await until('the caller knows', () => timed.closed);
    assert.equal(timed.rstCode, http2.constants.NGHTTP2_CANCEL);
    (await begin('/t.S/Late')).close(http2.constants.NGHTTP2_CANCEL);
    await until('a late message is refused', () => sources[2]?.closed === 1);
    await begin('/t.S/Echo');
    session.destroy();
    await until('the connection is gone', () => sources[3]?.closed === 1);
    await sleep(20);
    assert.deepEqual(
      sources.map(({ closed }) => closed),
      [1, 1, 1, 1],
    );
  });

  it('sends a message of two parts as one', async () => {
    const big = new Uint8Array(20_000).fill(7);
    await start({
      '/t.S/Both': bidi((call) => {
        call.send(utf8('shared '), utf8('tail'));
        call.send(utf8('head '), big);
        call.send(big, big);
        call.send(big, new Uint8Array(0));
        call.send(new Uint8Array(0), new Uint8Array(0));
        call.end({ code: 0, text: '' });
        return { onMessage: () => undefined, onHalfClose: () => undefined };
      }),
    });
    const { body } = await rawCall(session, { path: '/t.S/Both' });
    const messages = messagesOf(body);
    assert.deepEqual(
      messages.map(({ length }) => length),
      [11, 20_005, 40_000, 20_000, 0],
    );
    assert.equal(textOf(messages[0] as Bytes), 'shared tail');
    assert.equal(textOf((messages[1] as Bytes).subarray(0, 6)), 'head \x07');
  });

  it('holds back the end of a request as well while the handler pauses', async () => {
    const log: string[] = [];
    let call: StreamCall | undefined;
    await start({
      '/t.S/Both': bidi((opened) => {
        call = opened;
        opened.pause();
        return {
          onMessage: (message) => {
            log.push(textOf(message));
            if (log.length === 1) {
              opened.pause();
              opened.resume();
              opened.pause();
            }
          },
          onHalfClose: () => {
            log.push('end');
            opened.end({ code: 0, text: '' });
          },
        };
      }),
    });
    const answered = rawCall(session, {
      path: '/t.S/Both',
      body: Buffer.concat([frame('a'), frame('b')]),
    });
    await until('it has begun', () => call !== undefined);
    await sleep(50);
    assert.deepEqual(log, []);
    call?.resume();
    await sleep(50);
    assert.deepEqual(log, ['a']);
    call?.resume();
    assert.deepEqual(log, ['a', 'b', 'end']);
    assert.equal((await answered).headers['grpc-status'], '0');
  });

  it('tells a handler of what is wrong with its request as of a cancellation', async () => {
    let cancelled = 0;
    let call: StreamCall | undefined;
    await start({
      '/t.S/Both': bidi((opened) => {
        call = opened;
        opened.onCancelled(() => cancelled++);
        return { onMessage: () => undefined, onHalfClose: () => assert.fail('half-closed') };
      }),
    });
    const { headers } = await rawCall(session, {
      path: '/t.S/Both',
      body: frame('x', 7),
      isOpen: true,
    });
    assert.equal(headers['grpc-status'], '13');
    assert.deepEqual([cancelled, call?.isCancelled], [1, true]);
    assert.equal(call?.send(utf8('late')), true);
    call?.end({ code: 0, text: '' });
  });

  it('ends many calls whose requests are left open, and goes on with the connection', async () => {
    await start({ '/t.S/Echo': echo });
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 100 }, () => rawCall(session, { body: x, isOpen: true }));
      for (const { trailers } of await Promise.all(calls))
        assert.equal(trailers['grpc-status'], '0');
    }
  });

  it('gives back to the connection what ended calls have not read', async () => {
    const end: Handler = { kind: 'unary', handle: (call) => call.end({ code: 9, text: 'no' }) };
    await start({ '/t.S/End': end, '/t.S/Echo': echo });
    const body = Buffer.concat([x, Buffer.alloc(200_000)]);
    for (let i = 0; i < 50; i++) {
      const { headers } = await rawCall(session, { path: '/t.S/End', body, isOpen: true });
      assert.equal(headers['grpc-status'], '9');
    }
    const big = frame(new Uint8Array(1_900_000));
    const { body: echoed } = await rawCall(session, { body: big });
    assert.equal(echoed.length, big.length);
  });

  it('unpacks few messages a turn, of unary calls as well', async () => {
    const bomb = frame(gzipSync(Buffer.alloc(2_000_000)), 1);
    let turnTaken = 0;
    let turnTakenMax = 0;
    let taken = 0;
    const sink: Handler = {
      kind: 'unary',
      handle: (call) => {
        taken++;
        turnTaken++;
        call.end({ code: 0, text: '' });
      },
    };
    await start({ '/t.S/Sink': sink });
    const watch = (): void => {
      turnTakenMax = Math.max(turnTakenMax, turnTaken);
      turnTaken = 0;
      if (taken < 60) setImmediate(watch);
    };
    watch();
    const headers = { 'grpc-encoding': 'gzip' };
    const request = { path: '/t.S/Sink', headers, body: bomb };
    await Promise.all(Array.from({ length: 60 }, () => rawCall(session, request)));
    assert.equal(taken, 60);
    assert.ok(turnTakenMax <= 8, `${turnTakenMax} messages were unpacked in one turn`);
  });

  it('lets trusted callers send as many messages in one turn as they like', async () => {
    let taken = 0;
    let turns = 0;
    await start(
      {
        '/t.S/Both': bidi((call) => ({
          onMessage: () => void taken++,
          onHalfClose: () => call.end({ code: 0, text: '' }),
        })),
      },
      { messagesPerTurnMax: Number.POSITIVE_INFINITY },
    );
    const answered = rawCall(session, { path: '/t.S/Both', body: Buffer.alloc(5 * 3000) });
    const watch = (): void => {
      if (taken > 0 && taken < 3000) turns++;
      if (taken < 3000) setImmediate(watch);
    };
    watch();
    assert.equal((await answered).headers['grpc-status'], '0');
    assert.equal(taken, 3000);
    assert.ok(turns <= 3, `${turns} turns`);
  });

  it('gives up whole answers that nobody reads, before they fill the memory', async () => {
    const answer = new Uint8Array(1_000_000);
    const calls: UnaryCall[] = [];
    const fixture = await Fixture.start({
      '/t.S/Echo': { kind: 'unary', handle: (call) => void calls.push(call) },
    });
    const asked = 300;
    const sessions = [1, 2, 3].map(() =>
      http2.connect(`http://${fixture.address}`, { settings: { initialWindowSize: 0 } }),
    );
    const lost = sessions.map(() => 0);
    for (const [i, session] of sessions.entries()) {
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      for (let call = 0; call < asked; call++) {
        const stream = openRaw(session, { body: frame('x') });
        stream.on('response', ({ 'grpc-status': status }) => {
          if (status === '14') lost[i] = (lost[i] ?? 0) + 1;
        });
      }
    }
    // All of them are under way before the first is answered.
    await until('all calls are there', () => calls.length === 3 * asked);
    for (const call of calls) call.respond(answer);
    // 256 MiB of a connection, 512 MiB of all.
    await until('what is too much is given up', () => lost[0] === asked - 268);
    assert.deepEqual(lost, [asked - 268, asked - 268, asked - 1]);
    sessions[0]?.destroy();
    await until('the first connection is gone', () => fixture.listener.connectionCount === 2);
    const [, , third] = sessions;
    assert.ok(third !== undefined);
    const more = openRaw(third, { body: frame('x') });
    await until('one more call is there', () => calls.length === 3 * asked + 1);
    calls.at(-1)?.respond(answer);
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
      more.once('response', resolve),
    );
    assert.equal(headers['grpc-status'], undefined, 'there is room again');
    for (const session of sessions) session.destroy();
    await fixture.stop();
  });

  it('answers to unknown paths as its owner wants', async () => {
    const onUnknown = (path: string) => ({ code: 14, text: `not now: ${path}` });
    await start({ '/t.S/Echo': echo }, { onUnknown });
    const { headers } = await rawCall(session, { path: '/t.S/Other', body: x });
    assert.deepEqual(
      [headers['grpc-status'], headers['grpc-message']],
      ['14', 'not now: /t.S/Other'],
    );
  });

  it('takes no connection once it is closed, and is closed when none is left', async () => {
    await start({ '/t.S/Echo': echo });
    await rawCall(session, { body: x });
    let isClosed = false;
    fixture.grpc.close(5000, () => (isClosed = true));
    await until('the idle connection has gone', () => isClosed, 2000);
    const late = http2.connect(`http://${fixture.address}`);
    const failed = new Promise((resolve) => late.on('error', resolve).on('close', resolve));
    await failed;
  });
});
