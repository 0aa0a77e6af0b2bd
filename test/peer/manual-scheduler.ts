import type { Scheduler, Timer } from '../../src/base/clock.ts';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Time that stands still until a test moves it. Equal times fire in the order they were asked for. */
export class ManualScheduler implements Scheduler {
  /** The time, for those who do not want `lookMs` to pass by looking. */
  timeMs = 0;
  private made = 0;
  /** A binary heap: whole clusters keep many timers. */
  private readonly due: Due[] = [];
  /** Each look at the clock takes so long: work that is done in slices then needs more than one. */
  lookMs = 0;

  nowMs(): number {
    this.timeMs += this.lookMs;
    return this.timeMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const atMs = this.timeMs + Math.max(0, delayMs);
    const entry: Due = { atMs, order: this.made++, callback, isCancelled: false };
    this.due.push(entry);
    this.rise(this.due.length - 1);
    return { cancel: () => void (entry.isCancelled = true) };
  }

  endOfTurn(callback: () => void): void {
    this.after(0, callback);
  }

  /** Moves time on, firing what falls due on the way, timers made meanwhile included. */
  advance(byMs: number): void {
    const untilMs = this.timeMs + byMs;
    for (;;) {
      const next = this.due[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.removeFirst();
      if (next.isCancelled) continue;
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
    }
    this.timeMs = Math.max(this.timeMs, untilMs);
  }

  private rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >>> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private removeFirst(): void {
    this.swap(0, this.due.length - 1);
    this.due.pop();
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const least = this.isBefore(left + 1, left) ? left + 1 : left;
      if (!this.isBefore(least, at)) return;
      this.swap(least, at);
      at = least;
    }
  }

  private isBefore(i: number, j: number): boolean {
    const a = this.due[i];
    const b = this.due[j];
    if (a === undefined || b === undefined) return a !== undefined;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  private swap(i: number, j: number): void {
    const a = this.due[i];
    const b = this.due[j];
    if (a === undefined || b === undefined) return;
    this.due[i] = b;
    this.due[j] = a;
  }
}
