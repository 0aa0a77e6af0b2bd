import type { Bytes } from '../base/bytes.ts';
import type { Scheduler } from '../base/clock.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { Lessor } from '../lease/lessor.ts';
import { CommandKind } from '../wire/command.ts';
import { errors, failed, type Outcome } from '../wire/errors.ts';
import { LeaseCheckpoints } from '../wire/lease.ts';
import { DueTimer } from './due-timer.ts';
import type { Done } from './types.ts';

/**
 * Writes down what is left of leases, so that it outlives a change of leader (etcd's LeaseCheckpoint gate), and
 * clears that again before a renewal is acknowledged: otherwise the next leader would end the lease too early.
 * One command at a time: a remaining TTL can never come after the clearing that was meant to follow it.
 */

/** As etcd: maxLeaseCheckpointBatchSize. */
const checkpointsPerCommand = 1000;
/** From the end of one command to the next; what renewals wait for goes at once. */
const paceMs = 100;

export interface CheckpointerParts {
  readonly term: number;
  readonly scheduler: Scheduler;
  readonly propose: (kind: CommandKind, request: Bytes, done: Done<AppliedResponse>) => void;
}

export class LeaseCheckpointer {
  private readonly lessor: Lessor;
  private readonly parts: CheckpointerParts;
  /** Renewals that wait until nothing is written down for their lease. */
  private clearing = new Map<bigint, Done<undefined>[]>();
  private cleared = new Map<bigint, Done<undefined>[]>();
  private readonly timer: DueTimer;
  private isProposing = false;
  private isOver = false;

  constructor(lessor: Lessor, parts: CheckpointerParts) {
    this.lessor = lessor;
    this.parts = parts;
    this.timer = new DueTimer(parts.scheduler, () => {
      if (!this.maybePropose()) this.arm();
    });
  }

  end(): void {
    this.isOver = true;
    this.timer.cancel();
    const waiting = [...this.clearing.values(), ...this.cleared.values()];
    this.clearing.clear();
    this.cleared.clear();
    for (const dones of waiting) for (const done of dones) done(failed(errors.notLeader));
  }

  /** Calls back when the lease's record says, by a quorum, that its whole TTL counts. */
  clear(id: bigint, done: Done<undefined>): void {
    const dones = this.clearing.get(id);
    if (dones !== undefined) {
      dones.push(done);
      return;
    }
    this.clearing.set(id, [done]);
    // Those who come in the same turn share the command.
    if (this.clearing.size === 1) this.parts.scheduler.endOfTurn(() => this.maybePropose());
  }

  /** Sees to it that the clock is looked at when the next checkpoint is due. */
  arm(): void {
    if (this.isProposing || this.isOver) return;
    const { nextCheckpointMs } = this.lessor;
    if (nextCheckpointMs === undefined) return;
    this.timer.arm(Math.max(nextCheckpointMs, this.parts.scheduler.nowMs() + paceMs));
  }

  private maybePropose(): boolean {
    if (this.isProposing || this.isOver) return false;
    const { scheduler, term, propose } = this.parts;
    const cleared = this.takeClearing();
    const room = checkpointsPerCommand - cleared.size;
    const due = this.lessor
      .takeCheckpoints(scheduler.nowMs(), room)
      .filter(({ id }) => !cleared.has(id));
    const checkpoints = [...[...cleared.keys()].map((id) => ({ id, remainingTtl: 0 })), ...due];
    if (checkpoints.length === 0) return false;
    this.cleared = cleared;
    this.isProposing = true;
    const request = LeaseCheckpoints.encode({ term, checkpoints });
    propose(CommandKind.leaseCheckpoint, request, (outcome) => this.proposed(outcome));
    return true;
  }

  private takeClearing(): Map<bigint, Done<undefined>[]> {
    const taken = new Map<bigint, Done<undefined>[]>();
    for (const [id, dones] of this.clearing) {
      if (taken.size === checkpointsPerCommand) break;
      taken.set(id, dones);
      this.clearing.delete(id);
    }
    return taken;
  }

  private proposed(outcome: Outcome<AppliedResponse>): void {
    if (this.isOver) return;
    this.isProposing = false;
    const { cleared } = this;
    this.cleared = new Map();
    for (const [id, dones] of cleared) {
      if (outcome.ok) this.lessor.cleared(id);
      for (const done of dones) done(outcome.ok ? { ok: true, value: undefined } : outcome);
    }
    if (this.clearing.size === 0 || !this.maybePropose()) this.arm();
  }
}
