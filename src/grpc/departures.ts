import { ErrorCode, type Http2Stream } from './http2/types.ts';

/** Time for the rest of a request that was refused. */
const refusedMs = 1_000;

/**
 * Callers who have their whole answer and have not ended their request: they are told to stop sending (RST_STREAM
 * with NO_ERROR: RFC 9113 section 8.1; grpc-go does so, too). Most of them have: the end of the request is on its way
 * behind the message, often in the same segment. So it is done in a later turn, when what has come was read.
 */
export class Departures {
  private leaving: Http2Stream[] = [];

  /**
   * For a request that is no call: what is wrong with the rest of it is still to be answered with the right code, and
   * it is on its way.
   */
  readonly dismissRefused = (stream: Http2Stream): void => {
    setTimeout(() => stream.reset(ErrorCode.NO_ERROR), refusedMs).unref();
  };

  readonly dismiss = (stream: Http2Stream): void => {
    this.leaving.push(stream);
    if (this.leaving.length === 1) setImmediate(() => this.part());
  };

  private part(): void {
    const { leaving } = this;
    this.leaving = [];
    for (const stream of leaving) stream.reset(ErrorCode.NO_ERROR);
  }
}
