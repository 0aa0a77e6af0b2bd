import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { concatBytes, type Bytes } from '../../src/base/bytes.ts';
import { MessageReader, PendingBytes } from '../../src/grpc/message-reader.ts';

const frame = (message: Bytes, flag = 0): Bytes => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return concatBytes([head, message]);
};

/** Cuts bytes at these places, wherever they lie. */
function split(bytes: Bytes, places: readonly number[]): readonly Bytes[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [0, ...cuts].map((start, i) => bytes.subarray(start, cuts[i] ?? bytes.length));
}

function readAll(reader: MessageReader): Bytes[] {
  const messages: Bytes[] = [];
  while (reader.advance()) messages.push(reader.take());
  return messages;
}

describe('grpc: messages cut out of the bytes of a stream', () => {
  it('are the same however the bytes come, and whoever waits in between', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
    const places = fc.array(fc.nat(), { maxLength: 40 });
    fc.assert(
      fc.property(messages, places, fc.array(fc.boolean()), (sent, cuts, pauses) => {
        const pending = new PendingBytes(1_000_000);
        const reader = new MessageReader(1000, pending);
        const received: Bytes[] = [];
        let consumed = 0;
        const bytes = concatBytes(sent.map((message) => frame(message)));
        for (const [i, piece] of split(bytes, cuts).entries()) {
          // The view is overwritten after the call, as the socket's buffer is.
          const view = new Uint8Array(piece);
          reader.offer(view);
          if (pauses[i] !== true) received.push(...readAll(reader));
          reader.keep();
          view.fill(0xee);
          consumed += reader.takeConsumed();
        }
        received.push(...readAll(reader));
        assert.deepEqual(received, sent);
        assert.equal(consumed + reader.takeConsumed(), bytes.length);
        assert.equal(pending.size, 0);
      }),
    );
  });

  it('own their memory, to the byte', () => {
    const reader = new MessageReader(100_000, new PendingBytes(1_000_000));
    const message = new Uint8Array(70_000).map((_, i) => i);
    const bytes = frame(message);
    for (let at = 0; at < bytes.length; at += 16_384) {
      reader.offer(bytes.subarray(at, at + 16_384));
      reader.advance();
      reader.keep();
    }
    const taken = reader.take();
    assert.deepEqual(taken, message);
    assert.equal(taken.buffer.byteLength, message.length);
    assert.equal(Buffer.isBuffer(taken), false);
  });

  it('are refused by their length, before they have come', () => {
    const reader = new MessageReader(1000, new PendingBytes(1_000_000));
    reader.offer(frame(new Uint8Array(1001)).subarray(0, 5));
    assert.equal(reader.advance(), false);
    assert.deepEqual(reader.error, {
      code: 8,
      text: 'grpc: received message larger than max (1001 vs. 1000)',
    });
  });

  it('occupy no more than twice what has come of them, and that is bounded for a connection', () => {
    const pending = new PendingBytes(100_000);
    const begin = (bytes: number): MessageReader => {
      const reader = new MessageReader(1_000_000, pending);
      reader.offer(frame(new Uint8Array(1_000_000)).subarray(0, 5 + bytes));
      reader.advance();
      return reader;
    };
    const first = begin(1);
    assert.equal(pending.size, 512);
    const second = begin(49_700);
    assert.equal(pending.size, 512 + 99_400);
    const refused = begin(1);
    assert.equal(refused.error?.code, 8);
    assert.deepEqual([first.error, second.error], [undefined, undefined]);
    second.forget();
    assert.equal(begin(1).error, undefined);
  });

  it('are bounded over all connections together', () => {
    const all = new PendingBytes(150_000);
    const begin = (pending: PendingBytes, bytes: number): MessageReader => {
      const reader = new MessageReader(1_000_000, pending);
      reader.offer(frame(new Uint8Array(1_000_000)).subarray(0, 5 + bytes));
      reader.advance();
      return reader;
    };
    const [one, other] = [new PendingBytes(100_000, all), new PendingBytes(100_000, all)];
    const first = begin(one, 45_000);
    const second = begin(other, 45_000);
    assert.deepEqual([first.error, second.error?.code], [undefined, 8]);
    assert.deepEqual([one.size, other.size, all.size], [90_000, 0, 90_000]);
    // What one connection may not take is not taken from the whole either.
    assert.equal(begin(one, 20_000).error?.code, 8);
    assert.equal(all.size, 90_000);
    first.forget();
    assert.equal(all.size, 0);
    assert.equal(begin(other, 45_000).error, undefined);
  });

  it('cost a caller who begins many of them about what they cost us', () => {
    const pending = new PendingBytes(Number.POSITIVE_INFINITY);
    const begun = frame(new Uint8Array(1_500_000)).subarray(0, 6);
    for (let i = 0; i < 1000; i++) {
      const reader = new MessageReader(1_500_000, pending);
      reader.offer(begun);
      reader.advance();
    }
    assert.ok(pending.size <= 1000 * 1024, `${pending.size} bytes for 6,000`);
  });

  it('leave no memory behind once what had to wait was read', () => {
    const reader = new MessageReader(100_000, new PendingBytes(1_000_000));
    for (let i = 0; i < 100; i++) {
      reader.offer(frame(new Uint8Array(1000)));
      reader.keep();
    }
    assert.equal(readAll(reader).length, 100);
    const kept = Object.values(reader).filter((value) => value instanceof Uint8Array);
    assert.deepEqual(
      kept.filter(({ length }) => length > 0),
      [],
    );
  });

  it('waits in one array, whatever the size of the pieces', () => {
    const reader = new MessageReader(100_000, new PendingBytes(1_000_000));
    const bytes = frame(new Uint8Array(50_000).map((_, i) => i * 7));
    for (let i = 0; i < bytes.length; i++) {
      reader.offer(bytes.subarray(i, i + 1));
      reader.keep();
    }
    assert.equal(reader.takeConsumed(), 0, 'what nobody has read keeps its place in the window');
    assert.deepEqual(readAll(reader), [bytes.slice(5)]);
    assert.equal(reader.takeConsumed(), bytes.length);
  });
});
