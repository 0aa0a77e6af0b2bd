import { assert } from '../base/assert.ts';
import { ErrorCode, type Http2Stream } from './http2/types.ts';
import type { MessageSource } from './types.ts';

/** What one message sends in one turn of the event loop, a last piece beyond it: others want to be served, too. */
const turnBytesMax = 256 * 1024;

/** Sends a message while it is made: pieces are asked for as the stream has room for them. */
export class SourcePump {
  private readonly stream: Http2Stream;
  private readonly source: MessageSource;
  private readonly sent: () => void;
  private leftBytes: number;
  private isOver = false;

  /** `sent` is called once the last piece has been handed over; not when the stream is lost before. */
  constructor(stream: Http2Stream, source: MessageSource, sent: () => void) {
    this.stream = stream;
    this.source = source;
    this.sent = sent;
    this.leftBytes = source.totalBytes;
  }

  /** Goes on: at the start, when the stream has room again, and in a later turn. */
  pump(): void {
    let turnBytes = 0;
    while (!this.isOver && this.leftBytes > 0) {
      if (turnBytes >= turnBytesMax) {
        setImmediate(() => this.pump());
        return;
      }
      const piece = this.source.next();
      if (piece === undefined) {
        this.stop();
        this.stream.reset(ErrorCode.INTERNAL_ERROR);
        return;
      }
      assert(piece.length > 0 && piece.length <= this.leftBytes, 'a message is not of its length');
      this.leftBytes -= piece.length;
      turnBytes += piece.length;
      if (!this.stream.write(piece, false) && this.leftBytes > 0) return;
    }
    if (this.isOver) return;
    this.stop();
    this.sent();
  }

  /** No more is sent; harmless when all was. */
  stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.source.close();
  }
}
