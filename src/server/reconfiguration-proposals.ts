import type { Scheduler, Timer } from '../base/clock.ts';
import {
  decodeConfChangeContext,
  encodeConfChangeContext,
  type MemberChange,
  type Proposer,
} from '../membership/conf-change.ts';
import { membersMoved, type Membership } from '../membership/membership.ts';
import type { MemberRecord } from '../membership/record.ts';
import type { ConfChange } from '../raft/confchange.ts';
import type { MemberId } from '../raft/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { Done } from './types.ts';

/**
 * The changes of the configuration that this member has been asked for, one at a time. The leader takes a change
 * only when it has applied the one before, and tells nobody of one that it drops; so a change is proposed again until
 * its entry is applied here. It is made once all the same: its basis is the members that it was checked against, and
 * once it has been made they are others (`Membership.fingerprint`).
 */

/** Changes that wait at one member; beyond them clients get "too many requests". */
export const waitingChangesMax = 64;
/** A change that was not applied in this time is proposed again. */
const reproposeMs = 200;

export interface RequestedChange {
  readonly change: MemberChange;
  /** The record of a new member. */
  readonly record: MemberRecord | undefined;
  /** Why it must not be made now; asked again when other changes have come first. */
  readonly check: () => EtcdError | undefined;
}

export interface ReconfigurationProposalsParts {
  readonly memberId: MemberId;
  /** Random for each start of the process, as with proposals. */
  readonly nonce: number;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  /** Learners that the cluster may have. */
  readonly learnersMax: number;
  readonly membership: () => Membership;
  readonly propose: (change: ConfChange) => void;
  readonly timeoutError: (startedMs: number) => EtcdError;
}

interface Waiting {
  readonly requested: RequestedChange;
  readonly startedMs: number;
  readonly done: Done<readonly MemberRecord[]>;
  readonly deadline: Timer;
}

export class ReconfigurationProposals {
  private readonly parts: ReconfigurationProposalsParts;
  /** The first is under way. */
  private waiting: readonly Waiting[] = [];
  private sequence = 0;
  private proposed: ConfChange | undefined;
  private timer: Timer | undefined;

  constructor(parts: ReconfigurationProposalsParts) {
    this.parts = parts;
  }

  /** Answers with all members when the change has been applied here. */
  request(requested: RequestedChange, done: Done<readonly MemberRecord[]>): void {
    const { scheduler, timeoutMs, timeoutError } = this.parts;
    if (this.waiting.length >= waitingChangesMax) {
      done(failed(errors.tooManyRequests));
      return;
    }
    const startedMs = scheduler.nowMs();
    const deadline = scheduler.after(timeoutMs, () =>
      this.end(waiting, failed(timeoutError(startedMs))),
    );
    const waiting: Waiting = { requested, startedMs, done, deadline };
    this.waiting = [...this.waiting, waiting];
    if (this.waiting[0] === waiting) this.begin();
  }

  /** A configuration entry was applied, or refused. */
  applied({ context }: ConfChange, outcome: Outcome<unknown>): void {
    const [current] = this.waiting;
    if (current === undefined || !this.isOwn(decodeConfChangeContext(context).proposer)) return;
    if (outcome.ok) this.end(current, ok(this.parts.membership().list()));
    else if (outcome.error === membersMoved) this.begin();
    else this.end(current, outcome);
  }

  failAll(error: EtcdError): void {
    this.timer?.cancel();
    const { waiting } = this;
    this.waiting = [];
    for (const { deadline, done } of waiting) {
      deadline.cancel();
      done(failed(error));
    }
  }

  /** Checks the first that waits against the members as they are now, and proposes it. */
  private begin(): void {
    this.timer?.cancel();
    const [current] = this.waiting;
    if (current === undefined) return;
    const refused = current.requested.check();
    if (refused !== undefined) return this.end(current, failed(refused));
    const { memberId, nonce, learnersMax, membership } = this.parts;
    const { change, record } = current.requested;
    const context = encodeConfChangeContext(record === undefined ? [] : [record], {
      proposer: { memberId, nonce, sequence: ++this.sequence },
      basis: membership().fingerprint,
      learnersBelow: learnersMax + 1,
    });
    this.proposed = { transition: 'auto', changes: [change], context };
    this.propose();
  }

  private propose(): void {
    const { scheduler, propose } = this.parts;
    if (this.proposed !== undefined) propose(this.proposed);
    this.timer = scheduler.after(reproposeMs, () => this.propose());
  }

  private isOwn(proposer: Proposer | undefined): boolean {
    const { memberId, nonce } = this.parts;
    return (
      proposer?.memberId === memberId &&
      proposer.nonce === nonce &&
      proposer.sequence === this.sequence
    );
  }

  /**
   * Answers at the end of the turn: by then the core knows that the change is applied, and takes the next (etcd
   * #15528).
   */
  private end(ended: Waiting, outcome: Outcome<readonly MemberRecord[]>): void {
    const wasFirst = this.waiting[0] === ended;
    this.waiting = this.waiting.filter((each) => each !== ended);
    ended.deadline.cancel();
    if (wasFirst) {
      this.timer?.cancel();
      this.proposed = undefined;
    }
    this.parts.scheduler.endOfTurn(() => {
      ended.done(outcome);
      if (wasFirst) this.begin();
    });
  }
}
