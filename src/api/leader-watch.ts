import type { Scheduler, Timer } from '../base/clock.ts';
import { noMember } from '../raft/types.ts';
import type { Member } from '../server/types.ts';
import { errors, type EtcdError } from '../wire/errors.ts';

/** A stream whose client would rather lose it than wait at a member without a leader (`hasleader`). */
export interface LeaderBound {
  fail(error: EtcdError): void;
  onOver(listener: () => void): void;
}

/** Looks in a row, one election timeout apart, that must find no leader (etcd's maxNoLeaderCnt). */
const looksMax = 3;

/** Ends such streams once the member has been without a leader for a while; admission refuses new ones at once. */
export class LeaderWatch {
  private readonly member: Member;
  private readonly scheduler: Scheduler;
  private readonly electionTimeoutMs: number;
  private readonly streams = new Set<LeaderBound>();
  private looksWithout = 0;
  private timer: Timer | undefined;

  constructor(member: Member, scheduler: Scheduler, electionTimeoutMs: number) {
    this.member = member;
    this.scheduler = scheduler;
    this.electionTimeoutMs = electionTimeoutMs;
  }

  add(stream: LeaderBound): void {
    this.streams.add(stream);
    stream.onOver(() => this.remove(stream));
    this.timer ??= this.scheduler.after(this.electionTimeoutMs, this.look);
  }

  private remove(stream: LeaderBound): void {
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.looksWithout = 0;
  }

  private readonly look = (): void => {
    this.timer = this.scheduler.after(this.electionTimeoutMs, this.look);
    this.looksWithout = this.member.lead === noMember ? this.looksWithout + 1 : 0;
    if (this.looksWithout < looksMax) return;
    for (const stream of this.streams) stream.fail(errors.noLeader);
  };
}
