import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { concatBytes, readUint32, type Bytes } from '../../../src/base/bytes.ts';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { openHttp2Connection } from '../../../src/grpc/http2/connection.ts';
import { clientPreface, FrameType } from '../../../src/grpc/http2/frames.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import type { ErrorCode, Http2Connection, Http2Stream } from '../../../src/grpc/http2/types.ts';
import { requestFields, serverEvents, silent, testLimits } from './connections.ts';
import {
  block,
  data,
  emptySettings,
  frame,
  headers,
  request,
  setting,
  settingsAck,
  u32,
} from './raw-peer.ts';

/**
 * Sequences of frames, mostly right, some damaged: whatever comes, nothing is thrown, every stream is told of its end,
 * what goes out are whole frames, and the connection goes on or, on a server, ends with GOAWAY. HTTP2_FUZZ_SECONDS makes it go on for longer, HTTP2_FUZZ_SEED starts it
 * elsewhere.
 */

const seconds = Number(process.env['HTTP2_FUZZ_SECONDS'] ?? 0);
const firstSeed = Number(process.env['HTTP2_FUZZ_SEED'] ?? 1);
const sequences = 600;

class Dice {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return this.random.below(limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** A socket without a network: what is written is kept until it was looked through. */
class Wire extends Duplex {
  written: Bytes[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(new Uint8Array(chunk));
    done();
  }
}

const response = block([':status', '200', 'content-type', 'application/grpc']);
const trailers = block(['grpc-status', '0']);
const windows = [0, 1, 2, 100, 65_535, 0x7fff_ffff, 0x8000_0000];

/** The other end: which frames would be right now. */
class Peer {
  private readonly dice: Dice;
  private readonly isClient: boolean;
  private lastId = -1;

  constructor(dice: Dice, isClient: boolean) {
    this.dice = dice;
    this.isClient = isClient;
  }

  next(): Uint8Array {
    return this.dice.below(60) === 0 ? wildFrame(this.dice) : this.tameFrame();
  }

  private tameFrame(): Uint8Array {
    const { dice } = this;
    const usedMax = this.isClient ? this.lastId : 9;
    const id = usedMax < 1 ? 0 : 2 * dice.below((usedMax + 1) / 2) + 1;
    const kind = dice.below(12);
    if (kind < 3 && this.isClient) {
      this.lastId += 2;
      return headers(this.lastId, dice.pick([4, 5]), request);
    }
    if (kind < 3) return headers(id, dice.pick([4, 5]), dice.pick([response, trailers]));
    if (kind === 4) return frame(FrameType.PING, 0, 0, new Uint8Array(8));
    if (kind === 5) {
      return frame(
        FrameType.SETTINGS,
        0,
        0,
        setting(Setting.INITIAL_WINDOW_SIZE, dice.below(70_000)),
      );
    }
    if (kind === 6 || id === 0) {
      return frame(FrameType.WINDOW_UPDATE, 0, 0, u32(1 + dice.below(100_000)));
    }
    if (kind === 7) return frame(FrameType.WINDOW_UPDATE, 0, id, u32(1 + dice.below(100_000)));
    if (kind === 8) return frame(FrameType.RST_STREAM, 0, id, u32(dice.below(14)));
    if (kind === 9) return frame(FrameType.PRIORITY, 0, id, [...u32(0), 1]);
    // DATA on a stream that has ended is a breach: rarely.
    if (dice.below(3) > 0) return frame(0xaa, 0, id, new Uint8Array(3));
    return data(id, dice.pick([0, 0, 1]), dice.below(dice.pick([1, 10, 300, 16_000])));
  }
}

function wildFrame(dice: Dice): Uint8Array {
  const id = dice.pick([0, 1, 1, 3, 3, 5, 7, 9, 2 * dice.below(40) + 1, dice.below(50)]);
  const flags = dice.pick([0, 1, 4, 5, 5, 5, dice.below(256)]);
  switch (dice.below(13)) {
    case 0:
    case 1:
    case 2:
      return headers(
        id,
        flags,
        dice.pick([
          request,
          request,
          response,
          trailers,
          dice.pick([request, response]).subarray(0, 20),
        ]),
      );
    case 3:
    case 4:
      return data(id, flags & 9, dice.below(dice.pick([1, 10, 300, 17_000])));
    case 5:
      return frame(FrameType.CONTINUATION, flags & 4, id, trailers);
    case 6:
      return frame(FrameType.RST_STREAM, 0, id, u32(dice.below(16)));
    case 7:
      return frame(FrameType.WINDOW_UPDATE, 0, id, u32(dice.pick(windows)));
    case 8:
      return frame(FrameType.PING, flags & 1, 0, new Uint8Array(8));
    case 9:
      return frame(
        FrameType.SETTINGS,
        0,
        0,
        setting(Setting.INITIAL_WINDOW_SIZE, dice.pick(windows)),
      );
    case 10:
      return frame(FrameType.PRIORITY, 0, id, [...u32(dice.below(10)), 1]);
    case 11:
      return frame(FrameType.GOAWAY, 0, 0, [...u32(dice.below(20)), ...u32(dice.below(16))]);
    default:
      return frame(dice.below(16), flags, id, new Uint8Array(dice.below(40)));
  }
}

function damage(bytes: Uint8Array, dice: Dice): void {
  for (let times = dice.below(4); times > 0; times--) {
    bytes[dice.below(bytes.length)] = dice.below(256);
  }
}

/** An owner that does anything it may, at any time. */
class Owner {
  readonly streams = new Set<Http2Stream>();
  private readonly dice: Dice;
  private readonly answered = new WeakSet<Http2Stream>();
  private readonly ended = new WeakSet<Http2Stream>();
  private readonly held = new WeakMap<Http2Stream, number>();

  constructor(dice: Dice) {
    this.dice = dice;
  }

  take(stream: Http2Stream): void {
    this.streams.add(stream);
    let isOver = false;
    stream.listener = {
      ...silent,
      onHeaders: () => assert.ok(!isOver),
      onData: (chunk) => {
        assert.ok(!isOver);
        this.held.set(stream, (this.held.get(stream) ?? 0) + chunk.length);
      },
      onReset: () => assert.ok(!isOver),
      onDrain: () => assert.ok(!isOver),
      onClosed: () => {
        assert.ok(!isOver);
        isOver = true;
        this.streams.delete(stream);
      },
    };
  }

  act(isServer: boolean): void {
    for (const stream of this.streams) {
      const held = this.held.get(stream) ?? 0;
      const given = this.dice.below(held + 1);
      this.held.set(stream, held - given);
      stream.consumed(given);
      if (this.dice.below(30) === 0) stream.reset(this.dice.below(14) as ErrorCode);
      if (this.ended.has(stream)) continue;
      if (isServer && !this.answered.has(stream)) {
        this.answered.add(stream);
        stream.sendHeaders([':status', '200'], false);
      }
      const isEnd = this.dice.below(3) === 0;
      stream.write(new Uint8Array(this.dice.below(this.dice.pick([1, 100, 50_000]))), false);
      if (!isEnd) continue;
      this.ended.add(stream);
      stream.sendHeaders(['grpc-status', '0'], true);
      if (this.dice.below(2) === 0) stream.reset(0);
    }
  }
}

/** Checks that what was sent are frames, and none of a message after its end. Returns their types. */
function checkSent(bytes: Uint8Array): Set<number> {
  const types = new Set<number>();
  const over = new Set<number>();
  for (let at = 0; at < bytes.length;) {
    const length = readUint32(bytes, at) >>> 8;
    const [type, flags, id] = [bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, readUint32(bytes, at + 5)];
    assert.ok(length <= 16_384 && type <= FrameType.CONTINUATION, `type ${type}, ${length} bytes`);
    const isMessage = type === FrameType.HEADERS || type === FrameType.DATA;
    assert.ok(!isMessage || !over.has(id), `type ${type} on stream ${id}, which is over`);
    if ((isMessage && (flags & 1) !== 0) || type === FrameType.RST_STREAM) over.add(id);
    types.add(type);
    at += 9 + length;
    assert.ok(at <= bytes.length);
  }
  return types;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function runSequence(seed: number): Promise<'goes on' | 'ended'> {
  const dice = new Dice(seed);
  const isServer = dice.below(3) > 0;
  const peer = new Peer(dice, isServer);
  const wire = new Wire();
  const owner = new Owner(dice);
  let isClosed = false;
  const connection: Http2Connection = openHttp2Connection(wire, {
    role: isServer ? 'server' : 'client',
    limits: { ...testLimits, concurrentStreamsMax: 20, headerListBytesMax: 1000 },
    events: {
      ...serverEvents(
        (stream) => owner.take(stream),
        () => (isClosed = true),
      ),
      onReady: () => {
        for (let i = 0; i < 5; i++) {
          const stream = connection.open(requestFields, false, silent);
          if (stream !== undefined) owner.take(stream);
        }
      },
    },
  });
  if (isServer) wire.push(clientPreface);
  wire.push(emptySettings);
  wire.push(settingsAck);
  await turn();
  for (let step = dice.below(12); step >= 0; step--) {
    const count = 1 + dice.below(12);
    const bytes = concatBytes(Array.from({ length: count }, () => peer.next()));
    if (dice.below(12) === 0) damage(bytes, dice);
    const cut = dice.below(bytes.length);
    wire.push(bytes.slice(0, cut));
    wire.push(bytes.slice(cut));
    await turn();
    if (isClosed) break;
    owner.act(isServer);
    if (dice.below(20) === 0) connection.drain();
    if (dice.below(100) === 0) connection.destroy();
    await turn();
  }
  assert.ok(connection.openStreams <= 20);
  const isOver = wire.writableEnded || wire.destroyed;
  if (isOver) {
    await turn();
    assert.equal(owner.streams.size, 0, 'streams that were not told');
    const sent = checkSent(concatBytes(wire.written).subarray(isServer ? 0 : clientPreface.length));
    assert.ok(!isServer || wire.destroyed || sent.has(FrameType.GOAWAY));
  }
  connection.destroy();
  await turn();
  assert.ok(isClosed);
  assert.equal(owner.streams.size, 0);
  return isOver ? 'ended' : 'goes on';
}

describe('HTTP/2 under frames of any kind', () => {
  it('throws nothing, tells every stream, and ends or goes on', async () => {
    const outcomes = { 'goes on': 0, ended: 0 };
    const until = performance.now() + seconds * 1000;
    for (let seed = firstSeed; ; seed++) {
      if (seed >= firstSeed + sequences && performance.now() >= until) break;
      try {
        outcomes[await runSequence(seed)]++;
      } catch (error) {
        throw new Error(`HTTP2_FUZZ_SEED=${seed}`, { cause: error });
      }
    }
    // Both happen, or the sequences are not what they are meant to be.
    assert.ok(outcomes['goes on'] > sequences / 20, JSON.stringify(outcomes));
    assert.ok(outcomes.ended > sequences / 20, JSON.stringify(outcomes));
  }).timeout(60_000 + seconds * 1000);
});
