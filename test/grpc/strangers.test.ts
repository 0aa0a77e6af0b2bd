import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { concatBytes } from '../../src/base/bytes.ts';
import { openChannel } from '../../src/grpc/engines.ts';
import { clientPreface, FrameType } from '../../src/grpc/http2/frames.ts';
import { Setting } from '../../src/grpc/http2/settings.ts';
import type { GrpcChannel } from '../../src/grpc/types.ts';
import { unary } from './fixture.ts';
import { requestFields } from './http2/connections.ts';
import {
  block,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  headers,
  setting,
  settingsAck,
  u32,
} from './http2/raw-peer.ts';
import { frame as message } from './raw-call.ts';
import type { Told } from './strangers-server.ts';

/**
 * Strangers who are slow, idle, greedy or mad, by the dozen or thousand, and beside them one honest client: each of its
 * calls is answered, in time, and what the strangers had occupied is free when they have gone.
 */

const honestCalls = 200;
/** On a machine that does much else at the same time. */
const honestTimeoutMs = 5_000;
const usedGrowthBytesMax = 8_000_000;

const fieldsOf = (path: string): Uint8Array =>
  block([...requestFields.slice(0, 5), path, ...requestFields.slice(6)]);
const [echo, large, both] = ['/t.S/Echo', '/t.S/Large', '/t.S/Both'].map(fieldsOf) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const whole = endHeaders | endStream;
const greeting = concatBytes([clientPreface, emptySettings, settingsAck]);
const greetingWith = (window: number): Uint8Array =>
  concatBytes([
    clientPreface,
    frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, window)),
    settingsAck,
    frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0x7000_0000)),
  ]);
const reset = (id: number): Uint8Array => frame(FrameType.RST_STREAM, 0, id, u32(8));
const small = message('x');
const ask = (id: number, fields: Uint8Array): Uint8Array =>
  concatBytes([headers(id, endHeaders, fields), frame(FrameType.DATA, endStream, id, small)]);

/** What strangers send: at first, and then a piece every few milliseconds until the server has had enough. */
interface Kind {
  readonly name: string;
  readonly connections: number;
  readonly first: Uint8Array;
  readonly next?: (round: number) => Uint8Array;
  readonly everyMs?: number;
  readonly readsNothing?: boolean;
}

const times = (count: number, make: (i: number) => Uint8Array): Uint8Array =>
  concatBytes(Array.from({ length: count }, (_, i) => make(i)));
const byteOf =
  (bytes: Uint8Array) =>
  (round: number): Uint8Array =>
    bytes.subarray(round, round + 1);
/** Ids of streams, for `perRound` of them each round. */
const idOf = (round: number, perRound: number, i: number): number => 2 * (round * perRound + i) + 1;

const block16 = times(1, () => headers(1, endStream, echo.subarray(0, 8)));
const kinds: readonly Kind[] = [
  { name: 'a thousand idle connections', connections: 1000, first: greeting },
  {
    name: 'a preface byte by byte',
    connections: 100,
    first: new Uint8Array(0),
    next: byteOf(greeting),
    everyMs: 200,
  },
  {
    name: 'a frame header byte by byte',
    connections: 100,
    first: greeting,
    next: byteOf(frame(FrameType.PING, 0, 0, new Uint8Array(8))),
    everyMs: 200,
  },
  {
    name: 'a header block that does not end',
    connections: 50,
    first: concatBytes([greeting, block16]),
    next: () => frame(FrameType.CONTINUATION, 0, 1, [0]),
    everyMs: 100,
  },
  {
    name: 'a body byte by byte',
    connections: 100,
    first: concatBytes([greeting, headers(1, endHeaders, echo)]),
    next: (round) =>
      frame(FrameType.DATA, 0, 1, message(new Uint8Array(500)).subarray(round, round + 1)),
    everyMs: 50,
  },
  {
    name: 'streams that are opened and left',
    connections: 4,
    first: greeting,
    next: (round) => times(200, (i) => headers(idOf(round, 200, i), endHeaders, echo)),
  },
  {
    name: 'large answers and no window',
    connections: 4,
    everyMs: 1000,
    first: greetingWith(0),
    next: (round) => times(5, (i) => ask(idOf(round, 5, i), large)),
  },
  {
    name: 'large answers that are not read',
    connections: 4,
    everyMs: 1000,
    first: greetingWith(0x7fff_ffff),
    next: (round) => times(5, (i) => ask(idOf(round, 5, i), large)),
    readsNothing: true,
  },
  {
    name: 'streams that are reset at once (CVE-2023-44487)',
    connections: 4,
    first: greeting,
    next: (round) =>
      times(200, (i) => {
        const id = idOf(round, 200, i);
        return concatBytes([headers(id, whole, echo), reset(id)]);
      }),
  },
  {
    name: 'streams that the server must reset (CVE-2025-8671)',
    connections: 4,
    first: greeting,
    next: (round) =>
      times(200, (i) => {
        const id = idOf(round, 200, i);
        return concatBytes([
          headers(id, endHeaders, echo),
          frame(FrameType.WINDOW_UPDATE, 0, id, u32(0)),
        ]);
      }),
  },
  {
    name: 'CONTINUATION without end (CVE-2024-27316)',
    connections: 8,
    first: concatBytes([greeting, block16]),
    next: () => times(100, () => frame(FrameType.CONTINUATION, 0, 1)),
  },
  {
    name: 'header lists of small bytes and great size',
    connections: 4,
    first: greeting,
    // accept-encoding of the static table, 900 times.
    next: (round) =>
      times(10, (i) => {
        const fields = concatBytes([echo, new Uint8Array(900).fill(0x80 | 16)]);
        return headers(idOf(round, 10, i), endHeaders, fields);
      }),
  },
  {
    name: 'PING, SETTINGS, PRIORITY, WINDOW_UPDATE and empty DATA',
    connections: 8,
    first: concatBytes([greeting, headers(1, endHeaders, both)]),
    next: () =>
      concatBytes([
        times(50, () => frame(FrameType.PING, 0, 0, new Uint8Array(8))),
        times(50, () => frame(FrameType.SETTINGS, 0, 0)),
        times(50, () => frame(FrameType.PRIORITY, 0, 3, new Uint8Array(5))),
        times(50, () => frame(FrameType.WINDOW_UPDATE, 0, 1, u32(1))),
        times(50, () => frame(FrameType.DATA, 0, 1)),
      ]),
  },
  {
    name: 'tables of headers that change size in every block',
    connections: 4,
    first: greeting,
    // To nothing and to all of it (RFC 7541, section 6.3).
    next: (round) =>
      times(100, (i) => {
        const sizes = new Uint8Array([0x20, 0x3f, 0xe1, 0x1f]);
        return headers(idOf(round, 100, i), whole, concatBytes([sizes, echo]));
      }),
  },
];

/** Strangers of one kind; who is sent away comes back. */
class Crowd {
  private readonly kind: Kind;
  private readonly port: number;
  private readonly sockets = new Set<net.Socket>();
  private isOver = false;
  sentAway = 0;

  constructor(kind: Kind, port: number) {
    this.kind = kind;
    this.port = port;
    for (let i = 0; i < kind.connections; i++) this.come();
  }

  private come(): void {
    const { first, next, everyMs = 100, readsNothing = false } = this.kind;
    const socket = net.connect(this.port, '127.0.0.1');
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    if (!readsNothing) socket.resume();
    let round = 0;
    const timer =
      next === undefined
        ? undefined
        : setInterval(() => {
            // What the server does not read any more is not piled up here.
            if (socket.writableLength < 100_000) socket.write(next(round++));
          }, everyMs);
    socket.once('connect', () => socket.write(first));
    socket.once('close', () => {
      clearInterval(timer);
      this.sockets.delete(socket);
      this.sentAway++;
      if (!this.isOver) setTimeout(() => this.isOver || this.come(), 50);
    });
  }

  leave(): void {
    this.isOver = true;
    for (const socket of this.sockets) socket.destroy();
  }
}

describe('grpc: strangers, and an honest client beside them', () => {
  let server: ChildProcess;
  let port = 0;
  let channel: GrpcChannel;

  const toldNext = (): Promise<Told> =>
    new Promise((resolve) => server.once('message', (told) => resolve(told as Told)));
  const look = (): Promise<Told> => {
    const told = toldNext();
    server.send('look');
    return told;
  };

  before(async () => {
    const program = fileURLToPath(new URL('strangers-server.js', import.meta.url));
    server = fork(program, { execArgv: ['--expose-gc'] });
    port = (await toldNext()).port ?? 0;
    channel = openChannel('fast', { addresses: [`127.0.0.1:${port}`], reconnectMaxMs: 1000 });
    await honest();
  });
  after(() => {
    channel.close();
    server.disconnect();
  });

  /** The 99th percentile of its calls, in milliseconds. */
  async function honest(): Promise<number> {
    const tookMs: number[] = [];
    for (let i = 0; i < honestCalls; i++) {
      const request = new Uint8Array(1 + (i % 200)).fill(i);
      const beganMs = performance.now();
      const { status, message: answer } = await unary(channel, '/t.S/Echo', request, {
        timeoutMs: honestTimeoutMs,
      });
      tookMs.push(performance.now() - beganMs);
      assert.deepEqual(status, { code: 0, text: '' });
      assert.deepEqual(answer, request);
    }
    tookMs.sort((a, b) => a - b);
    return tookMs[Math.floor(tookMs.length * 0.99)] ?? 0;
  }

  async function alone(): Promise<Told> {
    const endMs = performance.now() + 20_000;
    for (;;) {
      const told = await look();
      if (told.connections === 1 || performance.now() > endMs) return told;
      await sleep(100);
    }
  }

  for (const kind of kinds) {
    it(`${kind.name}`, async () => {
      const { usedBytes: before = 0 } = await alone();
      const crowd = new Crowd(kind, port);
      await sleep(300);
      const p99Ms = await honest();
      crowd.leave();
      const { usedBytes: after = 0, connections } = await alone();
      assert.equal(connections, 1);
      const grown = after - before;
      assert.ok(grown < usedGrowthBytesMax, `${grown} bytes more than before`);
      if (process.env['STRANGERS_TELL'] !== undefined) {
        console.log(
          `      p99 ${p99Ms.toFixed(1)} ms; ${crowd.sentAway} sent away; ${grown} bytes`,
        );
      }
    }).timeout(60_000);
  }
});
