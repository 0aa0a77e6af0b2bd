import { assert } from '../base/assert.ts';
import { ErrorCode, type Http2Stream } from './http2/types.ts';
import type { MessageSource } from './types.ts';

/** Of one turn of the event loop, for all messages that are made while they are sent; a last piece beyond it. */
const turnMs = 2;

/** Those that want to send on, the first next; they take turns, a piece each. */
let waiting: SourcePump[] = [];

function takeTurns(): void {
  const untilMs = performance.now() + turnMs;
  let taken = 0;
  do {
    const pump = waiting[taken++] as SourcePump;
    pump.sendPiece();
  } while (taken < waiting.length && performance.now() < untilMs);
  waiting = waiting.slice(taken);
  if (waiting.length > 0) setImmediate(takeTurns);
}

/** Sends a message while it is made: pieces are asked for as the stream has room for them. */
export class SourcePump {
  private readonly stream: Http2Stream;
  private readonly source: MessageSource;
  private readonly sent: () => void;
  private leftBytes: number;
  private isOver = false;
  private isWaiting = false;

  /** `sent` is called once the last piece has been handed over; not when the stream is lost before. */
  constructor(stream: Http2Stream, source: MessageSource, sent: () => void) {
    this.stream = stream;
    this.source = source;
    this.sent = sent;
    this.leftBytes = source.totalBytes;
  }

  /** Goes on, in a later turn: at the start, and when the stream has room again. */
  pump(): void {
    if (this.isWaiting || this.isOver) return;
    this.isWaiting = true;
    waiting.push(this);
    if (waiting.length === 1) setImmediate(takeTurns);
  }

  sendPiece(): void {
    this.isWaiting = false;
    if (this.isOver) return;
    if (this.leftBytes > 0) {
      const piece = this.source.next();
      if (piece === undefined) {
        this.stop();
        this.stream.reset(ErrorCode.INTERNAL_ERROR);
        return;
      }
      assert(piece.length > 0 && piece.length <= this.leftBytes, 'a message is not of its length');
      this.leftBytes -= piece.length;
      const hasRoom = this.stream.write(piece, false);
      if (this.leftBytes > 0) {
        if (hasRoom) this.pump();
        return;
      }
    }
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
