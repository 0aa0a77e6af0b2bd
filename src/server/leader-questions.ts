import type { Scheduler, Timer } from '../base/clock.ts';
import type { Answer, Question, Transport } from '../peer/types.ts';
import { noMember } from '../raft/types.ts';
import { Code, errors, failed, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { Leadership } from './leadership.ts';
import type { Done } from './types.ts';

/**
 * Questions that only the leader can answer: here while this member leads, else by the member that does. Asking
 * changes nothing that matters twice, so a question that finds nobody leading is asked again until its time is
 * over (etcd's LeaseRenew and LeaseTimeToLive in v3_server.go).
 */

/** Unanswered questions; beyond them clients get "too many requests". */
export const openQuestionsMax = 50_000;
/** Between two attempts (etcd's throttle in LeaseRenew). */
const retryMs = 50;

interface Asked {
  readonly question: Question;
  readonly done: Done<Answer>;
  readonly startedMs: number;
  isOpen: boolean;
}

export interface LeaderQuestionsParts {
  readonly scheduler: Scheduler;
  readonly leadership: Leadership;
  readonly transport: Transport;
  /** For one question in all. */
  readonly timeoutMs: number;
  /** For one attempt at another member. */
  readonly attemptMs: number;
  /** The answer of this very member; `notLeader` when it does not lead. */
  readonly answerHere: (question: Question, done: Done<Answer>) => void;
}

export class LeaderQuestions {
  private readonly parts: LeaderQuestionsParts;
  /** In the order of their deadlines. */
  private readonly open = new Set<Asked>();
  /** Those that found nobody leading, or the wrong one. */
  private again: Asked[] = [];
  private deadline: Timer | undefined;
  private retry: Timer | undefined;
  private isStopped = false;

  constructor(parts: LeaderQuestionsParts) {
    this.parts = parts;
  }

  ask(question: Question, done: Done<Answer>): void {
    if (this.isStopped) return done(failed(errors.stopped));
    if (this.open.size >= openQuestionsMax) return done(failed(errors.tooManyRequests));
    const asked = { question, done, startedMs: this.parts.scheduler.nowMs(), isOpen: true };
    this.open.add(asked);
    this.armDeadline();
    this.attempt(asked);
  }

  /** Somebody leads now: those who wait for that need not wait for the timer. */
  leaderKnown(): void {
    const { again } = this;
    this.again = [];
    for (const asked of again) if (asked.isOpen) this.attempt(asked);
  }

  stop(): void {
    this.isStopped = true;
    this.deadline?.cancel();
    this.retry?.cancel();
    for (const asked of this.open) this.finish(asked, failed(errors.stopped));
  }

  private attempt(asked: Asked): void {
    const { leadership, transport, answerHere, attemptMs } = this.parts;
    const { lead } = leadership;
    if (leadership.isLeader) {
      answerHere(asked.question, (outcome) =>
        this.settle(asked, outcome, (error) => error === errors.notLeader),
      );
    } else if (lead === noMember) this.tryAgain(asked);
    else {
      transport.ask(lead, asked.question, attemptMs, (outcome) =>
        this.settle(asked, outcome, mayLeadElsewhere),
      );
    }
  }

  private settle(
    asked: Asked,
    outcome: Outcome<Answer>,
    isWorthAnother: (error: EtcdError) => boolean,
  ): void {
    if (!asked.isOpen) return;
    if (outcome.ok || !isWorthAnother(outcome.error)) this.finish(asked, outcome);
    else this.tryAgain(asked);
  }

  private tryAgain(asked: Asked): void {
    this.again.push(asked);
    this.retry ??= this.parts.scheduler.after(retryMs, () => {
      this.retry = undefined;
      this.leaderKnown();
    });
  }

  private finish(asked: Asked, outcome: Outcome<Answer>): void {
    asked.isOpen = false;
    this.open.delete(asked);
    asked.done(outcome);
  }

  private armDeadline(): void {
    if (this.deadline !== undefined) return;
    const [oldest] = this.open;
    if (oldest === undefined) return;
    const { scheduler, timeoutMs } = this.parts;
    const delayMs = Math.max(1, oldest.startedMs + timeoutMs - scheduler.nowMs());
    this.deadline = scheduler.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.deadline = undefined;
    const { scheduler, timeoutMs, leadership } = this.parts;
    const before = scheduler.nowMs() - timeoutMs;
    const error = leadership.hasLeader ? errors.timeout : errors.noLeader;
    for (const asked of this.open) {
      if (asked.startedMs > before) break;
      this.finish(asked, failed(error));
    }
    this.again = this.again.filter(({ isOpen }) => isOpen);
    this.armDeadline();
  }
}

/** The member that was asked does not lead, did not answer, or is going away. */
function mayLeadElsewhere({ code, text }: EtcdError): boolean {
  return code === Code.Unavailable || text === errors.notLeader.text;
}
