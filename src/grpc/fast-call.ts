import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { trailers, trailersOnly } from './answer-headers.ts';
import { Code } from './codes.ts';
import type { CallDeadlines, Timed } from './call-deadlines.ts';
import { ErrorCode, type Http2Stream } from './http2/types.ts';
import { writeMessage, writePrefix } from './message-frame.ts';
import { FieldMetadata } from './metadata.ts';
import type { RequestHead } from './request-head.ts';
import { SourcePump } from './source-pump.ts';
import type { MessageSource, Metadata, Status, StreamCall, UnaryCall } from './types.ts';

const ok: Status = { code: Code.OK, text: '' };
const deadlineExceeded: Status = {
  code: Code.DEADLINE_EXCEEDED,
  text: 'context deadline exceeded',
};

/** What the call did it has done: its caller must not take this for a refusal. */
const unread: Status = {
  code: Code.UNAVAILABLE,
  text: 'the answer is lost: too many bytes of answers wait to be read',
};

/** What a call needs of the side that reads its request. */
export interface RequestSide {
  pause(): void;
  resume(): void;
  /** The call has ended: nothing more is wanted. */
  stop(): void;
}

/**
 * One call on the server as its handler sees it: what is answered, and how it ends. It waits for its own deadline, so
 * that a call costs few objects and no closures.
 */
export class FastServerCall implements UnaryCall, StreamCall, Timed {
  dueMs = 0;
  slot = -1;
  previousTimed: Timed | undefined;
  nextTimed: Timed | undefined;
  private readonly stream: Http2Stream;
  private readonly deadlines: CallDeadlines;
  private readonly requestSide: RequestSide;
  private readonly head: RequestHead;
  private state: 'open' | 'ended' | 'cancelled' = 'open';
  private hasSentHeaders = false;
  private received: Metadata | undefined;
  private source: SourcePump | undefined;
  private cancelListener: (() => void) | undefined;
  private drainListener: (() => void) | undefined;

  constructor(
    stream: Http2Stream,
    head: RequestHead,
    shared: { readonly deadlines: CallDeadlines; readonly request: RequestSide },
  ) {
    this.stream = stream;
    this.head = head;
    this.deadlines = shared.deadlines;
    this.requestSide = shared.request;
  }

  get path(): string {
    return this.head.path;
  }

  get timeoutMs(): number | undefined {
    return this.head.timeoutMs;
  }

  get isCancelled(): boolean {
    return this.state === 'cancelled';
  }

  get metadata(): Metadata {
    return (this.received ??= new FieldMetadata(this.head.fields));
  }

  get peer(): { readonly address: string; readonly commonName: string | undefined } {
    const { remoteAddress, peerCommonName } = this.stream.connection;
    return { address: remoteAddress, commonName: peerCommonName };
  }

  onCancelled(listener: () => void): void {
    this.cancelListener = listener;
  }

  onDrain(listener: () => void): void {
    this.drainListener = listener;
  }

  pause(): void {
    this.requestSide.pause();
  }

  resume(): void {
    this.requestSide.resume();
  }

  respond(message: Bytes): void {
    if (!this.stream.mayHold(message.length)) return this.end(unread);
    this.send(message);
    this.end(ok);
  }

  respondFrom(source: MessageSource): void {
    assert(this.state !== 'ended', `${this.path} sends after its end`);
    if (this.state === 'cancelled') return source.close();
    this.state = 'ended';
    this.sendHeaders();
    writePrefix(this.stream, source.totalBytes);
    this.source = new SourcePump(this.stream, source, () => this.finish(ok));
    this.source.pump();
  }

  send(message: Bytes, tail?: Bytes): boolean {
    assert(this.state !== 'ended', `${this.path} sends after its end`);
    if (this.state === 'cancelled') return true;
    this.sendHeaders();
    return writeMessage(this.stream, message, tail);
  }

  end(status: Status): void {
    assert(this.state !== 'ended', `${this.path} ends twice`);
    if (this.state === 'cancelled') return;
    this.state = 'ended';
    this.finish(status);
  }

  /** Its time begins. */
  start(): void {
    const { timeoutMs } = this.head;
    if (timeoutMs !== undefined) this.deadlines.add(this, timeoutMs);
  }

  /** Ends what the handler has not ended: the request is no good. */
  fail(status: Status): void {
    if (this.state !== 'open') return;
    this.state = 'cancelled';
    this.finish(status);
    this.cancelListener?.();
  }

  onDue(): void {
    if (this.state === 'open') return this.fail(deadlineExceeded);
    if (this.source === undefined) return;
    // Within a message there is no room for a status.
    this.source.stop();
    this.stream.reset(ErrorCode.CANCEL);
  }

  /** The stream has room again. */
  onRoom(): void {
    if (this.source !== undefined) this.source.pump();
    else if (this.state === 'open') this.drainListener?.();
  }

  /** The stream is gone: by the caller, by its connection, or because all is said. */
  onGone(): void {
    this.deadlines.remove(this);
    this.source?.stop();
    if (this.state !== 'open') return;
    this.state = 'cancelled';
    this.cancelListener?.();
  }

  private sendHeaders(): void {
    if (this.hasSentHeaders) return;
    this.hasSentHeaders = true;
    this.stream.sendHeaders(this.head.responseHeaders, false);
  }

  private finish(status: Status): void {
    this.deadlines.remove(this);
    this.source = undefined;
    const fields = this.hasSentHeaders
      ? trailers(status)
      : trailersOnly(this.head.responseHeaders, status);
    this.stream.sendHeaders(fields, true);
    this.requestSide.stop();
  }
}
