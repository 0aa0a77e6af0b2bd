import * as grpc from '@grpc/grpc-js';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { bufferOf, ownBytes } from './bytes.ts';
import type {
  CallOptions,
  ClientStream,
  ClientStreamEvents,
  GrpcChannel,
  Status,
} from './types.ts';

export interface ChannelOptions {
  /**
   * `host:port` or `unix://path`. Several are tried in order until one answers; they must then be IP
   * addresses with ports, for grpc-js resolves only one name.
   */
  readonly addresses: readonly [string, ...string[]];
  /** The longest pause between attempts to connect. */
  readonly reconnectMaxMs: number;
  /** A ping after so long in silence, and how long its answer may take; none when left out. */
  readonly keepAlive?: { readonly timeMs: number; readonly timeoutMs: number };
  /** How much the server may send ahead of us, per stream and per connection. */
  readonly flowControlWindowBytes?: number;
  readonly userAgent?: string;
}

const firstReconnectMs = 100;
const defaultWindowBytes = 1024 * 1024;

/** Unsent bytes of one stream beyond which `send` says that it is full. */
const sendBufferBytes = 256 * 1024;

type RawCall = ReturnType<grpc.ChannelInterface['createCall']>;

/** A connection that grpc-js keeps: raw bytes, messages of any size, and nothing is ever sent twice. */
export function openGrpcJsChannel(options: ChannelOptions): GrpcChannel {
  const channel = new grpc.Channel(
    targetOf(options.addresses),
    grpc.credentials.createInsecure(),
    channelOptions(options),
  );
  const begin = (path: string, { timeoutMs }: CallOptions): RawCall => {
    const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
    return channel.createCall(path, deadline, null, null, null);
  };
  return {
    unary: (path, request, callOptions, done) => {
      const call = begin(path, callOptions);
      let message: Bytes | undefined;
      call.start(metadataOf(callOptions), {
        onReceiveMetadata: () => undefined,
        onReceiveMessage: (received: Buffer) => {
          message = ownBytes(received);
        },
        onReceiveStatus: (status) => done({ status: statusOf(status), message }),
      });
      call.sendMessageWithContext({}, bufferOf(request));
      call.halfClose();
      call.startRead();
    },
    stream: (path, callOptions, events) => {
      const stream = new GrpcJsClientStream(begin(path, callOptions), events);
      stream.start(metadataOf(callOptions));
      return stream;
    },
    close: () => channel.close(),
  };
}

/** grpc-js takes one message at a time: the next goes when the one before has been written. */
class GrpcJsClientStream implements ClientStream {
  private readonly call: RawCall;
  private readonly events: ClientStreamEvents;
  private readonly unsent: Bytes[] = [];
  private unsentBytes = 0;
  private isWriting = false;
  private isFull = false;
  private isHalfClosed = false;
  private isPaused = false;
  /** A message was asked for and has not come yet. */
  private isReading = false;
  private isOver = false;

  constructor(call: RawCall, events: ClientStreamEvents) {
    this.call = call;
    this.events = events;
  }

  start(metadata: grpc.Metadata): void {
    this.call.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (message: Buffer) => {
        this.isReading = false;
        if (this.isOver) return;
        this.events.onMessage(ownBytes(message));
        this.readNext();
      },
      onReceiveStatus: (status) => {
        this.isOver = true;
        this.unsent.length = 0;
        this.events.onEnd(statusOf(status));
      },
    });
    this.readNext();
  }

  send(message: Bytes): boolean {
    assert(!this.isHalfClosed, 'a message is sent after half-closing');
    if (this.isOver) return true;
    this.unsent.push(message);
    this.unsentBytes += message.length;
    if (this.unsentBytes > sendBufferBytes) this.isFull = true;
    this.writeNext();
    return !this.isFull;
  }

  halfClose(): void {
    if (this.isHalfClosed || this.isOver) return;
    this.isHalfClosed = true;
    this.writeNext();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.readNext();
  }

  cancel(): void {
    if (!this.isOver) this.call.cancelWithStatus(grpc.status.CANCELLED, 'context canceled');
  }

  private readNext(): void {
    if (this.isPaused || this.isReading || this.isOver) return;
    this.isReading = true;
    this.call.startRead();
  }

  private writeNext(): void {
    if (this.isWriting || this.isOver) return;
    const next = this.unsent.shift();
    if (next === undefined) {
      if (this.isHalfClosed) this.call.halfClose();
      return;
    }
    this.isWriting = true;
    this.call.sendMessageWithContext({ callback: () => this.written(next.length) }, bufferOf(next));
  }

  private written(sizeBytes: number): void {
    this.isWriting = false;
    this.unsentBytes -= sizeBytes;
    this.writeNext();
    if (!this.isFull || this.unsentBytes > sendBufferBytes / 2 || this.isOver) return;
    this.isFull = false;
    this.events.onDrain();
  }
}

function channelOptions(options: ChannelOptions): grpc.ChannelOptions {
  const { keepAlive } = options;
  return {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': Math.min(firstReconnectMs, options.reconnectMaxMs),
    'grpc.max_reconnect_backoff_ms': options.reconnectMaxMs,
    // Each channel has a connection of its own, so that no two of them wait for one another.
    'grpc.use_local_subchannel_pool': 1,
    // Nothing is sent twice, and what is buffered for that purpose would hide back-pressure.
    'grpc.enable_retries': 0,
    'grpc.retry_buffer_size': 0,
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    'grpc-node.flow_control_window': options.flowControlWindowBytes ?? defaultWindowBytes,
    ...(keepAlive === undefined
      ? {}
      : {
          'grpc.keepalive_time_ms': keepAlive.timeMs,
          'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
        }),
    ...(options.userAgent === undefined ? {} : { 'grpc.primary_user_agent': options.userAgent }),
  };
}

function targetOf(addresses: readonly [string, ...string[]]): string {
  const [first] = addresses;
  if (addresses.length === 1) {
    return first.startsWith('unix:') ? first.replace(/^unix:(\/\/)?/, 'unix:') : `dns:${first}`;
  }
  const family = addresses.every((address) => address.startsWith('[')) ? 'ipv6' : 'ipv4';
  return `${family}:${addresses.join(',')}`;
}

function metadataOf({ metadata }: CallOptions): grpc.Metadata {
  const made = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadata ?? {})) {
    made.set(name, name.endsWith('-bin') ? Buffer.from(value, 'latin1') : value);
  }
  return made;
}

function statusOf(status: grpc.StatusObject): Status {
  return { code: status.code, text: status.details };
}
