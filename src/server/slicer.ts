import type { Scheduler } from '../base/clock.ts';

/** A small piece of work, well below a millisecond. Answers true when nothing is left to do. */
export type Step = () => boolean;

/**
 * Runs long work in slices so that heartbeats and small requests are never behind it for long: 5 ms while the
 * member is idle, at most 1 ms while input waits. All work of one slicer shares a slice and takes turns, a step each.
 * Between slices the event loop is polled.
 */
export class Slicer {
  private readonly scheduler: Scheduler;
  private readonly isBusy: () => boolean;
  /** What is not done; the first is next. */
  private waiting: Step[] = [];
  private isScheduled = false;
  private isRunning = false;
  private isHeld = false;
  private isStopped = false;

  constructor(scheduler: Scheduler, isBusy: () => boolean) {
    this.scheduler = scheduler;
    this.isBusy = isBusy;
  }

  /**
   * Calls `step` until it answers true. Its first step is taken at once, and where no other work is under way a
   * whole slice, so that work which is done in one never waits for a turn.
   */
  run(step: Step): void {
    if (this.isStopped) return;
    const isAlone = !this.isHeld && !this.isScheduled && !this.isRunning;
    const until = isAlone ? this.sliceEnd() : 0;
    if (!this.isHeld && step()) return;
    this.waiting.push(step);
    if (isAlone) this.runSlice(until, 1);
  }

  get isOnHold(): boolean {
    return this.isHeld;
  }

  /** Takes no step until `release`: what the steps look at is half changed. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.schedule();
  }

  stop(): void {
    this.isStopped = true;
    this.waiting = [];
  }

  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0) return;
    this.isScheduled = true;
    this.scheduler.endOfTurn(() => {
      this.isScheduled = false;
      this.runSlice(this.sliceEnd(), 0);
    });
  }

  private sliceEnd(): number {
    return this.scheduler.nowMs() + (this.isBusy() ? busySliceMs : idleSliceMs);
  }

  /** `before`: steps of this slice that are taken already; one at least is, so that work comes to its end. */
  private runSlice(until: number, before: number): void {
    this.isRunning = true;
    let taken = 0;
    // A step may bring about a stop or a hold, and more work.
    while (!this.isStopped && !this.isHeld && taken < this.waiting.length) {
      if (before + taken > 0 && this.scheduler.nowMs() >= until) break;
      const step = this.waiting[taken++] as Step;
      if (!step()) this.waiting.push(step);
    }
    this.isRunning = false;
    this.waiting.splice(0, taken);
    if (!this.isHeld && !this.isStopped) this.schedule();
  }
}

const idleSliceMs = 5;
const busySliceMs = 1;
