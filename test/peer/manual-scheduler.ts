import type { Scheduler, Timer } from '../../src/base/clock.ts';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that stands still until a test moves it. Equal times fire in the order they were asked for. */
export class ManualScheduler implements Scheduler {
  private timeMs = 0;
  private made = 0;
  private due: Due[] = [];

  nowMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry: Due = { atMs: this.timeMs + Math.max(0, delayMs), order: this.made++, callback };
    this.due.push(entry);
    return { cancel: () => void (this.due = this.due.filter((other) => other !== entry)) };
  }

  endOfTurn(callback: () => void): void {
    this.after(0, callback);
  }

  /** Moves time on, firing what falls due on the way, timers made meanwhile included. */
  advance(byMs: number): void {
    const untilMs = this.timeMs + byMs;
    for (;;) {
      const next = this.due
        .filter((entry) => entry.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.due = this.due.filter((entry) => entry !== next);
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
    }
    this.timeMs = untilMs;
  }
}
