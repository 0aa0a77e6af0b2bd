import type { Bytes } from '../base/bytes.ts';
import { ErrorCode, type Http2Stream, type Http2StreamListener } from './http2/types.ts';

/** Time for the rest of a request that was refused, and how often those whose time is over are looked for. */
const refusedMs = 1_000;
const lookMs = 250;

/**
 * Callers who have their whole answer and have not ended their request: they are told to stop sending (RST_STREAM
 * with NO_ERROR: RFC 9113 section 8.1; grpc-go does so, too). Most of them have: the end of the request is on its way
 * behind the message, often in the same segment. So it is done in a later turn, when what has come was read.
 */
export class Departures {
  private leaving: Http2Stream[] = [];
  private refused: Refused[] = [];
  private timer: NodeJS.Timeout | undefined;

  readonly dismiss = (stream: Http2Stream): void => {
    this.leaving.push(stream);
    if (this.leaving.length === 1) setImmediate(() => this.part());
  };

  /**
   * For a request that is no call: the rest of it is on its way, and what is wrong with that is still to be answered
   * with the right code. It is read and dropped.
   */
  dismissRefused(stream: Http2Stream): void {
    stream.listener = new Deaf(stream);
    this.refused.push({ stream, sinceMs: performance.now() });
    this.timer ??= setInterval(() => this.partRefused(), lookMs).unref();
  }

  private part(): void {
    const { leaving } = this;
    this.leaving = [];
    for (const stream of leaving) stream.reset(ErrorCode.NO_ERROR);
  }

  private partRefused(): void {
    const untilMs = performance.now() - refusedMs;
    const open = this.refused.filter(({ stream }) => !stream.isClosed);
    this.refused = open.filter(({ sinceMs }) => sinceMs > untilMs);
    for (const { stream, sinceMs } of open) {
      if (sinceMs <= untilMs) stream.reset(ErrorCode.NO_ERROR);
    }
    if (this.refused.length > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

interface Refused {
  readonly stream: Http2Stream;
  readonly sinceMs: number;
}

/** Drops what comes, so that it holds up nothing else of its connection. */
class Deaf implements Http2StreamListener {
  private readonly stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  onData(chunk: Bytes): void {
    this.stream.consumed(chunk.length);
  }

  onHeaders(): void {}
  onDrain(): void {}
  onReset(): void {}
  onClosed(): void {}
}
