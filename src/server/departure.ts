import type { Scheduler } from '../base/clock.ts';
import type { Leadership } from './leadership.ts';

/**
 * A member that finds itself removed stops by itself, but not at once: a leader leads on until the others know of it
 * (raft/leaving.ts), a client waits for its answer, and where nobody leads the others may need what this member knows
 * to be committed.
 */
export interface DepartureParts {
  readonly scheduler: Scheduler;
  readonly leadership: Leadership;
  readonly committed: () => number;
  readonly isStopped: () => boolean;
  /** Tells the people: there is nothing left to do for this member here. */
  readonly log: () => void;
  /** Nothing keeps this member any more. */
  readonly gone: () => void;
}

/** For answers that are on their way (etcd server.go, `stopWithDelay`). */
const farewellMs = 1_000;
/** How long a member stays for others who may not know that it is removed. */
const lingerMs = 10_000;
const lookMs = 100;

export class Departure {
  private readonly parts: DepartureParts;
  private isUnderWay = false;

  constructor(parts: DepartureParts) {
    this.parts = parts;
  }

  /** The removal of this member was applied at `index`, in this process or in one before. */
  begin(index: number): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    this.parts.log();
    this.look(index, this.parts.scheduler.nowMs());
  }

  private look(index: number, sinceMs: number): void {
    const { scheduler, leadership, committed, isStopped, gone } = this.parts;
    if (isStopped()) return;
    const leave = (): void => {
      if (!isStopped()) gone();
    };
    // Somebody else leads, or has made something committed since: the others can do without.
    const isKnown = leadership.hasLeader || committed() > index;
    const isLate = scheduler.nowMs() - sinceMs >= lingerMs;
    if (!leadership.isLeader && (isKnown || isLate)) scheduler.after(farewellMs, leave);
    else scheduler.after(lookMs, () => this.look(index, sinceMs));
  }
}
