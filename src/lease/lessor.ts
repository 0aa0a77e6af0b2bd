import type { LeaseCheckpoint } from '../wire/lease.ts';
import { Deadlines } from './deadlines.ts';
import type { Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';
import { Spread } from './spread.ts';

/**
 * When leases end, as one leader knows it during one term (the primary part of etcd's server/lease/lessor.go).
 * It is made when a leader has applied all that came before its term, and forgotten when the term is over: the
 * next leader begins anew, so that nobody's lease ends early (etcd #13294). Times are milliseconds of a monotonic
 * clock, TTLs seconds.
 */

export interface LessorStart {
  readonly nowMs: number;
  /** Given to every lease on top of its TTL, for the time in which nobody led: one election timeout. */
  readonly extendMs: number;
  /** What is left of a lease is written down so often; undefined: never. */
  readonly checkpointIntervalMs: number | undefined;
}

/** What one command may revoke. */
export interface ExpiryLimits {
  readonly leasesMax: number;
  /** A single lease may have more. */
  readonly keysMax: number;
}

export type Renewal =
  | { readonly type: 'renewed'; readonly ttl: number }
  | { readonly type: 'unknown' }
  /** Its expiry is decided; whether it comes to pass only the log can tell. */
  | { readonly type: 'expiring' }
  /** What was left of it is, or may be, written down: that has to be cleared first (`cleared`). */
  | { readonly type: 'checkpointed' };

/** From so many leases on, a new leader moves their ends apart (etcd: leaseRevokeRate). */
export const spreadFromLeases = 1000;
/** Fewer than one leader revokes in a second, so that others still fit in between. */
export const spreadLeasesPerSecond = (3 * spreadFromLeases) / 4;
/** Leases promoted between two looks at the clock. */
const leasesPerStep = 200;

export class Lessor {
  private readonly leases: Leases;
  private readonly start: LessorStart;
  private readonly expiries = new Deadlines();
  private readonly checkpoints = new Deadlines();
  private readonly expiring = new Set<bigint>();
  /** Those whose remaining TTL this leader has proposed to write down, and not cleared since. */
  private readonly checkpointed = new Set<bigint>();
  /** The leases of earlier terms that have no deadline yet; undefined when all have. */
  private unpromoted: Iterator<LeaseRecord> | undefined;
  private readonly spread: Spread | undefined;

  constructor(leases: Leases, start: LessorStart) {
    this.leases = leases;
    this.start = start;
    this.unpromoted = leases.list();
    if (leases.size >= spreadFromLeases) this.spread = new Spread(spreadLeasesPerSecond);
  }

  /** Gives some more leases of earlier terms their deadlines; true when all have one. Nothing ends before. */
  promoteSome(): boolean {
    const { nowMs, extendMs } = this.start;
    for (let i = 0; i < leasesPerStep && this.unpromoted !== undefined; i++) {
      const next = this.unpromoted.next();
      if (next.done === true) {
        this.unpromoted = undefined;
        break;
      }
      const { id, grantedTtl, remainingTtl } = next.value;
      // Renewed or granted meanwhile.
      if (this.expiries.get(id) !== undefined) continue;
      const seconds = remainingTtl > 0 ? remainingTtl : grantedTtl;
      const dueMs = nowMs + extendMs + seconds * 1000;
      this.expiries.set(id, this.spread?.place(dueMs) ?? dueMs);
      this.planCheckpoint(id, seconds, nowMs);
    }
    return this.unpromoted === undefined;
  }

  /** The earliest end of a lease. */
  get nextExpiryMs(): number | undefined {
    return this.unpromoted === undefined ? this.expiries.firstMs : undefined;
  }

  get nextCheckpointMs(): number | undefined {
    return this.checkpoints.firstMs;
  }

  granted({ id, grantedTtl }: LeaseRecord, nowMs: number): void {
    this.begin(id, grantedTtl, nowMs);
  }

  /** Gone, whoever wished it. Answers whether this leader had let it expire. */
  revoked(id: bigint): boolean {
    this.expiries.delete(id);
    this.checkpoints.delete(id);
    this.checkpointed.delete(id);
    return this.expiring.delete(id);
  }

  /** Begins the TTL anew, unless something is in the way. */
  renew(id: bigint, nowMs: number): Renewal {
    const lease = this.leases.get(id);
    if (lease === undefined) return { type: 'unknown' };
    if (this.isExpiring(id)) return { type: 'expiring' };
    if (lease.remainingTtl > 0 || this.isCheckpointed(id)) return { type: 'checkpointed' };
    // Not earlier than without the renewal: an earlier leader may have renewed it after this one began.
    this.begin(id, lease.grantedTtl, Math.max(nowMs, this.start.nowMs + this.start.extendMs));
    return { type: 'renewed', ttl: lease.grantedTtl };
  }

  /** Whole seconds that are left, 0 when its time is over; undefined for a lease that is not there. */
  remaining(id: bigint, nowMs: number): number | undefined {
    const lease = this.leases.get(id);
    if (lease === undefined) return undefined;
    if (this.expiring.has(id)) return 0;
    const dueMs = this.expiries.get(id);
    if (dueMs === undefined) return lease.grantedTtl;
    return Math.max(0, Math.floor((dueMs - nowMs) / 1000));
  }

  /** Decides the expiry of leases whose time is over; from now on they cannot be renewed. */
  takeExpired(nowMs: number, { leasesMax, keysMax }: ExpiryLimits): readonly bigint[] {
    if (this.unpromoted !== undefined) return [];
    const ids: bigint[] = [];
    let keys = 0;
    while (ids.length < leasesMax && (ids.length === 0 || keys < keysMax)) {
      const id = this.expiries.takeDue(nowMs);
      if (id === undefined) break;
      this.checkpoints.delete(id);
      this.expiring.add(id);
      ids.push(id);
      keys += this.leases.keyCountOf(id);
    }
    return ids;
  }

  /** The expiry of these was refused: they live on, and their time is over again at `dueMs`. */
  spare(ids: readonly bigint[], dueMs: number): void {
    for (const id of ids) if (this.expiring.delete(id)) this.expiries.set(id, dueMs);
  }

  /** Those whose remaining TTL is now to be written down. Each needs `cleared` before it can be renewed. */
  takeCheckpoints(nowMs: number, countMax: number): readonly LeaseCheckpoint[] {
    const checkpoints: LeaseCheckpoint[] = [];
    while (checkpoints.length < countMax) {
      const id = this.checkpoints.takeDue(nowMs);
      if (id === undefined) break;
      const lease = this.leases.get(id);
      const dueMs = this.expiries.get(id);
      if (lease === undefined || dueMs === undefined || dueMs <= nowMs) continue;
      const remainingTtl = Math.ceil((dueMs - nowMs) / 1000);
      this.planCheckpoint(id, remainingTtl, nowMs);
      if (remainingTtl >= lease.grantedTtl) continue;
      this.checkpointed.add(id);
      checkpoints.push({ id, remainingTtl });
    }
    return checkpoints;
  }

  /** The lease's record says again that nothing is written down, and nothing else about it is under way. */
  cleared(id: bigint): void {
    this.checkpointed.delete(id);
  }

  /**
   * All leases as of now, those that end first before the others; undefined as long as some have no deadline. One
   * after the other is found as it is asked for.
   */
  inOrder(): IterableIterator<bigint> | undefined {
    if (this.unpromoted !== undefined) return undefined;
    return chain([...this.expiring], this.expiries.inOrder());
  }

  // To look for a bigint in a set that is empty costs as much as in one that is not.

  private isExpiring(id: bigint): boolean {
    return this.expiring.size > 0 && this.expiring.has(id);
  }

  private isCheckpointed(id: bigint): boolean {
    return this.checkpointed.size > 0 && this.checkpointed.has(id);
  }

  private begin(id: bigint, ttl: number, nowMs: number): void {
    this.expiries.set(id, nowMs + ttl * 1000);
    this.planCheckpoint(id, ttl, nowMs);
  }

  private planCheckpoint(id: bigint, seconds: number, nowMs: number): void {
    const { checkpointIntervalMs } = this.start;
    if (checkpointIntervalMs === undefined) return;
    if (seconds * 1000 > checkpointIntervalMs) {
      this.checkpoints.set(id, nowMs + checkpointIntervalMs);
    } else this.checkpoints.delete(id);
  }
}

function* chain(first: Iterable<bigint>, second: Iterable<bigint>): IterableIterator<bigint> {
  yield* first;
  yield* second;
}
