import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { openFastChannel } from '../../../src/grpc/fast-channel.ts';
import { createFastServer } from '../../../src/grpc/fast-server.ts';
import { testLimits, unary } from '../fixture.ts';
import { conversation } from './conversation.ts';
import { encodeFrames, mutate } from './frames.ts';
import { FuzzHandlers } from './handlers.ts';

/** A connection that has not ended by then, with its client gone, never will. */
const endTimeoutMs = 15_000;
/** Clients at once. */
const clients = 8;
/** Connections between two looks at what is left of them. */
const batchConnections = 400;

export interface FuzzOptions {
  /** The first connection's; each further one has the next. */
  readonly seed: number;
  readonly seconds: number;
  readonly onProgress?: (progress: FuzzProgress) => void;
}

export interface FuzzProgress {
  /** With it a run goes on where this one is. */
  readonly nextSeed: number;
  readonly connections: number;
  readonly sentBytes: number;
  /** Heap and array buffers after garbage collection. */
  readonly usedBytes: number;
}

/**
 * Sends conversations that are wrong in random ways to a server of the fast engine in this process. Rejects when a
 * connection does not end, a call is left over, or the server does not serve any more. What is thrown in the server
 * is for the caller to hear, as `uncaughtException`.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzProgress> {
  const fuzzer = new Fuzzer(options.seed);
  await fuzzer.listen();
  try {
    const endMs = performance.now() + 1000 * options.seconds;
    let progress = await fuzzer.batch();
    while (performance.now() < endMs) {
      options.onProgress?.(progress);
      progress = await fuzzer.batch();
    }
    return progress;
  } finally {
    await fuzzer.close();
  }
}

class Fuzzer {
  private readonly handlers = new FuzzHandlers();
  private readonly engine = createFastServer({
    handlers: this.handlers.byPath,
    limits: { ...testLimits, requestBytesMax: 100_000, concurrentStreamsMax: 20 },
  });
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer((socket) => {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    this.engine.serve(socket);
  });
  private nextSeed: number;
  private connections = 0;
  private sentBytes = 0;

  constructor(seed: number) {
    this.nextSeed = seed;
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
  }

  async close(): Promise<void> {
    await new Promise<void>((done) => this.engine.close(0, done));
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Some connections; then nothing may be left of them, and the server must serve on. */
  async batch(): Promise<FuzzProgress> {
    const first = this.nextSeed;
    const end = first + batchConnections;
    const client = async (): Promise<void> => {
      while (this.nextSeed < end) await this.connect(this.nextSeed++);
    };
    await Promise.all(Array.from({ length: clients }, client));
    await this.isServed(first);
    await this.nothingIsLeft(first);
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const { nextSeed, connections, sentBytes } = this;
    return { nextSeed, connections, sentBytes, usedBytes: heapUsed + arrayBuffers };
  }

  private async connect(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const bytes = bytesOf(random);
    const socket = net.connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    this.connections++;
    this.sentBytes += bytes.length;
    if (random.below(4) > 0) socket.resume();
    await sendInPieces(random, socket, bytes);
    if (random.below(3) === 0) await sleep(random.below(5));
    if (random.below(3) === 0) socket.destroy();
    else socket.resume().end();
    const timer = setTimeout(() => socket.destroy(new Error('late')), endTimeoutMs);
    const startMs = performance.now();
    await ended;
    clearTimeout(timer);
    if (performance.now() - startMs >= endTimeoutMs) {
      throw new Error(`seed ${seed}: the connection does not end`);
    }
  }

  private async isServed(first: number): Promise<void> {
    const address = `127.0.0.1:${this.port}`;
    const channel = openFastChannel({ addresses: [address], reconnectMaxMs: 1000 });
    const { status } = await unary(channel, '/t.S/Echo', Uint8Array.of(1), { timeoutMs: 10_000 });
    channel.close();
    if (status.code === 0) return;
    throw new Error(`seeds from ${first} on: no service any more: ${JSON.stringify(status)}`);
  }

  private async nothingIsLeft(first: number): Promise<void> {
    const endMs = performance.now() + endTimeoutMs;
    while (this.sockets.size > 0 || this.handlers.openCalls > 0) {
      if (performance.now() > endMs) {
        const what = `${this.sockets.size} connections and ${this.handlers.openCalls} calls`;
        throw new Error(`seeds from ${first} on: ${what} are left over`);
      }
      await sleep(5);
    }
  }
}

/** A conversation with a few mistakes; now and then with wrong bytes anywhere, or cut off. */
function bytesOf(random: Random): Buffer {
  const frames = conversation(random);
  mutate(random, frames);
  const bytes = encodeFrames(frames);
  if (random.below(4) === 0) {
    for (let i = random.below(6); i >= 0; i--)
      bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.below(6) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

async function sendInPieces(random: Random, socket: net.Socket, bytes: Buffer): Promise<void> {
  const pieceMax = [1, 7, 60, 1500, 70_000][random.below(5)] ?? 1500;
  // Single bytes make a system call each: only the beginning goes so.
  let left = 40;
  for (let at = 0; at < bytes.length && !socket.destroyed;) {
    const length = left-- > 0 ? 1 + random.below(pieceMax) : bytes.length;
    socket.write(bytes.subarray(at, at + length));
    at += length;
    if (random.below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
