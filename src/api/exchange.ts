import type { Bytes } from '../base/bytes.ts';
import type { MessageSource, StreamCall, UnaryCall } from '../grpc/types.ts';
import { Code, type EtcdError } from '../wire/errors.ts';
import type { MethodMetrics } from './rpc-metrics.ts';

/** A request as it came. */
export interface RawRequest {
  readonly bytes: Bytes;
  /** It holds what this version does not know, so that its bytes must not be replicated as they are. */
  readonly hasUnknownFields: boolean;
}

/** One unary call, to be answered once. A call that was cancelled meanwhile is counted and not answered. */
export class UnaryExchange {
  readonly request: RawRequest;
  private readonly call: UnaryCall;
  private readonly metrics: MethodMetrics;

  constructor(call: UnaryCall, metrics: MethodMetrics, request: RawRequest) {
    this.call = call;
    this.metrics = metrics;
    this.request = request;
  }

  /** True when the caller is gone, and with that the call over: what has not begun yet need not begin. */
  maybeDrop(): boolean {
    if (this.call.isCancelled) this.metrics.failed(Code.Canceled);
    return this.call.isCancelled;
  }

  /**
   * Called at most once, when the caller goes away from now on while it waits; the call is over with that. Who
   * begins to wait asks `maybeDrop` first.
   */
  onCancelled(listener: () => void): void {
    this.call.onCancelled(() => {
      this.maybeDrop();
      listener();
    });
  }

  respond(message: Bytes): void {
    if (this.maybeDrop()) return;
    this.metrics.sent(message.length);
    this.metrics.handled(Code.OK);
    this.call.respond(message);
  }

  /** The same with a message that is made while it is sent. Counted as sent when it begins. */
  respondFrom(source: MessageSource): void {
    if (this.maybeDrop()) return source.close();
    this.metrics.sent(source.totalBytes);
    this.metrics.handled(Code.OK);
    this.call.respondFrom(source);
  }

  fail(error: EtcdError): void {
    if (this.maybeDrop()) return;
    this.metrics.failed(error.code);
    this.call.end(error);
  }
}

/** One stream, of answers or of both. Once it is over, whoever ended it, nothing more is sent or taken. */
export class StreamExchange {
  private readonly call: StreamCall;
  private readonly metrics: MethodMetrics;
  private readonly overListeners: (() => void)[] = [];
  private hasEnded = false;

  constructor(call: StreamCall, metrics: MethodMetrics) {
    this.call = call;
    this.metrics = metrics;
    call.onCancelled(() => this.finish(Code.Canceled));
  }

  get isOver(): boolean {
    return this.hasEnded;
  }

  /** Called once, when the stream ends in whichever way. */
  onOver(listener: () => void): void {
    this.overListeners.push(listener);
  }

  /** One message, in one part or two. False: wait for `onDrain` before sending more. */
  send(message: Bytes, tail?: Bytes): boolean {
    if (this.hasEnded) return false;
    this.metrics.sent(message.length + (tail?.length ?? 0));
    return this.call.send(message, tail);
  }

  /** Called each time there is room again after `send` said that there was none. */
  onDrain(listener: () => void): void {
    this.call.onDrain(listener);
  }

  /** Takes no more requests until `resumeRequests`: the caller has to wait. One may come that is on its way. */
  pauseRequests(): void {
    this.call.pause();
  }

  resumeRequests(): void {
    if (!this.hasEnded) this.call.resume();
  }

  end(): void {
    this.endWith({ code: Code.OK, text: '' });
  }

  fail(error: EtcdError): void {
    this.endWith(error);
  }

  private endWith(status: EtcdError): void {
    if (this.hasEnded) return;
    this.finish(status.code);
    this.call.end(status);
  }

  private finish(code: Code): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.metrics.handled(code);
    for (const listener of this.overListeners) listener();
  }
}
