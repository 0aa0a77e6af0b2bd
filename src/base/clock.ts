/** Time, as the layers above the pure core see it. The simulator and tests bring their own. */

/** A monotonic clock in milliseconds with an arbitrary start; never wall time. */
export interface Clock {
  nowMs(): number;
}

export interface Timer {
  cancel(): void;
}

/** Timers and the end of a turn of the event loop (`setImmediate` in production). */
export interface Scheduler extends Clock {
  /** Calls `callback` once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls `callback` once, when the input that is already waiting has been read. */
  endOfTurn(callback: () => void): void;
}
