import type { Scheduler, Timer } from '../../src/base/clock.ts';
import type { ManualScheduler } from '../peer/manual-scheduler.ts';

/** What happens on a host, for those who count and judge it. */
export interface HostEvents {
  /** A timer of the member has fired. */
  fired(): void;
  /** The member threw: an assertion, or a bug. */
  threw(error: unknown): void;
}

/**
 * The machine of one start of a member: a clock that may run fast or slow beside the world's, and a process that may
 * stand still. What comes meanwhile waits, in order, until it goes on.
 */
export class SimHost implements Scheduler {
  readonly name: string;
  /** The process is gone: nothing of it runs any more. */
  isDead = false;
  isPaused = false;
  private readonly world: ManualScheduler;
  private readonly events: HostEvents;
  private readonly backlog: (() => void)[] = [];
  private rate: number;
  private localMs = 0;
  private sinceMs: number;

  constructor(name: string, rate: number, world: ManualScheduler, events: HostEvents) {
    this.name = name;
    this.rate = rate;
    this.world = world;
    this.events = events;
    this.sinceMs = world.nowMs();
  }

  nowMs(): number {
    return this.localMs + (this.world.nowMs() - this.sinceMs) * this.rate;
  }

  /** From now on the clock runs so much faster than the world's; timers that wait keep their moment. */
  setRate(rate: number): void {
    this.localMs = this.nowMs();
    this.sinceMs = this.world.nowMs();
    this.rate = rate;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.at(delayMs <= 0 ? 0 : delayMs / this.rate, callback);
  }

  endOfTurn(callback: () => void): void {
    this.at(0, callback);
  }

  /** Runs at once, or when the process goes on; never once it is gone. */
  run(action: () => void): void {
    if (this.isDead) return;
    if (this.isPaused) {
      this.backlog.push(action);
      return;
    }
    try {
      action();
    } catch (error) {
      this.events.threw(error);
    }
  }

  pause(): void {
    this.isPaused = true;
  }

  /** The process goes on with what has come meanwhile. */
  resume(): void {
    this.isPaused = false;
    for (const action of this.backlog.splice(0)) this.run(action);
  }

  private at(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    const timer = this.world.after(delayMs, () =>
      this.run(() => {
        if (isCancelled) return;
        callback();
        this.events.fired();
      }),
    );
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}
