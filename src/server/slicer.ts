import type { Scheduler } from '../base/clock.ts';

/**
 * Runs long work in slices so that heartbeats and small requests are never behind it for long: 5 ms while the
 * member is idle, at most 1 ms while input waits. Between slices the event loop is polled.
 */
export class Slicer {
  private readonly scheduler: Scheduler;
  private readonly isBusy: () => boolean;
  private isStopped = false;

  constructor(scheduler: Scheduler, isBusy: () => boolean) {
    this.scheduler = scheduler;
    this.isBusy = isBusy;
  }

  /**
   * Calls `step` until it answers true. A step is a small piece (well below a millisecond); the first slice runs
   * at once, so that work which is done in one never waits for a turn.
   */
  run(step: () => boolean): void {
    if (this.isStopped) return;
    const { scheduler } = this;
    const until = scheduler.nowMs() + (this.isBusy() ? busySliceMs : idleSliceMs);
    do {
      if (step()) return;
    } while (scheduler.nowMs() < until);
    scheduler.endOfTurn(() => this.run(step));
  }

  stop(): void {
    this.isStopped = true;
  }
}

const idleSliceMs = 5;
const busySliceMs = 1;
