import { assert } from '../base/assert.ts';

/**
 * Messages of streams that one turn of the event loop takes in, of all streams together. The smallest ones
 * cost a few microseconds each to unpack and serve, so a flood of them holds timers and other sockets (the
 * heartbeats of Raft among them) for about a millisecond at a time.
 */
export const messagesPerTurnMax = 256;

/** Of these, how many one stream takes before the next that waits: an eighth, so that a flood is not alone. */
const messagesAtOnceMax = 32;

/** A stream that waits to read on. It asks `mayRead` before every message, and reads until that says no. */
export interface TurnReader {
  readOn(): void;
}

/**
 * Shares out how many messages the streams of a server read in one turn of the event loop. A stream that is
 * told no leaves its messages unread, which is back-pressure on its caller, until a later turn calls it in the
 * order of asking.
 */
export class ReadTurns {
  private readonly perTurnMax: number;
  private readonly waiting = new Set<TurnReader>();
  private turnLeft: number;
  /** The waiting stream that is being called, and what it may still read before the next one. */
  private called: TurnReader | undefined;
  private calledLeft = 0;
  private isScheduled = false;

  /** Infinity leaves every stream to read as it likes. */
  constructor(perTurnMax: number) {
    assert(perTurnMax >= 1, 'a turn takes in no message');
    this.perTurnMax = perTurnMax;
    this.turnLeft = perTurnMax;
  }

  /** Whether the stream may read one message now. If not, it is called later. */
  mayRead(reader: TurnReader): boolean {
    const isNext = this.waiting.size === 0 || (reader === this.called && this.calledLeft > 0);
    if (this.turnLeft === 0 || !isNext) {
      this.waiting.add(reader);
      this.schedule();
      return false;
    }
    if (reader === this.called) this.calledLeft--;
    this.turnLeft--;
    if (this.turnLeft < this.perTurnMax) this.schedule();
    return true;
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    // Comes after timers and sockets had their part; from within a turn, not before the next one.
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.isScheduled = false;
    this.turnLeft = this.perTurnMax;
    // A stream that asks again while it is called comes to the end of the set, and of this loop.
    for (const reader of this.waiting) {
      this.waiting.delete(reader);
      this.called = reader;
      this.calledLeft = messagesAtOnceMax;
      reader.readOn();
      if (this.turnLeft === 0) break;
    }
    this.called = undefined;
    if (this.waiting.size > 0) this.schedule();
  }
}
