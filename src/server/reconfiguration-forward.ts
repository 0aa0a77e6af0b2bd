import type { Scheduler, Timer } from '../base/clock.ts';
import type { Membership } from '../membership/membership.ts';
import type { Transport } from '../peer/types.ts';
import type { MemberId } from '../raft/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { Leadership } from './leadership.ts';
import type { Done, MemberInfo } from './types.ts';

export interface PromotionForwarderParts {
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  readonly membership: () => Membership;
  readonly leadership: Leadership;
  readonly transport: Pick<Transport, 'ask'>;
  /** Where it has become the leader meanwhile. */
  readonly promoteAsLeader: (id: MemberId, done: Done<readonly MemberInfo[]>) => void;
}

/** What a member that does not lead does with a promotion: it asks the leader, whoever that is by then. */
export class PromotionForwarder {
  private readonly parts: PromotionForwarderParts;
  private readonly waiting = new Set<Promotion>();

  constructor(parts: PromotionForwarderParts) {
    this.parts = parts;
  }

  promote(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    const promotion = new Promotion(id, this.parts, (outcome) => {
      this.waiting.delete(promotion);
      done(outcome);
    });
    this.waiting.add(promotion);
    promotion.start();
  }

  /** The members have changed, which a promotion that the leader has made waits for. */
  membersChanged(): void {
    for (const promotion of this.waiting) promotion.membersChanged();
  }

  failAll(error: EtcdError): void {
    for (const promotion of this.waiting) promotion.end(failed(error));
  }
}

/** Who is asked and leads no more says that it has done nothing: only then is another asked. */
const askAgainMs = 100;

class Promotion {
  private readonly id: MemberId;
  private readonly parts: PromotionForwarderParts;
  private readonly done: Done<readonly MemberInfo[]>;
  private readonly deadlineMs: number;
  private readonly deadline: Timer;
  private readonly unsubscribe: () => void;
  private state: 'looking' | 'asking' | 'applying' | 'over' = 'looking';

  constructor(id: MemberId, parts: PromotionForwarderParts, done: Done<readonly MemberInfo[]>) {
    const { scheduler, timeoutMs, leadership } = parts;
    this.id = id;
    this.parts = parts;
    this.done = done;
    this.deadlineMs = scheduler.nowMs() + timeoutMs;
    this.deadline = scheduler.after(timeoutMs, () => this.late());
    this.unsubscribe = leadership.onChange(() => scheduler.endOfTurn(() => this.maybeAsk()));
  }

  start(): void {
    this.maybeAsk();
  }

  membersChanged(): void {
    if (this.state !== 'applying') return;
    const membership = this.parts.membership();
    if (membership.get(this.id)?.isLearner !== true) this.end(ok(membership.list()));
  }

  end(outcome: Outcome<readonly MemberInfo[]>): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.deadline.cancel();
    this.unsubscribe();
    this.done(outcome);
  }

  private maybeAsk(): void {
    const { leadership, transport, scheduler } = this.parts;
    if (this.state !== 'looking' || !leadership.hasLeader) return;
    this.state = 'asking';
    if (leadership.isLeader) {
      this.parts.promoteAsLeader(this.id, (outcome) => this.end(outcome));
      return;
    }
    const leftMs = Math.max(1, this.deadlineMs - scheduler.nowMs());
    const question = { type: 'promoteMember', id: this.id } as const;
    transport.ask(leadership.lead, question, leftMs, (answer) => {
      if (this.state !== 'asking') return;
      if (answer.ok) {
        this.state = 'applying';
        this.membersChanged();
      } else if (answer.error.text === errors.notLeader.text) this.askAgain();
      else this.end(answer);
    });
  }

  private askAgain(): void {
    this.state = 'looking';
    this.parts.scheduler.after(askAgainMs, () => this.maybeAsk());
  }

  private late(): void {
    this.end(failed(this.state === 'looking' ? errors.noLeader : errors.timeout));
  }
}
