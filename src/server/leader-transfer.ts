import type { Scheduler } from '../base/clock.ts';
import type { RaftStatus } from '../raft/status.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import { errors, failed, ok, type Outcome } from '../wire/errors.ts';
import type { Leadership } from './leadership.ts';
import type { Done } from './types.ts';

/** Leadership transfer (dissertation section 3.10), as the shell waits for it. */

/** The voter, other than the leader itself, that has most of the log and was heard lately; else `noMember`. */
export function bestTransferee({ id: self, progress }: RaftStatus): MemberId {
  let best: MemberId = noMember;
  let most = 0;
  for (const { id, match, isLearner, isRecentlyActive } of progress) {
    if (id === self || isLearner || !isRecentlyActive || match <= most) continue;
    best = id;
    most = match;
  }
  return best;
}

export interface AwaitedLeader {
  readonly target: MemberId;
  readonly leadership: Leadership;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
}

/** Answers when `target` leads, or with etcd's error when it does not in time. */
export function awaitLeader(awaited: AwaitedLeader, done: Done<undefined>): void {
  const { target, leadership, scheduler, timeoutMs } = awaited;
  if (leadership.lead === target) {
    done(ok(undefined));
    return;
  }
  const finish = (outcome: Outcome<undefined>): void => {
    timer.cancel();
    unsubscribe();
    done(outcome);
  };
  const timer = scheduler.after(timeoutMs, () => finish(failed(errors.timeoutLeaderTransfer)));
  const unsubscribe = leadership.onChange(() => {
    if (leadership.lead === target) finish(ok(undefined));
  });
}

/** Answers when this member leads no more, whoever does now, or when the time is over. */
export function awaitStepDown(
  { leadership, scheduler, timeoutMs }: Omit<AwaitedLeader, 'target'>,
  done: () => void,
): void {
  const finish = (): void => {
    timer.cancel();
    unsubscribe();
    done();
  };
  const timer = scheduler.after(timeoutMs, finish);
  const unsubscribe = leadership.onChange(() => {
    if (!leadership.isLeader) finish();
  });
}
