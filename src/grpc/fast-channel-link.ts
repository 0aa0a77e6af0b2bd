import { connectPlain, describeSocketError, type Connect } from './fast-channel-connect.ts';
import type { ChannelOptions } from './grpc-js-channel.ts';
import { openHttp2Connection } from './http2/connection.ts';
import { ErrorCode, type Http2Connection, type Http2Limits } from './http2/types.ts';
import { parseListenAddress } from './listen-address.ts';

/** The pause after the first failed attempt to connect; each further one is longer by this factor. */
const firstPauseMs = 100;
const pauseFactor = 1.6;
/** How far a pause strays from its length, so that callers who lost one server do not all come back at once. */
const pauseJitter = 0.2;

/** By then an address must have answered with HTTP/2's first frame (grpc doc/connection-backoff.md). */
const connectTimeoutMs = 20_000;

const defaultWindowBytes = 1024 * 1024;
const headerListBytesMax = 64 * 1024;

/** Unsent bytes of a call beyond which `send` says that it is full; of all on a connection four times as many. */
export const unsentCallBytesMax = 256 * 1024;

export interface LinkEvents {
  /** There is a connection that takes calls, or it takes more of them than before. */
  onRoom(): void;
  /** There is none, for this reason; further attempts follow by themselves. */
  onFailed(reason: string): void;
  /** The connection that took calls takes no more; the next one is made when `connect` asks for it. */
  onLost(): void;
}

/** A connection that takes calls. */
export interface LiveConnection {
  readonly address: string;
  readonly http2: Http2Connection;
  /** Calls on it. Without any it does not keep the process alive. */
  callBegan(): void;
  callEnded(): void;
}

/**
 * The one connection of a channel. It is made when it is first asked for, and again when that is lost. After a failed
 * attempt others follow, with pauses that grow, until one succeeds; meanwhile `failure` says what is wrong.
 */
export class ChannelLink {
  private readonly options: ChannelOptions;
  private readonly events: LinkEvents;
  private readonly connectSocket: Connect;
  private attempt: Connecting | undefined;
  private live: Connecting | undefined;
  /** What drains, so that closing the channel reaches it too. */
  private readonly draining = new Set<Connecting>();
  private pauseTimer: NodeJS.Timeout | undefined;
  private pauseMs: number;
  private isClosed = false;
  private isWaitedFor = false;
  private lastFailure: string | undefined;

  constructor(options: ChannelOptions, events: LinkEvents, connectSocket: Connect = connectPlain) {
    this.options = options;
    this.events = events;
    this.connectSocket = connectSocket;
    this.pauseMs = Math.min(firstPauseMs, options.reconnectMaxMs);
  }

  /** The connection that takes calls now; one that has begun to end is let go. */
  takeConnection(): LiveConnection | undefined {
    if (this.live?.http2.isDraining === true) this.leave(this.live);
    return this.live;
  }

  /** Why the last attempt failed, until one succeeds. */
  get failure(): string | undefined {
    return this.lastFailure;
  }

  /** Sees to it that there will be a connection, or an `onFailed`. */
  connect(): void {
    if (this.isClosed || this.live !== undefined || this.pauseTimer !== undefined) return;
    this.isWaitedFor = true;
    if (this.attempt === undefined) this.tryAddress(0);
    else this.attempt.keepAwake(true);
  }

  /** Nobody waits for a connection any more, so an attempt does not keep the process alive. */
  relax(): void {
    this.isWaitedFor = false;
    this.attempt?.keepAwake(false);
  }

  /** Calls under way may end; nothing else is done any more, and no event follows. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.pauseTimer);
    this.attempt?.destroy();
    const live = this.live;
    this.attempt = undefined;
    this.live = undefined;
    live?.drain();
    for (const each of this.draining) each.drain();
  }

  private tryAddress(index: number): void {
    const { addresses } = this.options;
    const address = addresses[index] ?? addresses[0];
    const attempt = new Connecting(address, this.options, this.connectSocket, {
      onReady: () => this.succeeded(attempt),
      onRoom: () => {
        if (this.live === attempt) this.events.onRoom();
      },
      onDraining: () => this.leave(attempt),
      onClosed: (reason) => this.ended(attempt, index, reason),
    });
    this.attempt = attempt;
    attempt.keepAwake(this.isWaitedFor);
    attempt.start();
  }

  private succeeded(attempt: Connecting): void {
    this.attempt = undefined;
    this.isWaitedFor = false;
    this.live = attempt;
    this.lastFailure = undefined;
    this.events.onRoom();
    if (this.live === attempt) attempt.keepAwake(false);
  }

  /** GOAWAY: the calls that it let in go on, new ones need another connection. */
  private leave(attempt: Connecting): void {
    if (this.attempt === attempt) return attempt.destroy();
    if (this.live !== attempt) return;
    this.draining.add(attempt);
    this.lost(attempt, attempt.http2.closedReason ?? 'it takes no more calls');
  }

  private ended(attempt: Connecting, index: number, reason: string): void {
    this.draining.delete(attempt);
    if (this.isClosed) return;
    if (this.live === attempt) return this.lost(attempt, reason);
    if (this.attempt !== attempt) return;
    this.attempt = undefined;
    if (index + 1 < this.options.addresses.length) this.tryAddress(index + 1);
    else this.failed(`${attempt.address}: ${reason}`);
  }

  /** A server that takes connections and drops them before they are of use is one that cannot be reached. */
  private lost(attempt: Connecting, reason: string): void {
    this.live = undefined;
    if (!attempt.hasServed(this.options.reconnectMaxMs)) {
      return this.failed(`${attempt.address}: ${reason}`);
    }
    this.pauseMs = Math.min(firstPauseMs, this.options.reconnectMaxMs);
    this.events.onLost();
  }

  private failed(reason: string): void {
    this.lastFailure = reason;
    const jitter = 1 + pauseJitter * (2 * Math.random() - 1);
    this.pauseTimer = setTimeout(() => {
      this.pauseTimer = undefined;
      this.isWaitedFor = false;
      this.tryAddress(0);
    }, this.pauseMs * jitter);
    // Whoever waited is told now, and those who come meanwhile at once.
    this.pauseTimer.unref();
    this.pauseMs = Math.min(this.pauseMs * pauseFactor, this.options.reconnectMaxMs);
    this.events.onFailed(reason);
  }
}

interface ConnectingEvents {
  onReady(): void;
  onRoom(): void;
  onDraining(): void;
  /** The last call. */
  onClosed(reason: string): void;
}

/** One connection to one address, from the first attempt until it is gone. */
class Connecting implements LiveConnection {
  readonly address: string;
  private isOver = false;
  private readonly options: ChannelOptions;
  private readonly connectSocket: Connect;
  private readonly events: ConnectingEvents;
  private socket: ReturnType<Connect> | undefined;
  private connection: Http2Connection | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isAwake = false;
  private calls = 0;
  private hasCarried = false;
  private readyAtMs = 0;

  constructor(
    address: string,
    options: ChannelOptions,
    connectSocket: Connect,
    events: ConnectingEvents,
  ) {
    this.address = address;
    this.options = options;
    this.connectSocket = connectSocket;
    this.events = events;
  }

  get http2(): Http2Connection {
    if (this.connection === undefined) throw new Error(`${this.address} is not connected`);
    return this.connection;
  }

  start(): void {
    const address = parseListenAddress(this.address);
    if (address === undefined) return queueMicrotask(() => this.over('malformed address'));
    const socket = this.connectSocket(address, () => this.opened());
    this.socket = socket;
    // Once HTTP/2 is spoken it says itself what has ended it.
    socket.on('error', (error) => {
      if (this.connection === undefined) this.over(describeSocketError(error));
    });
    socket.on('close', () => {
      if (this.connection === undefined) this.over('the connection was closed');
    });
    this.timer = setTimeout(() => {
      this.over(`no answer to the attempt to connect within ${connectTimeoutMs} ms`);
    }, connectTimeoutMs);
    this.keepAwake(this.isAwake);
  }

  /** Whether it carried a call, or stood for long enough to count as one that could have. */
  hasServed(longEnoughMs: number): boolean {
    return this.hasCarried || performance.now() - this.readyAtMs > longEnoughMs;
  }

  callBegan(): void {
    this.hasCarried = true;
    if (++this.calls === 1) this.keepAwake(true);
  }

  callEnded(): void {
    if (--this.calls === 0) this.keepAwake(false);
  }

  /** Whether the process goes on for the sake of this connection. */
  keepAwake(isAwake: boolean): void {
    this.isAwake = isAwake || this.calls > 0;
    if (this.isAwake) {
      this.socket?.ref();
      this.timer?.ref();
    } else {
      this.socket?.unref();
      this.timer?.unref();
    }
  }

  drain(): void {
    if (this.calls === 0) this.connection?.close(ErrorCode.NO_ERROR);
    else this.connection?.drain();
  }

  destroy(): void {
    this.over('the channel is closed');
  }

  private opened(): void {
    const { socket } = this;
    if (socket === undefined || this.isOver) return;
    this.connection = openHttp2Connection(socket, {
      role: 'client',
      limits: limitsOf(this.options),
      events: {
        onRequest: (stream) => stream.reset(ErrorCode.REFUSED_STREAM),
        onReady: () => {
          clearTimeout(this.timer);
          this.readyAtMs = performance.now();
          this.events.onReady();
        },
        onRoom: () => this.events.onRoom(),
        onDraining: () => this.events.onDraining(),
        onClosed: (reason) => this.over(reason),
      },
    });
  }

  private over(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.connection?.destroy();
    this.socket?.destroy();
    this.events.onClosed(reason);
  }
}

function limitsOf(options: ChannelOptions): Http2Limits {
  const windowBytes = options.flowControlWindowBytes ?? defaultWindowBytes;
  const { keepAlive } = options;
  return {
    // A gRPC server opens none.
    concurrentStreamsMax: 0,
    headerListBytesMax,
    streamWindowBytes: windowBytes,
    connectionWindowBytes: windowBytes,
    unsentBytesMax: 4 * unsentCallBytesMax,
    keepAlive: keepAlive && { intervalMs: keepAlive.timeMs, timeoutMs: keepAlive.timeoutMs },
    pingMinTimeMs: undefined,
  };
}
