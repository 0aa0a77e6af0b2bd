import * as grpc from '@grpc/grpc-js';
import { assert } from '../base/assert.ts';
import { concatBytes, emptyBytes, type Bytes } from '../base/bytes.ts';
import { ownBytes, bufferOf } from './bytes.ts';
import { joinSource } from './message-source.ts';
import type { ReadTurns, TurnReader } from './read-turns.ts';
import type {
  Handler,
  MessageSource,
  Metadata,
  Status,
  StreamCall,
  StreamReceiver,
  UnaryCall,
} from './types.ts';

/** What an interceptor is given: the call below it, driven message by message without streams in between. */
export type RawServerCall = Parameters<grpc.ServerInterceptor>[1];

/** Unsent bytes of one call beyond which `send` says that it is full. */
const sendBufferBytes = 256 * 1024;

const ok: Status = { code: grpc.status.OK, text: '' };

/** One call on the server, of any kind. It is its own listener, so that a call costs few objects. */
export class GrpcJsServerCall implements UnaryCall, StreamCall, TurnReader {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  private readonly raw: RawServerCall;
  private readonly handler: Handler;
  private readonly turns: ReadTurns;
  private state: 'open' | 'ended' | 'cancelled' = 'open';
  private received: grpc.Metadata | undefined;
  private request: Bytes | undefined;
  private receiver: StreamReceiver | undefined;
  private isPaused = false;
  private isReading = false;
  private wantsRead = false;
  private unsentBytes = 0;
  private isFull = false;
  private cancelListener: (() => void) | undefined;
  private drainListener: (() => void) | undefined;

  constructor(path: string, handler: Handler, raw: RawServerCall, turns: ReadTurns) {
    this.path = path;
    this.handler = handler;
    this.raw = raw;
    this.turns = turns;
    const deadline = raw.getDeadline();
    const atMs = typeof deadline === 'number' ? deadline : deadline.getTime();
    this.timeoutMs = Number.isFinite(atMs) ? Math.max(0, atMs - Date.now()) : undefined;
  }

  get isCancelled(): boolean {
    return this.state === 'cancelled';
  }

  get metadata(): Metadata {
    return { get: (name) => firstValue(this.received, name) };
  }

  get peer(): { readonly address: string; readonly commonName: string | undefined } {
    const name = this.raw.getAuthContext().sslPeerCertificate?.subject.CN;
    return { address: this.raw.getPeer(), commonName: Array.isArray(name) ? name[0] : name };
  }

  start(): void {
    this.raw.start({
      onReceiveMetadata: (metadata) => this.open(metadata),
      onReceiveMessage: (message: Buffer) => this.take(message),
      onReceiveHalfClose: () => this.halfClose(),
      onCancel: () => this.cancel(),
    });
  }

  onCancelled(listener: () => void): void {
    this.cancelListener = listener;
  }

  onDrain(listener: () => void): void {
    this.drainListener = listener;
  }

  respond(message: Bytes): void {
    this.send(message);
    this.end(ok);
  }

  /** grpc-js sends whole messages only: this one is joined first. */
  respondFrom(source: MessageSource): void {
    const message = joinSource(source);
    if (message !== undefined) return this.respond(message);
    this.end({ code: grpc.status.INTERNAL, text: 'a part of the answer cannot be read' });
  }

  send(message: Bytes, tail?: Bytes): boolean {
    assert(this.state !== 'ended', `${this.path} sends after its end`);
    if (this.state === 'cancelled') return true;
    const whole = tail === undefined ? message : concatBytes([message, tail]);
    const { length } = whole;
    this.unsentBytes += length;
    this.raw.sendMessage(whole, () => this.written(length));
    if (this.unsentBytes > sendBufferBytes) this.isFull = true;
    return !this.isFull;
  }

  end(status: Status): void {
    assert(this.state !== 'ended', `${this.path} ends twice`);
    if (this.state === 'cancelled') return;
    this.state = 'ended';
    this.raw.sendStatus({ code: status.code, details: status.text });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.receiver !== undefined) this.read();
  }

  readOn(): void {
    if (!this.isPaused) this.read();
  }

  private open(metadata: grpc.Metadata): void {
    this.received = metadata;
    if (this.handler.kind === 'bidi') this.receiver = this.handler.open(this);
    if (!this.isPaused) this.read();
  }

  private take(message: Buffer): void {
    if (this.state !== 'open') return;
    if (this.receiver !== undefined) {
      this.receiver.onMessage(ownBytes(message));
    } else if (this.request === undefined) {
      this.request = message.length === 0 ? emptyBytes : ownBytes(message);
    } else {
      this.end({
        code: grpc.status.INTERNAL,
        text: 'cardinality violation: received multiple request messages',
      });
      return;
    }
    if (!this.isPaused) this.read();
  }

  private halfClose(): void {
    if (this.state !== 'open') return;
    if (this.receiver !== undefined) return this.receiver.onHalfClose();
    if (this.request === undefined) {
      return this.end({ code: grpc.status.INTERNAL, text: 'received no request message' });
    }
    if (this.handler.kind !== 'bidi') this.handler.handle(this, this.request);
  }

  /** Asks for the next message. One that waits already comes at once, so a loop takes the place of recursion. */
  private read(): void {
    this.wantsRead = true;
    if (this.isReading) return;
    this.isReading = true;
    while (this.wantsRead && this.state === 'open') {
      // A call with one request is bounded by that; a stream is not.
      if (this.receiver !== undefined && !this.turns.mayRead(this)) break;
      this.wantsRead = false;
      this.raw.startRead();
    }
    this.isReading = false;
  }

  private written(sizeBytes: number): void {
    this.unsentBytes -= sizeBytes;
    if (!this.isFull || this.unsentBytes > sendBufferBytes / 2 || this.state !== 'open') return;
    this.isFull = false;
    this.drainListener?.();
  }

  private cancel(): void {
    // grpc-js also calls this when a call has ended well.
    if (this.state !== 'open') return;
    this.state = 'cancelled';
    this.cancelListener?.();
  }
}

/** How message bytes pass through grpc-js: it copies what is sent, and hands on what has come. */
export const identity = {
  serialize: (message: Bytes): Buffer => bufferOf(message),
  deserialize: (message: Buffer): Buffer => message,
};

function firstValue(metadata: grpc.Metadata | undefined, name: string): string | undefined {
  const value = metadata?.get(name)[0];
  return typeof value === 'object' ? value.toString('latin1') : value;
}
