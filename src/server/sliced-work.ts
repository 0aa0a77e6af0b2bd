import type { Scheduler } from '../base/clock.ts';
import type { Slicer } from './slicer.ts';

/** Work that comes and goes: woken, it begins at the end of the turn and runs in slices until nothing is left. */
export class SlicedWork {
  private readonly scheduler: Scheduler;
  private readonly slicer: Slicer;
  private readonly step: () => boolean;
  private isAwake = false;

  /** `step` does a small piece and answers true when there was nothing left to do. */
  constructor(scheduler: Scheduler, slicer: Slicer, step: () => boolean) {
    this.scheduler = scheduler;
    this.slicer = slicer;
    this.step = step;
  }

  wake(): void {
    if (this.isAwake) return;
    this.isAwake = true;
    this.scheduler.endOfTurn(() => this.slicer.run(() => this.run()));
  }

  private run(): boolean {
    if (!this.step()) return false;
    this.isAwake = false;
    return true;
  }
}
