import type { Scheduler } from '../base/clock.ts';

/** How long a member looks out for company before it waits like any other (etcd: rafthttp.ConnReadTimeout). */
const lookoutMs = 5000;
/** Ticks left to a leader to make itself heard before a member that has just started campaigns. */
const heartbeatsAwaited = 2;

export interface FirstElectionParts {
  readonly scheduler: Scheduler;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly isOver: () => boolean;
  /** Members known so far: none before the first entries are applied. */
  readonly members: () => number;
  readonly hasCompany: () => boolean;
  readonly advanceTicks: (count: number) => void;
}

/**
 * A member that has just started need not wait a whole election timeout for its first leader: alone not at all,
 * else from the moment that it hears from another (etcd: --initial-election-tick-advance).
 */
export function hurryFirstElection(parts: FirstElectionParts): void {
  const untilMs = parts.scheduler.nowMs() + lookoutMs;
  const look = (): void => {
    if (parts.isOver()) return;
    if (parts.members() === 1) parts.advanceTicks(parts.electionTicks - 1);
    else if (parts.hasCompany()) {
      parts.advanceTicks(Math.max(parts.electionTicks - heartbeatsAwaited, 0));
    } else if (parts.scheduler.nowMs() < untilMs) parts.scheduler.after(parts.tickMs / 2, look);
  };
  parts.scheduler.endOfTurn(look);
}
