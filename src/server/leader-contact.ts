import type { Clock } from '../base/clock.ts';
import type { Done } from './types.ts';

/**
 * How lately a quorum has acknowledged a leader, counted from the moment at which it was asked: who was elected after
 * it was elected later than that moment, for one of his voters has acknowledged before he voted. A new leader lets no
 * lease of earlier terms end before its TTL and an election timeout have passed (lease/lessor.ts). So whoever renews
 * within a fraction of an election timeout of that moment promises nothing that a successor would not keep, and
 * need not ask again. DIVERGENCE.md has the argument in full.
 *
 * A round of ReadIndex that was asked while this member led in its term, and is confirmed while it still does, is such
 * an acknowledgement. To be made anew for each term.
 */

/**
 * Of an election timeout. The leader's clock may run at a sixth of the speed of its successor's; and at a quarter of
 * that of followers, who count a little less than an election timeout before they vote for another.
 */
const contactShare = 1 / 6;
/** However long elections take: less than a voter needs to start again, having forgotten whom it follows. */
const contactMsMax = 250;

export interface LeaderContactParts {
  readonly clock: Clock;
  /** It goes on while a machine sleeps, which the monotonic clock does not. */
  readonly unixTimeMs: () => number;
  readonly electionTimeoutMs: number;
  /** Calls back when this member has confirmed, after the call, that it leads. */
  readonly confirm: (done: Done<undefined>) => void;
}

export class LeaderContact {
  private readonly parts: LeaderContactParts;
  private readonly limitMs: number;
  /** When the newest round was asked that was confirmed, by both clocks. */
  private askedMs = Number.NEGATIVE_INFINITY;
  private askedUnixMs = 0;
  private isAsking = false;

  constructor(parts: LeaderContactParts) {
    this.parts = parts;
    this.limitMs = Math.min(contactMsMax, parts.electionTimeoutMs * contactShare);
  }

  /** A round, which counts as contact as of now once it is confirmed. */
  confirm(done: Done<undefined>): void {
    const { clock, unixTimeMs, confirm } = this.parts;
    const askedMs = clock.nowMs();
    const askedUnixMs = unixTimeMs();
    confirm((outcome) => {
      if (outcome.ok && askedMs >= this.askedMs) {
        this.askedMs = askedMs;
        this.askedUnixMs = askedUnixMs;
      }
      done(outcome);
    });
  }

  /**
   * Whether contact is so recent, as of `nowMs`, that what is promised in this turn will be kept. Asks again in time
   * for it to stay so.
   */
  isCloseAt(nowMs: number): boolean {
    const sinceMs = nowMs - this.askedMs;
    // A clock on the wall that was set counts as one that has seen the machine asleep.
    const sinceUnixMs = this.parts.unixTimeMs() - this.askedUnixMs;
    const isClose = sinceMs < this.limitMs && sinceUnixMs >= 0 && sinceUnixMs < this.limitMs;
    if (isClose && sinceMs > this.limitMs / 4) this.askAgain();
    return isClose;
  }

  private askAgain(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.confirm(() => (this.isAsking = false));
  }
}
