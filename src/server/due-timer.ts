import type { Scheduler, Timer } from '../base/clock.ts';

/** Timers hold no more than 2^31 ms, and what is waited for may be far away: the clock is looked at in between. */
const waitMsMax = 3_600_000;

/** One timer for the earliest of any number of moments. */
export class DueTimer {
  private readonly scheduler: Scheduler;
  private readonly look: () => void;
  private timer: Timer | undefined;
  private dueMs = Number.POSITIVE_INFINITY;

  /** `look` is called when a moment has come; it may also be called before. */
  constructor(scheduler: Scheduler, look: () => void) {
    this.scheduler = scheduler;
    this.look = look;
  }

  /** Nothing changes when an earlier moment is waited for already. */
  arm(dueMs: number | undefined): void {
    if (dueMs === undefined || dueMs >= this.dueMs) return;
    this.cancel();
    this.dueMs = dueMs;
    const delayMs = Math.max(1, Math.ceil(dueMs - this.scheduler.nowMs()));
    this.timer = this.scheduler.after(Math.min(waitMsMax, delayMs), () => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.look();
    });
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
  }
}
