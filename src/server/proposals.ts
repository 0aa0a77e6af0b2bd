import type { Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import type { MemberId } from '../raft/types.ts';
import { commandHeaderBytes, CommandOrigin, type CommandKind } from '../wire/command.ts';
import { errors, failed, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { Done } from './types.ts';

/**
 * The proposals of this member that have not been answered. Each is handed to Raft once: an answer comes when
 * its entry is applied here, or an error when its time is over, and then it may still be applied later.
 */

/** Unanswered proposals, and their bytes, that one member keeps; beyond them clients get "too many requests". */
export const pendingProposalsMax = 20_000;
export const pendingProposalBytesMax = 128 * 1024 * 1024;
/** What the core would not take is offered to it again after this. */
const resubmitMs = 50;

interface Pending {
  readonly done: Done<AppliedResponse>;
  readonly startedMs: number;
  readonly sizeBytes: number;
  /** Raft's term when it was last handed over; 0 while it waits. */
  term: number;
}

export interface ProposalParts {
  readonly memberId: MemberId;
  /** Random for each start of the process, so that no (nonce, sequence) comes twice in one log. */
  readonly nonce: number;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  readonly submit: (data: Bytes) => void;
  readonly hasLeader: () => boolean;
  readonly raftTerm: () => number;
  /** Which of etcd's time-out texts fits a request that started then. */
  readonly timeoutError: (startedMs: number) => EtcdError;
}

export class Proposals {
  private readonly parts: ProposalParts;
  private readonly origin: CommandOrigin;
  /** By sequence, which is also the order of their deadlines. */
  private readonly pending = new Map<number, Pending>();
  /** Encoded, waiting for a leader to be known: never handed to Raft yet. */
  private waiting: { readonly sequence: number; readonly data: Bytes }[] = [];
  private pendingBytes = 0;
  private sequence = 0;
  private appliedTerm = 0;
  private timer: Timer | undefined;
  private resubmission: Timer | undefined;

  constructor(parts: ProposalParts) {
    this.parts = parts;
    this.origin = new CommandOrigin(parts.memberId, parts.nonce);
  }

  get count(): number {
    return this.pending.size;
  }

  propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void {
    const { scheduler, submit, hasLeader, raftTerm } = this.parts;
    const sizeBytes = commandHeaderBytes + request.length;
    if (
      this.pending.size >= pendingProposalsMax ||
      this.pendingBytes + sizeBytes > pendingProposalBytesMax
    ) {
      done(failed(errors.tooManyRequests));
      return;
    }
    const sequence = ++this.sequence;
    const data = this.origin.encode(kind, sequence, request);
    const isLed = hasLeader();
    const term = isLed ? raftTerm() : 0;
    this.pending.set(sequence, { done, startedMs: scheduler.nowMs(), sizeBytes, term });
    this.pendingBytes += sizeBytes;
    this.armTimer();
    if (isLed) submit(data);
    else this.waiting.push({ sequence, data });
  }

  /** The core took none of these, so they are nowhere: giving them to it later repeats nothing. */
  dropped(data: readonly Bytes[]): void {
    for (const each of data) {
      const sequence = this.origin.sequenceOf(each);
      const pending = this.pending.get(sequence);
      if (pending === undefined) continue;
      pending.term = 0;
      this.waiting.push({ sequence, data: each });
    }
    this.resubmission ??= this.parts.scheduler.after(resubmitMs, () => {
      this.resubmission = undefined;
      if (this.parts.hasLeader()) this.leaderKnown();
    });
  }

  /** A leader is known: what has waited for one goes out. */
  leaderKnown(): void {
    const waited = this.waiting;
    this.waiting = [];
    for (const { sequence, data } of waited) {
      const pending = this.pending.get(sequence);
      if (pending === undefined) continue;
      pending.term = this.parts.raftTerm();
      this.parts.submit(data);
    }
  }

  /**
   * An entry of this term has been applied, so all of the terms before have been. What went to the leader of one of
   * them and is not among them was lost with it, or is still on its way to some leader: waiting tells nothing more.
   */
  appliedUpTo(term: number): void {
    if (term === this.appliedTerm) return;
    this.appliedTerm = term;
    for (const [sequence, pending] of this.pending) {
      if (pending.term === 0 || pending.term >= term) continue;
      this.forget(sequence, pending);
      pending.done(failed(errors.timeoutLeaderFailure));
    }
  }

  /** An entry was applied: answers whoever waits for it, if it is one of this process's own. */
  applied(data: Bytes, outcome: Outcome<AppliedResponse>): void {
    const sequence = this.origin.sequenceOf(data);
    const pending = sequence === 0 ? undefined : this.pending.get(sequence);
    if (pending === undefined) return;
    this.forget(sequence, pending);
    pending.done(outcome);
  }

  failAll(error: EtcdError): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.resubmission?.cancel();
    this.waiting = [];
    for (const [sequence, pending] of this.pending) {
      this.forget(sequence, pending);
      pending.done(failed(error));
    }
  }

  private forget(sequence: number, pending: Pending): void {
    this.pending.delete(sequence);
    this.pendingBytes -= pending.sizeBytes;
  }

  private armTimer(): void {
    if (this.timer !== undefined) return;
    const oldest = this.pending.values().next();
    if (oldest.done === true) return;
    const { scheduler, timeoutMs } = this.parts;
    const delayMs = Math.max(1, oldest.value.startedMs + timeoutMs - scheduler.nowMs());
    this.timer = scheduler.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.timer = undefined;
    const { scheduler, timeoutMs, timeoutError } = this.parts;
    const before = scheduler.nowMs() - timeoutMs;
    for (const [sequence, pending] of this.pending) {
      if (pending.startedMs > before) break;
      this.forget(sequence, pending);
      pending.done(failed(timeoutError(pending.startedMs)));
    }
    this.waiting = this.waiting.filter(({ sequence }) => this.pending.has(sequence));
    this.armTimer();
  }
}
