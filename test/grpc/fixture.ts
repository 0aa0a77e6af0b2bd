import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bytes } from '../../src/base/bytes.ts';
import type { GrpcServerEngine, GrpcServerOptions } from '../../src/grpc/engine.ts';
import { createGrpcServer, openChannel, type EngineName } from '../../src/grpc/engines.ts';
import { listen, type Listener, type ListenerLimits } from '../../src/grpc/listener.ts';
import type {
  CallOptions,
  GrpcChannel,
  GrpcServerLimits,
  Handler,
  Status,
} from '../../src/grpc/types.ts';
import { engineNames } from './engine-under-test.ts';

export const testLimits: GrpcServerLimits = {
  requestBytesMax: 2 * 1024 * 1024,
  concurrentStreamsMax: 1000,
  keepAliveMinTimeMs: 5000,
  keepAliveIntervalMs: 7_200_000,
  keepAliveTimeoutMs: 20_000,
};

/** A suite for each engine. */
export function describeOnEngines(what: string, tests: (engine: EngineName) => void): void {
  for (const engine of engineNames) {
    describe(`${what} on ${engine}`, () => tests(engine));
  }
}

export interface FixtureOptions extends Partial<Omit<GrpcServerOptions, 'handlers' | 'limits'>> {
  /** `fast` unless said otherwise. */
  readonly engine?: EngineName;
  readonly address?: string;
}

/** A server on a free port of loopback, and what to stop at the end of a test. */
export class Fixture {
  readonly listener: Listener;
  readonly grpc: GrpcServerEngine;
  readonly address: string;
  private readonly closers: (() => void | Promise<void>)[] = [];

  private constructor(listener: Listener, grpc: GrpcServerEngine) {
    this.grpc = grpc;
    this.listener = listener;
    this.address = listener.addressText;
  }

  static async start(
    handlers: Readonly<Record<string, Handler>>,
    limits: Partial<ListenerLimits & GrpcServerLimits> = {},
    options: FixtureOptions = {},
  ): Promise<Fixture> {
    const { engine = 'fast', address = '127.0.0.1:0', ...engineOptions } = options;
    const grpc = createGrpcServer(engine, {
      ...engineOptions,
      handlers: new Map(Object.entries(handlers)),
      limits: { ...testLimits, ...limits },
    });
    const outcome = await listen({
      address,
      grpc,
      http: (request, response) => response.end(`${request.method} ${request.url}`),
      limits,
    });
    if (!outcome.ok) throw new Error(outcome.error.text);
    const fixture = new Fixture(outcome.listener, grpc);
    fixture.closers.push(() => new Promise((done) => outcome.listener.close(0, done)));
    fixture.closers.push(() => new Promise((done) => grpc.close(0, done)));
    return fixture;
  }

  get port(): number {
    const { address } = this.listener;
    return address.kind === 'tcp' ? address.port : 0;
  }

  channel(engine: EngineName = 'grpc-js'): GrpcChannel {
    const channel = openChannel(engine, { addresses: [this.address], reconnectMaxMs: 1000 });
    this.closers.push(() => channel.close());
    return channel;
  }

  socket(): net.Socket {
    const socket = net.connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    this.closers.push(() => void socket.destroy());
    return socket;
  }

  async stop(): Promise<void> {
    for (const close of this.closers.toReversed()) await close();
  }
}

export interface UnaryOutcome {
  readonly status: Status;
  readonly message: Bytes | undefined;
}

export function unary(
  channel: GrpcChannel,
  path: string,
  request: Bytes,
  options: CallOptions = {},
): Promise<UnaryOutcome> {
  return new Promise((resolve) => channel.unary(path, request, options, resolve));
}

/** Waits until something holds, and fails with its name when it does not in time. */
export async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(5);
  }
}

/** All that a socket receives until it is closed. */
export function readToEnd(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
  });
}
