import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { readUint32 } from '../../../src/base/bytes.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import { ReceiveWindows } from '../../../src/grpc/http2/flow-control.ts';
import {
  frameBytesMax,
  FrameType,
  initialWindowBytes,
  windowBytesMax,
} from '../../../src/grpc/http2/frames.ts';
import { Output } from '../../../src/grpc/http2/output.ts';
import { Sender } from '../../../src/grpc/http2/sender.ts';
import { Stream, type StreamOwner } from '../../../src/grpc/http2/stream.ts';
import { endStream } from './raw-peer.ts';

/** The arithmetic of windows (RFC 9113, section 6.9), over random steps, as an honest other end keeps it. */

const streamCount = 4;
const shareBytes = 10_000;
const runs = 100;
const lists = { minLength: 1, maxLength: 60, size: 'max' } as const;

/** One end's view of what the other may send on one stream, and what has come of it. */
interface Told {
  window: number;
  bytes: number;
  isEnded: boolean;
}

/** Sends by a `Sender`, and reads what comes of it as the receiver would. */
class Sending {
  readonly streams: Stream[];
  readonly told: Told[];
  readonly written: number[] = [];
  /** As if more had been sent before: it is the window that is short most of the time. */
  connectionWindow = 5000;
  initialWindow = initialWindowBytes;
  readonly sender: Sender;
  private readonly socket = new PassThrough({ highWaterMark: 2 ** 30 });
  private readonly output = new Output(this.socket, () => undefined);

  constructor() {
    this.sender = new Sender({
      output: this.output,
      encoder: createHeaderEncoder(),
      streamShareBytes: shareBytes,
      onLocalEnd: () => undefined,
    });
    this.sender.window = this.connectionWindow;
    const windows = { receive: 0, send: this.initialWindow };
    this.streams = Array.from({ length: streamCount }, (_, i) => {
      return new Stream(2 * i + 1, {} as StreamOwner, windows);
    });
    this.told = this.streams.map(() => ({
      window: this.initialWindow,
      bytes: 0,
      isEnded: false,
    }));
    for (const stream of this.streams) {
      this.written.push(0);
      this.sender.sendHeaders(stream, [':status', '200'], false);
    }
    this.receive();
  }

  /** Bytes say which they are of their stream, so that none can be lost, doubled or moved. */
  nextBytes(index: number, length: number): Uint8Array {
    const from = this.written[index] ?? 0;
    this.written[index] = from + length;
    return Uint8Array.from({ length }, (_, i) => (from + i) % 251);
  }

  mayWrite(index: number): boolean {
    const stream = this.streams[index] as Stream;
    return !stream.isClosed && !stream.isLocalEnded && !stream.isEndQueued;
  }

  receive(): void {
    this.output.flush();
    const bytes = (this.socket.read() as Buffer | null) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length;) {
      const length = readUint32(bytes, at) >>> 8;
      const [type, flags] = [bytes[at + 3], bytes[at + 4] ?? 0];
      const payload = bytes.subarray(at + 9, at + 9 + length);
      this.receiveFrame((readUint32(bytes, at + 5) - 1) / 2, { type, flags, payload });
      at += 9 + length;
    }
  }

  private receiveFrame(
    index: number,
    frame: { type: number | undefined; flags: number; payload: Uint8Array },
  ): void {
    const told = this.told[index] as Told;
    const { type, flags, payload } = frame;
    assert.ok(!told.isEnded, 'a frame after the end of a stream');
    assert.ok(payload.length <= frameBytesMax);
    told.isEnded = (flags & endStream) !== 0;
    if (type === FrameType.DATA) {
      assert.ok(
        payload.every((byte, i) => byte === (told.bytes + i) % 251),
        'bytes in order',
      );
      told.bytes += payload.length;
      told.window -= payload.length;
      this.connectionWindow -= payload.length;
      // An empty frame may be sent whatever the window says (section 6.9.1).
      if (payload.length > 0) assert.ok(told.window >= 0 && this.connectionWindow >= 0);
    }
    if (told.isEnded) assert.equal(told.bytes, this.written[index], 'the end comes last');
  }

  widen(index: number, increment: number): void {
    const told = this.told[index] as Told;
    const stream = this.streams[index] as Stream;
    if (stream.isClosed || told.window + increment > windowBytesMax) return;
    told.window += increment;
    assert.equal(this.sender.widen(stream, increment), true);
  }

  widenConnection(increment: number): void {
    if (this.connectionWindow + increment > windowBytesMax) return;
    this.connectionWindow += increment;
    this.sender.window += increment;
  }

  /** SETTINGS_INITIAL_WINDOW_SIZE: windows of open streams change by the difference, below zero if need be. */
  setInitial(size: number): void {
    const change = size - this.initialWindow;
    if (this.told.some(({ window }) => window + change > windowBytesMax)) return;
    this.initialWindow = size;
    for (const [i, told] of this.told.entries()) {
      told.window += change;
      const stream = this.streams[i] as Stream;
      if (!stream.isClosed) this.sender.widen(stream, change);
    }
  }

  drop(index: number): void {
    const stream = this.streams[index] as Stream;
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.sender.drop(stream);
    (this.told[index] as Told).isEnded = true;
  }
}

/** A sender that keeps to what `ReceiveWindows` has told it, and the owner of its streams. */
class Receiving {
  readonly windows: ReceiveWindows;
  readonly streams: Stream[];
  /** As the sender knows them. */
  readonly streamWindows: number[];
  connectionWindow = initialWindowBytes;
  private readonly streamBytes: number;
  private readonly socket = new PassThrough({ highWaterMark: 2 ** 30 });
  private readonly output = new Output(this.socket, () => undefined);
  private isSettled = false;

  constructor(sizes: { streamBytes: number; connectionBytes: number }) {
    this.streamBytes = sizes.streamBytes;
    this.windows = new ReceiveWindows(this.output, sizes);
    this.windows.open();
    const windows = { receive: this.windows.streamWindow, send: 0 };
    this.streams = Array.from({ length: streamCount }, (_, i) => {
      return new Stream(2 * i + 1, {} as StreamOwner, windows);
    });
    this.streamWindows = this.streams.map(() => initialWindowBytes);
    this.hear();
  }

  mayTake(index: number): number {
    return Math.min(this.streamWindows[index] ?? 0, this.connectionWindow, frameBytesMax);
  }

  /** A DATA frame, of which the padding is given back at once. */
  take(index: number, bytes: number, padding: number): void {
    const stream = this.streams[index] as Stream;
    this.connectionWindow -= bytes;
    this.streamWindows[index] = (this.streamWindows[index] ?? 0) - bytes;
    assert.equal(this.windows.take(bytes), true, 'the connection allows less than it has told');
    stream.receiveWindow -= bytes;
    const isAllowed = bytes === 0 || stream.receiveWindow >= 0;
    assert.ok(isAllowed, 'a stream allows less than it has told');
    stream.heldBytes += bytes - padding;
    this.windows.giveBackOf(stream, padding);
  }

  consume(index: number, bytes: number): void {
    const stream = this.streams[index] as Stream;
    const taken = Math.min(bytes, stream.heldBytes);
    stream.heldBytes -= taken;
    this.windows.giveBackOf(stream, taken);
  }

  /** The sender has our SETTINGS, and says so. */
  settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const change = this.streamBytes - initialWindowBytes;
    const excess = this.windows.settle();
    for (const [i, stream] of this.streams.entries()) {
      this.streamWindows[i] = (this.streamWindows[i] ?? 0) + change;
      stream.receiveWindow -= excess;
    }
  }

  /** The end of a turn. */
  hear(): void {
    this.windows.tell();
    this.output.flush();
    const bytes = (this.socket.read() as Buffer | null) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at += 13) {
      assert.equal(bytes[at + 3], FrameType.WINDOW_UPDATE);
      const [id, increment] = [readUint32(bytes, at + 5), readUint32(bytes, at + 9)];
      assert.ok(increment > 0, 'an update of nothing');
      if (id === 0) this.connectionWindow += increment;
      else this.streamWindows[(id - 1) / 2] = (this.streamWindows[(id - 1) / 2] ?? 0) + increment;
    }
  }
}

type Step = (sending: Sending) => void;

const stream = fc.nat(streamCount - 1);
const length = fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(40_000), fc.constantFrom(0, 16_384));
const increment = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100_000 }));
const writes = fc.record({ stream, length, isEnd: fc.boolean() });
const ends = fc.record({ stream, isNow: fc.boolean() });
const sizes = fc.oneof(fc.nat(1000), fc.nat(100_000), fc.constantFrom(0, 1, windowBytesMax));

const steps: fc.Arbitrary<Step> = fc.oneof(
  writes.map(({ stream, length, isEnd }): Step => (sending) => {
    if (!sending.mayWrite(stream)) return;
    const bytes = sending.nextBytes(stream, length);
    sending.sender.write(sending.streams[stream] as Stream, bytes, isEnd && length % 7 === 0);
  }),
  fc.record({ stream, first: fc.nat(40), second: fc.nat(4000) }).map((each): Step => (sending) => {
    if (!sending.mayWrite(each.stream)) return;
    const parts = [each.first, each.second].map((size) => sending.nextBytes(each.stream, size));
    sending.sender.writeSmall(sending.streams[each.stream] as Stream, parts);
  }),
  ends.map(({ stream, isNow }): Step => (sending) => {
    if (!isNow || !sending.mayWrite(stream)) return;
    sending.sender.sendHeaders(sending.streams[stream] as Stream, ['grpc-status', '0'], true);
  }),
  fc.tuple(stream, increment).map(
    ([at, by]): Step =>
      (sending) =>
        sending.widen(at, by),
  ),
  increment.map(
    (by): Step =>
      (sending) =>
        sending.widenConnection(by),
  ),
  sizes.map(
    (size): Step =>
      (sending) =>
        sending.setInitial(size),
  ),
  ends.map(
    ({ stream, isNow }): Step =>
      (sending) =>
        isNow && sending.drop(stream),
  ),
  fc.nat(100_000).map(
    (budget): Step =>
      (sending) =>
        sending.sender.pump(budget),
  ),
);

describe('HTTP/2 windows', () => {
  it('hold back DATA, however they change, and let all of it out in the end', () => {
    fc.assert(
      fc.property(fc.array(steps, lists), (steps) => {
        const sending = new Sending();
        for (const step of steps) {
          step(sending);
          sending.receive();
        }
        sending.widenConnection(2 ** 30);
        for (const [i, { window }] of sending.told.entries()) {
          sending.widen(i, windowBytesMax - window);
        }
        while (sending.sender.hasReady) {
          sending.sender.pump(100_000);
          sending.receive();
        }
        for (const [i, { isClosed, isLocalEnded, isEndQueued }] of sending.streams.entries()) {
          if (isClosed) continue;
          assert.equal(isEndQueued, false);
          assert.equal(sending.told[i]?.bytes, sending.written[i]);
          assert.equal(sending.told[i]?.isEnded, isLocalEnded);
        }
        const { heldBytes, weightBytes, waitingStreams } = sending.sender;
        assert.deepEqual([heldBytes, weightBytes, waitingStreams], [0, 0, 0]);
      }),
      { numRuns: runs },
    );
  });

  it('that are told let an honest sender go on once all was consumed, and forbid it nothing', () => {
    const windowSizes = fc.record({
      streamBytes: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.nat(300_000)),
      connectionBytes: fc.oneof(fc.nat(1000), fc.nat(1_000_000)),
    });
    const portion = fc.record({ at: stream, part: fc.nat(100), padding: fc.nat(256) });
    const events = fc.array(fc.tuple(fc.nat(9), portion), lists);
    fc.assert(
      fc.property(windowSizes, events, ({ streamBytes, connectionBytes }, events) => {
        const sizes = { streamBytes: streamBytes + 1, connectionBytes };
        const receiving = new Receiving(sizes);
        for (const [kind, { at, part, padding }] of events) {
          const bytes = Math.ceil((Math.max(0, receiving.mayTake(at)) * part) / 100);
          if (kind < 5) receiving.take(at, bytes, Math.min(bytes, padding));
          else if (kind < 7) receiving.consume(at, part * 1000);
          else if (kind === 7) receiving.settle();
          else receiving.hear();
        }
        receiving.settle();
        for (let i = 0; i < streamCount; i++) receiving.consume(i, Number.POSITIVE_INFINITY);
        receiving.hear();
        for (let i = 0; i < streamCount; i++) {
          assert.ok(receiving.mayTake(i) > 0, 'it waits for ever');
          assert.equal(
            receiving.streamWindows[i],
            receiving.streams[i]?.receiveWindow,
            'both ends agree',
          );
        }
      }),
      { numRuns: runs },
    );
  });
});
