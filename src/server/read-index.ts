import type { Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import type { ReadState } from '../raft/types.ts';
import { errors, failed, ok } from '../wire/errors.ts';
import type { Done } from './types.ts';

/**
 * Linearizable reads by ReadIndex (dissertation section 6.4): one round in flight, one gathering. Every read
 * that arrives while a round is under way joins the next one, so that any number of reads costs one heartbeat
 * round. A round that is lost is asked again under a new context, never the old one (etcd #20418).
 *
 * Those that may go ahead are answered a few at a time: what a few keys need is brought in from memory at once.
 */

/** Reads that may wait at once; beyond them clients get "too many requests". */
export const waitingReadsMax = 50_000;
/** After this a round without an answer is asked again (etcd: readIndexRetryTime). */
const retryMs = 500;
/** So many reads are answered in one turn, a few milliseconds of work as a rule; the next go on in the next. */
const answersPerTurnMax = 256;
/** And where they are of large values, for so long, looked at after every few. */
const answeringMsMax = 5;
const answersPerLook = 16;

interface WaitingRead {
  readonly done: Done<undefined>;
  /** What it will read, if that is one key. */
  readonly key: Bytes | undefined;
}

interface Round {
  readonly reads: WaitingRead[];
  readonly startedMs: number;
  /** All contexts under which this round was asked; an answer to any of them confirms it. */
  readonly contexts: Set<number>;
  /** To be asked at the end of this turn. */
  isDue: boolean;
  retry: Timer | undefined;
}

interface Confirmed {
  readonly index: number;
  readonly reads: readonly WaitingRead[];
}

export interface ReadIndexParts {
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
  /** A round is due: `takeContext` is to be called at the end of this turn. */
  readonly wake: () => void;
  readonly appliedIndex: () => number;
  /** These keys are read next. */
  readonly prefetch: (keys: readonly Bytes[]) => void;
  readonly onSlow: () => void;
  readonly onFailed: () => void;
}

export class ReadIndexQueue {
  private readonly parts: ReadIndexParts;
  private gathering: WaitingRead[] = [];
  private round: Round | undefined;
  /** Rounds whose index is known but not yet applied here; indexes ascend. */
  private confirmed: Confirmed[] = [];
  /** Reads that may go ahead, of which those before `readyAt` have. */
  private ready: WaitingRead[] = [];
  private readyAt = 0;
  private waitingCount = 0;
  /** This turn has answered what it may; the next goes on. */
  private isPaused = false;
  private isHeld = false;
  private lastContext: number;

  /** `firstContext` is random, so that answers to an earlier process under this id are not taken for ours. */
  constructor(parts: ReadIndexParts, firstContext: number) {
    this.parts = parts;
    this.lastContext = firstContext;
  }

  wait(done: Done<undefined>, key?: Bytes): void {
    if (this.isFull(done)) return;
    this.gathering.push({ done, key });
    if (this.round === undefined) this.parts.wake();
  }

  /** For a read that needs no index: it goes ahead at the end of this turn, with others like it. */
  waitForTurn(done: Done<undefined>, key?: Bytes): void {
    if (this.isFull(done)) return;
    this.ready.push({ done, key });
    if (!this.isPaused) this.pause();
  }

  private isFull(done: Done<undefined>): boolean {
    if (this.waitingCount >= waitingReadsMax) {
      done(failed(errors.tooManyRequests));
      return true;
    }
    this.waitingCount++;
    return false;
  }

  /** Nobody goes ahead until `release`: there is nothing that could be read. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.appliedUpTo(this.parts.appliedIndex());
  }

  /** The context of a round to ask for now, with every read of this turn in it; undefined when none is due. */
  takeContext(): number | undefined {
    if (this.round === undefined && this.gathering.length > 0) this.startRound();
    const { round } = this;
    if (round === undefined || !round.isDue) return undefined;
    round.isDue = false;
    round.retry?.cancel();
    round.retry = this.parts.scheduler.after(retryMs, () => this.retry(round));
    const context = ++this.lastContext;
    round.contexts.add(context);
    return context;
  }

  readConfirmed(states: readonly ReadState[]): void {
    for (const { context, index } of states) {
      const { round } = this;
      if (round === undefined || !round.contexts.has(context)) continue;
      round.retry?.cancel();
      this.round = undefined;
      this.confirmed.push({ index, reads: round.reads });
      if (this.gathering.length > 0) this.parts.wake();
    }
    this.appliedUpTo(this.parts.appliedIndex());
  }

  /** The core gave these up (leadership lost, no leader): the timer asks again. */
  readDropped(contexts: readonly number[]): void {
    for (const context of contexts) this.round?.contexts.delete(context);
  }

  /** A leader is known again: do not wait for the timer. */
  leaderKnown(): void {
    const { round } = this;
    if (round !== undefined && round.contexts.size === 0) this.makeDue(round);
  }

  appliedUpTo(index: number): void {
    let first = this.confirmed[0];
    while (first !== undefined && first.index <= index) {
      this.confirmed.shift();
      for (const read of first.reads) this.ready.push(read);
      first = this.confirmed[0];
    }
    if (!this.isPaused) this.answerReady();
  }

  private answerReady(): void {
    const { scheduler } = this.parts;
    const untilMs = scheduler.nowMs() + answeringMsMax;
    let left = answersPerTurnMax;
    while (!this.isHeld && this.readyAt < this.ready.length) {
      if (left <= 0 || scheduler.nowMs() >= untilMs) return this.pause();
      const due = this.ready.slice(this.readyAt, this.readyAt + answersPerLook);
      left -= due.length;
      this.forgetReady(due.length);
      this.prefetch(due);
      for (const { done } of due) done(ok(undefined));
    }
  }

  private forgetReady(count: number): void {
    this.waitingCount -= count;
    this.readyAt += count;
    if (this.readyAt < this.ready.length) return;
    this.ready = [];
    this.readyAt = 0;
  }

  private prefetch(due: readonly WaitingRead[]): void {
    const keys: Bytes[] = [];
    for (const { key } of due) if (key !== undefined) keys.push(key);
    if (keys.length > 1) this.parts.prefetch(keys);
  }

  private pause(): void {
    this.isPaused = true;
    this.parts.scheduler.endOfTurn(() => {
      this.isPaused = false;
      this.answerReady();
    });
  }

  failAll(): void {
    const { round, confirmed, gathering } = this;
    round?.retry?.cancel();
    const reads = [
      ...this.ready.slice(this.readyAt),
      ...confirmed.flatMap((each) => each.reads),
      ...(round?.reads ?? []),
      ...gathering,
    ];
    this.round = undefined;
    this.confirmed = [];
    this.gathering = [];
    this.ready = [];
    this.readyAt = 0;
    this.waitingCount = 0;
    for (const { done } of reads) done(failed(errors.stopped));
  }

  private startRound(): void {
    this.round = {
      reads: this.gathering,
      startedMs: this.parts.scheduler.nowMs(),
      contexts: new Set(),
      isDue: true,
      retry: undefined,
    };
    this.gathering = [];
  }

  private makeDue(round: Round): void {
    round.isDue = true;
    this.parts.wake();
  }

  private retry(round: Round): void {
    if (this.round !== round) return;
    const { scheduler, timeoutMs, onSlow, onFailed, wake } = this.parts;
    onSlow();
    if (scheduler.nowMs() - round.startedMs < timeoutMs) {
      this.makeDue(round);
      return;
    }
    onFailed();
    this.round = undefined;
    this.waitingCount -= round.reads.length;
    for (const { done } of round.reads) done(failed(errors.timeout));
    if (this.gathering.length > 0) wake();
  }
}
