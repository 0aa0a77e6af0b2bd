import assert from 'node:assert/strict';
import { textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import { openFastChannel } from '../../src/grpc/fast-channel.ts';
import type { Handler, StreamCall, UnaryCall } from '../../src/grpc/types.ts';
import { engineNames } from './engine-under-test.ts';
import { Gate } from '../peer/real-member.ts';
import { recordEvents } from './client-events.ts';
import { Fixture, unary, until } from './fixture.ts';

const echo: Handler = { kind: 'unary', handle: (call, request) => call.respond(request) };

const bidiEcho: Handler = {
  kind: 'bidi',
  open: (call) => ({
    onMessage: (message) => void call.send(message),
    onHalfClose: () => call.end({ code: 0, text: '' }),
  }),
};

/** The fast channel as callers see it, against both engines. */
for (const engine of engineNames) {
  describe(`grpc: the fast channel against a server on ${engine}`, () => {
    let fixture: Fixture;
    const start = async (
      handlers: Readonly<Record<string, Handler>>,
      limits: Parameters<typeof Fixture.start>[1] = {},
    ): Promise<Fixture> => (fixture = await Fixture.start(handlers, limits, { engine }));
    afterEach(() => fixture.stop());
    const channel = () => fixture.channel('fast');

    it('makes unary calls of any size, and hands over plain arrays of its own', async () => {
      await start({ '/t.S/Echo': echo });
      const calls = channel();
      for (const size of [0, 1, 5000, 16_384, 1_900_000]) {
        const request = new Uint8Array(size).map((_, i) => i % 251);
        const { status, message } = await unary(calls, '/t.S/Echo', request);
        assert.deepEqual(status, { code: 0, text: '' });
        assert.deepEqual(message, request);
        assert.equal(Buffer.isBuffer(message), false);
      }
    });

    it('hands over metadata and the deadline, and gives back status code and text', async () => {
      const seen: unknown[] = [];
      const handle = (call: UnaryCall): void => {
        seen.push(call.path, call.metadata.get('token'), call.metadata.get('raw-bin'));
        assert.ok(call.timeoutMs !== undefined && call.timeoutMs > 4000 && call.timeoutMs <= 5000);
        call.end({ code: 9, text: 'no: 100% "wrong" \n\u00e9 \u{1f600}' });
      };
      await start({ '/t.S/Fail': { kind: 'unary', handle } });
      const outcome = await unary(channel(), '/t.S/Fail', utf8('x'), {
        metadata: { token: 'secret', 'raw-bin': '\xff\x00' },
        timeoutMs: 5000,
      });
      assert.deepEqual(seen, ['/t.S/Fail', 'secret', '\xff\x00']);
      assert.deepEqual(outcome, {
        status: { code: 9, text: 'no: 100% "wrong" \n\u00e9 \u{1f600}' },
        message: undefined,
      });
    });

    it('streams both ways in order, what is sent before the connection stands included', async () => {
      await start({ '/t.S/Bidi': bidiEcho });
      const events = recordEvents();
      const stream = channel().stream('/t.S/Bidi', {}, events);
      for (let i = 0; i < 1000; i++) stream.send(utf8(`m${i}`));
      await until('the first come back', () => events.messages.length >= 1000);
      for (let i = 1000; i < 2000; i++) stream.send(utf8(`m${i}`));
      stream.halfClose();
      await until('it ends', () => events.ends.length > 0);
      const expected = Array.from({ length: 2000 }, (_, i) => `m${i}`);
      assert.deepEqual(events.messages.map(textOf), expected);
      assert.deepEqual(events.ends, [{ code: 0, text: '' }]);
    });

    it('tells who cancels once, and the handler too', async () => {
      let isCancelled = false;
      let call: StreamCall | undefined;
      const open = (opened: StreamCall) => {
        call = opened;
        opened.onCancelled(() => (isCancelled = true));
        return { onMessage: () => undefined, onHalfClose: () => undefined };
      };
      await start({ '/t.S/Wait': { kind: 'bidi', open } });
      const events = recordEvents();
      const stream = channel().stream('/t.S/Wait', {}, events);
      await until('the call arrives', () => call !== undefined);
      stream.cancel();
      assert.equal(events.ends.length, 0, 'not before its own turn is over');
      stream.cancel();
      await until('the handler knows', () => isCancelled);
      assert.deepEqual(events.ends, [{ code: 1, text: 'context canceled' }]);
      assert.equal(stream.send(utf8('late')), true);
      stream.halfClose();
    });

    it('ends a call whose deadline passes, on both sides', async () => {
      let cancelled = 0;
      const handle = (call: UnaryCall): void => call.onCancelled(() => cancelled++);
      await start({ '/t.S/Slow': { kind: 'unary', handle } });
      const { status } = await unary(channel(), '/t.S/Slow', utf8('x'), { timeoutMs: 100 });
      assert.equal(status.code, 4);
      await until('the handler knows', () => cancelled === 1);
      const passed = await unary(channel(), '/t.S/Slow', utf8('x'), { timeoutMs: 0 });
      assert.equal(passed.status.code, 4);
    });

    it('holds the server back while its caller pauses', async () => {
      const chunk = new Uint8Array(64 * 1024);
      let sent = 0;
      const pump = (call: StreamCall): void => {
        while (sent < 100) {
          sent++;
          if (!call.send(chunk)) return;
        }
        call.end({ code: 0, text: '' });
      };
      const handle = (call: StreamCall): void => {
        call.onDrain(() => pump(call));
        pump(call);
      };
      await start({ '/t.S/Flood': { kind: 'serverStream', handle } });
      const events = recordEvents({ onMessage: (count) => count === 1 && stream.pause() });
      const stream = channel().stream('/t.S/Flood', {}, events);
      stream.send(utf8('x'));
      stream.halfClose();
      await until('the first message', () => events.messages.length === 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(events.messages.length, 1);
      assert.ok(sent < 60, `${sent} of 100 messages went out unread`);
      stream.resume();
      await until('all have come', () => events.ends.length > 0);
      assert.deepEqual([events.messages.length, events.ends[0]?.code], [100, 0]);
    });

    it('holds its caller back while the handler pauses', async () => {
      let call: StreamCall | undefined;
      let taken = 0;
      const open = (opened: StreamCall) => {
        call = opened;
        const onMessage = (): void => {
          if (++taken === 1) opened.pause();
        };
        return { onMessage, onHalfClose: () => opened.end({ code: 0, text: '' }) };
      };
      await start({ '/t.S/Sink': { kind: 'bidi', open } });
      const chunk = new Uint8Array(64 * 1024);
      let sent = 0;
      const pump = (): void => {
        while (sent < 100) {
          sent++;
          if (!stream.send(chunk)) return;
        }
        stream.halfClose();
      };
      const events = recordEvents({ onDrain: () => pump() });
      const stream = channel().stream('/t.S/Sink', {}, events);
      pump();
      await until('the handler has one', () => taken === 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.ok(sent < 60, `${sent} messages were accepted while the handler paused`);
      call?.resume();
      await until('the stream ends', () => events.ends.length > 0);
      assert.deepEqual([taken, events.ends[0]?.code], [100, 0]);
    });

    it('lets calls wait that the server does not allow at once', async () => {
      await start({ '/t.S/Echo': echo }, { concurrentStreamsMax: 2 });
      const calls = channel();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) => unary(calls, '/t.S/Echo', utf8(String(i)))),
      );
      assert.deepEqual(
        outcomes.map(({ message }) => textOf(message as Bytes)),
        Array.from({ length: 50 }, (_, i) => String(i)),
      );
    });

    it('ends what is under way when the server is gone, and nothing is sent again', async () => {
      let calls = 0;
      const handle = (): void => void calls++;
      await start({ '/t.S/Hang': { kind: 'unary', handle } });
      const gate = await Gate.open(fixture.port);
      const address = gate.url.replace('http://', '');
      const caller = openFastChannel({ addresses: [address], reconnectMaxMs: 1000 });
      const outcomes = [1, 2, 3].map(() => unary(caller, '/t.S/Hang', utf8('x')));
      await until('they have arrived', () => calls === 3);
      await gate.close();
      for (const { status } of await Promise.all(outcomes)) {
        assert.equal(status.code, 14);
        assert.ok(status.text.includes(address), status.text);
      }
      caller.close();
      assert.equal(calls, 3);
    });

    it('takes no call after it was closed, and lets those under way end', async () => {
      let call: UnaryCall | undefined;
      await start({ '/t.S/Wait': { kind: 'unary', handle: (given) => void (call = given) } });
      const caller = openFastChannel({ addresses: [fixture.address], reconnectMaxMs: 1000 });
      const underWay = unary(caller, '/t.S/Wait', utf8('x'));
      await until('it has arrived', () => call !== undefined);
      caller.close();
      const refused = await unary(caller, '/t.S/Wait', utf8('x'));
      assert.deepEqual(refused.status, { code: 14, text: 'the channel is closed' });
      call?.respond(utf8('y'));
      assert.deepEqual((await underWay).message, utf8('y'));
      await until('the connection is gone', () => fixture.listener.connectionCount === 0);
    });

    it('makes 5,000 small calls, a hundred at a time', async () => {
      await start({ '/t.S/Echo': echo });
      const caller = channel();
      let failures = 0;
      const worker = async (): Promise<void> => {
        for (let i = 0; i < 50; i++) {
          const { status } = await unary(caller, '/t.S/Echo', utf8('small'), { timeoutMs: 20_000 });
          if (status.code !== 0) failures++;
        }
      };
      await Promise.all(Array.from({ length: 100 }, worker));
      assert.equal(failures, 0);
    });
  });
}
