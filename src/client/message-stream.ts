import type { ClientStream, ClientStreamEvents, Status } from '../grpc/types.ts';
import type { Bytes } from '../base/bytes.ts';
import { Code } from '../wire/errors.ts';
import { ClientError } from './client-error.ts';
import type { ClientMethod } from './methods.ts';

/** Messages that wait for their reader; with more than these the server is told to wait. */
const waitingMax = 256;

/**
 * One stream of messages in both directions. Its reader iterates over what comes; the iteration ends when the
 * server ends the stream well, and throws `ClientError` when it ends in any other way.
 */
export class MessageStream<Request, Response> implements AsyncIterableIterator<Response> {
  private readonly method: ClientMethod<Request, Response>;
  private readonly stream: ClientStream;
  private readonly waiting: Bytes[] = [];
  private isPaused = false;
  private end: Status | undefined;
  private wake: (() => void) | undefined;

  constructor(
    method: ClientMethod<Request, Response>,
    open: (events: ClientStreamEvents) => ClientStream,
  ) {
    this.method = method;
    this.stream = open({
      onMessage: (message) => this.take(message),
      onDrain: () => undefined,
      onEnd: (status) => {
        this.end = status;
        this.wake?.();
      },
    });
  }

  /** Requests are few and small: what the transport has not sent yet is not counted. */
  send(request: Partial<Request>): void {
    this.stream.send(this.method.request.encode(request));
  }

  halfClose(): void {
    this.stream.halfClose();
  }

  cancel(): void {
    this.stream.cancel();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws ClientError */
  async next(): Promise<IteratorResult<Response, undefined>> {
    for (;;) {
      const message = this.waiting.shift();
      if (message !== undefined) {
        this.maybeResume();
        return { done: false, value: this.method.response.decode(message) };
      }
      if (this.end?.code === Code.OK) return { done: true, value: undefined };
      if (this.end !== undefined) throw new ClientError(this.end.code, this.end.text);
      await new Promise<void>((wake) => (this.wake = wake));
    }
  }

  private take(message: Bytes): void {
    this.waiting.push(message);
    if (this.waiting.length >= waitingMax && !this.isPaused) {
      this.isPaused = true;
      this.stream.pause();
    }
    this.wake?.();
  }

  private maybeResume(): boolean {
    if (!this.isPaused || this.waiting.length > 0) return false;
    this.isPaused = false;
    this.stream.resume();
    return true;
  }
}
