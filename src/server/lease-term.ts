import type { Bytes } from '../base/bytes.ts';
import type { Scheduler } from '../base/clock.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { Leases } from '../lease/leases.ts';
import { Lessor } from '../lease/lessor.ts';
import type { LeaseRecord } from '../lease/record.ts';
import type { LeaseTimes } from '../peer/types.ts';
import { CommandKind } from '../wire/command.ts';
import { Code, errors, failed, ok, type Outcome } from '../wire/errors.ts';
import { LeaseExpiry } from '../wire/lease.ts';
import { DueTimer } from './due-timer.ts';
import { LeaderContact } from './leader-contact.ts';
import { LeaseCheckpointer } from './lease-checkpointer.ts';
import type { LeaseMetrics } from './lease-metrics.ts';
import type { Slicer } from './slicer.ts';
import type { Done } from './types.ts';

/**
 * What a leader does about leases during one term: it renews them and lets them expire. Expiry is decided after a
 * ReadIndex round, proposed with the term in which it was decided, and only one command at a time, so that leases
 * which end together are revoked in small portions between other writes.
 */

/** One portion. Applying it takes about a millisecond. */
const leasesPerCommand = 100;
const keysPerCommand = 200;
/** From the end of one portion to the next. */
const paceMs = 20;
/** What could not be proposed or confirmed is tried again after this. */
const retryMs = 500;
/** What was refused, after this. */
const refusedMs = 5000;

export interface LeaseTermParts {
  readonly term: number;
  readonly leases: Leases;
  readonly scheduler: Scheduler;
  readonly slicer: Slicer;
  readonly metrics: LeaseMetrics;
  /** One election timeout. */
  readonly extendMs: number;
  readonly unixTimeMs: () => number;
  readonly checkpointIntervalMs: number | undefined;
  /** Calls back when this member has confirmed, after the call, that it leads. */
  readonly confirm: (done: Done<undefined>) => void;
  readonly propose: (kind: CommandKind, request: Bytes, done: Done<AppliedResponse>) => void;
}

export class LeaseTerm {
  readonly term: number;
  readonly contact: LeaderContact;
  private readonly parts: LeaseTermParts;
  private readonly lessor: Lessor;
  private readonly checkpointer: LeaseCheckpointer;
  /** Renewals of leases whose expiry is under way. */
  private readonly waiting = new Map<bigint, Done<number>[]>();
  private readonly timer: DueTimer;
  /** A portion is being confirmed or proposed, or the pause after one is not over. */
  private isRevoking = false;
  /** A portion whose proposal failed: whether it is in the log is not known. */
  private unsettled: readonly bigint[] = [];
  private isOver = false;

  constructor(parts: LeaseTermParts) {
    const { term, leases, scheduler, slicer, extendMs, checkpointIntervalMs } = parts;
    this.term = term;
    this.parts = parts;
    this.contact = new LeaderContact({ ...parts, clock: scheduler, electionTimeoutMs: extendMs });
    const nowMs = scheduler.nowMs();
    this.lessor = new Lessor(leases, { nowMs, extendMs, checkpointIntervalMs });
    this.checkpointer = new LeaseCheckpointer(this.lessor, parts);
    // After a stall timers come before the input that has waited, which may hold renewals.
    this.timer = new DueTimer(scheduler, () => scheduler.endOfTurn(() => this.look()));
    slicer.run(() => this.isOver || this.promoteSome());
  }

  /** This member leads no more: whoever waits has to ask the next leader. */
  end(): void {
    this.isOver = true;
    this.timer.cancel();
    this.checkpointer.end();
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const dones of waiting) for (const done of dones) done(failed(errors.notLeader));
  }

  granted(lease: LeaseRecord): void {
    this.lessor.granted(lease, this.parts.scheduler.nowMs());
    this.arm();
  }

  revoked(id: bigint): void {
    if (this.lessor.revoked(id)) this.parts.metrics.expired.add();
    const dones = this.waiting.get(id);
    if (dones === undefined) return;
    this.waiting.delete(id);
    for (const done of dones) done(ok(0));
  }

  /**
   * Renews without asking anyone, and answers the TTL; undefined where that is not safe, or the answer would be
   * another: then `renew`, once leadership is confirmed.
   */
  maybeRenewNow(id: bigint): number | undefined {
    const { scheduler, metrics } = this.parts;
    const nowMs = scheduler.nowMs();
    if (!this.contact.isCloseAt(nowMs)) return undefined;
    const renewal = this.lessor.renew(id, nowMs);
    if (renewal.type !== 'renewed') return undefined;
    metrics.renewed.add();
    this.arm();
    return renewal.ttl;
  }

  /** To be called once leadership is confirmed; `notLeader` when the term ends meanwhile. */
  renew(id: bigint, done: Done<number>): void {
    const { scheduler, metrics } = this.parts;
    const renewal = this.lessor.renew(id, scheduler.nowMs());
    switch (renewal.type) {
      case 'renewed':
        metrics.renewed.add();
        this.arm();
        return done(ok(renewal.ttl));
      case 'unknown':
        return done(ok(0));
      case 'expiring': {
        const dones = this.waiting.get(id);
        if (dones === undefined) this.waiting.set(id, [done]);
        else dones.push(done);
        return;
      }
      case 'checkpointed':
        return this.checkpointer.clear(id, (outcome) => {
          if (outcome.ok) this.renew(id, done);
          else done(outcome);
        });
    }
  }

  times(id: bigint): LeaseTimes | undefined {
    const { leases, scheduler } = this.parts;
    const lease = leases.get(id);
    const remaining = this.lessor.remaining(id, scheduler.nowMs());
    if (lease === undefined || remaining === undefined) return undefined;
    return { granted: lease.grantedTtl, remaining };
  }

  inOrder(): IterableIterator<bigint> | undefined {
    return this.lessor.inOrder();
  }

  private promoteSome(): boolean {
    const isDone = this.lessor.promoteSome();
    if (isDone) this.arm();
    return isDone;
  }

  /** Sees to it that the clock is looked at when the next lease ends. */
  private arm(): void {
    this.checkpointer.arm();
    if (!this.isRevoking && !this.isOver) this.timer.arm(this.lessor.nextExpiryMs);
  }

  private look(): void {
    if (this.isOver || this.isRevoking) return;
    const dueMs = this.lessor.nextExpiryMs;
    const isDue = dueMs !== undefined && dueMs <= this.parts.scheduler.nowMs();
    if (!isDue && this.unsettled.length === 0) return this.arm();
    this.isRevoking = true;
    this.contact.confirm((outcome) => {
      if (this.isOver) return;
      if (outcome.ok) this.revokeSome();
      else this.pause(retryMs);
    });
  }

  /** What may be in the log already stays decided: it is proposed again, which revokes nothing twice. */
  private revokeSome(): void {
    const { scheduler, term, propose } = this.parts;
    const limits = { leasesMax: leasesPerCommand, keysMax: keysPerCommand };
    const ids =
      this.unsettled.length > 0
        ? this.unsettled
        : this.lessor.takeExpired(scheduler.nowMs(), limits);
    if (ids.length === 0) return this.pause(0);
    propose(CommandKind.leaseExpire, LeaseExpiry.encode({ term, ids }), (outcome) => {
      if (!this.isOver) this.revokedSome(ids, outcome);
    });
  }

  /** Without an answer a portion may yet be applied; one that was refused, as CORRUPT does, never will be. */
  private revokedSome(ids: readonly bigint[], outcome: Outcome<AppliedResponse>): void {
    const isRefused = !outcome.ok && outcome.error.code !== Code.Unavailable;
    this.unsettled = outcome.ok || isRefused ? [] : ids;
    if (isRefused) {
      this.lessor.spare(ids, this.parts.scheduler.nowMs() + refusedMs);
      for (const id of ids) this.renewWaiting(id);
    }
    this.pause(outcome.ok ? paceMs : retryMs);
  }

  private renewWaiting(id: bigint): void {
    const dones = this.waiting.get(id) ?? [];
    this.waiting.delete(id);
    for (const done of dones) this.renew(id, done);
  }

  private pause(delayMs: number): void {
    this.parts.scheduler.after(delayMs, () => {
      this.isRevoking = false;
      this.look();
    });
  }
}
