import type { Scheduler } from '../base/clock.ts';
import type { Transport } from '../peer/types.ts';
import { noMember, type MemberId, type SoftState } from '../raft/types.ts';
import { errors, type EtcdError } from '../wire/errors.ts';

/** Who leads, since when, and what that means for a request that ran out of time. */
export class Leadership {
  private readonly scheduler: Scheduler;
  private readonly id: MemberId;
  private readonly electionTimeoutMs: number;
  private soft: SoftState = { lead: noMember, state: 'follower' };
  private electedMs = Number.NEGATIVE_INFINITY;
  private listeners: (() => void)[] = [];

  constructor(scheduler: Scheduler, id: MemberId, electionTimeoutMs: number) {
    this.scheduler = scheduler;
    this.id = id;
    this.electionTimeoutMs = electionTimeoutMs;
  }

  get lead(): MemberId {
    return this.soft.lead;
  }

  get hasLeader(): boolean {
    return this.soft.lead !== noMember;
  }

  get isLeader(): boolean {
    return this.soft.state === 'leader';
  }

  /** Takes what Raft says; answers whether there is a leader now that was not there before. */
  update(soft: SoftState): boolean {
    const isNew = soft.lead !== this.soft.lead && soft.lead !== noMember;
    this.soft = soft;
    if (isNew) this.electedMs = this.scheduler.nowMs();
    for (const listener of this.listeners) listener();
    return isNew;
  }

  /** Called at every change until the answer is used to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.push(listener);
    return () => {
      this.listeners = this.listeners.filter((each) => each !== listener);
    };
  }

  /** etcd's text for a request that started then and was not answered in time (parseProposeCtxErr). */
  timeoutError(startedMs: number, transport: Transport, voters: readonly MemberId[]): EtcdError {
    const lostMs = this.electedMs - 2 * this.electionTimeoutMs;
    if (startedMs > lostMs && startedMs < this.electedMs) return errors.timeoutLeaderFailure;
    const { lead } = this.soft;
    if (lead === noMember) return errors.timeout;
    const active = transport.activePeers(this.scheduler.nowMs() - startedMs);
    if (lead !== this.id) return active.has(lead) ? errors.timeout : errors.timeoutConnectionLost;
    const reached = voters.filter((voter) => voter === this.id || active.has(voter)).length;
    return reached > voters.length / 2 ? errors.timeout : errors.timeoutConnectionLost;
  }
}
