import { describeEvent, type EventHistory, type WatchEvent } from './history.ts';
import type { Violations } from './watch-checks.ts';

/**
 * The promises about leases. Moments are of one clock, that of who recorded them: what is observed has happened
 * at the latest then, and what is acknowledged began at the earliest when it was asked for.
 */

/** A grant or a keep-alive that was acknowledged: the lease must live for its TTL from `beganAtMs` on. */
export interface LeaseTerm {
  readonly id: bigint;
  readonly kind: 'grant' | 'keepAlive';
  readonly beganAtMs: number;
  readonly ackedAtMs: number;
  /** As the answer says; 0 of a keep-alive: there is no such lease. */
  readonly ttlSeconds: number;
}

/** A revoke that was asked for, with success or not: from then on the lease may be gone. */
export interface LeaseRevoke {
  readonly id: bigint;
  readonly beganAtMs: number;
}

/** Someone was told that the lease is gone: a key of it was seen deleted, or TimeToLive knows no such lease. */
export interface LeaseGone {
  readonly id: bigint;
  readonly seenAtMs: number;
  readonly how: string;
}

export interface LeaseHistory {
  readonly terms: readonly LeaseTerm[];
  readonly revokes: readonly LeaseRevoke[];
  readonly gone: readonly LeaseGone[];
}

/** Not early: a lease that nobody revokes lives its whole TTL from the start of any acknowledged keep-alive on. */
export function checkNotEarly({ terms, revokes, gone }: LeaseHistory): Violations {
  const found: string[] = [];
  for (const { id, seenAtMs, how } of gone) {
    if (revokes.some((revoke) => revoke.id === id && revoke.beganAtMs <= seenAtMs)) continue;
    for (const term of terms) {
      if (term.id !== id || term.ttlSeconds <= 0) continue;
      const livesUntilMs = term.beganAtMs + term.ttlSeconds * 1000;
      if (seenAtMs >= livesUntilMs) continue;
      const earlyMs = Math.ceil(livesUntilMs - seenAtMs);
      found.push(
        `lease ${id}: ${how} ${earlyMs} ms before the end of a ${term.kind} of ${term.beganAtMs}`,
      );
    }
  }
  return found;
}

/** Not again: what was seen gone is not kept alive by a keep-alive that began later. */
export function checkNotAgain({ terms, gone }: LeaseHistory): Violations {
  const found: string[] = [];
  for (const { id, seenAtMs, how } of gone) {
    for (const term of terms) {
      if (term.id !== id || term.kind !== 'keepAlive' || term.ttlSeconds <= 0) continue;
      if (term.beganAtMs > seenAtMs) {
        found.push(`lease ${id}: ${how} at ${seenAtMs} and kept alive at ${term.beganAtMs}`);
      }
    }
  }
  return found;
}

/** Ids: no two grants give the same id, and ids that the server chose are positive. */
export function checkLeaseIds({ terms }: LeaseHistory): Violations {
  const found: string[] = [];
  const granted = new Set<bigint>();
  for (const { id, kind } of terms) {
    if (kind !== 'grant') continue;
    if (granted.has(id)) found.push(`lease ${id} was granted twice`);
    if (id <= 0n) found.push(`lease ${id} is not positive`);
    granted.add(id);
  }
  return found;
}

/**
 * Together: a lease takes all keys that it has in one revision, no other key with them, and none is attached to
 * it later. Holds of keys that nobody deletes: `isLeased` names those.
 */
export function checkTogether(
  history: EventHistory,
  isLeased: (key: string) => boolean,
): Violations {
  const found: string[] = [];
  const attached = new Map<string, bigint>();
  const ended = new Map<bigint, number>();
  for (let revision = 2; revision <= history.lastRevision; revision++) {
    const events = history.at(revision);
    // Behind a revision that nobody saw, what is attached to what is not known.
    if (events === undefined) attached.clear();
    const gone = (events ?? []).filter(({ type }) => type === 'delete');
    const deleted = gone.filter(({ key }) => isLeased(key));
    found.push(...wrongEnd(deleted, new Set(gone.map(({ key }) => key)), { attached, ended }));
    for (const { type, key, kv } of events ?? []) {
      const endedAt = type === 'put' ? ended.get(kv.lease) : undefined;
      if (endedAt !== undefined) {
        found.push(`lease ${kv.lease}: ended at ${endedAt}, and ${key} attached at ${revision}`);
      }
      if (type === 'put' && kv.lease !== 0n) attached.set(key, kv.lease);
      else attached.delete(key);
    }
  }
  return found;
}

/** Notes the leases that these deletes, of one revision, end; `gone` is all that was deleted in it. */
function wrongEnd(
  deleted: readonly WatchEvent[],
  gone: ReadonlySet<string>,
  {
    attached,
    ended,
  }: { readonly attached: ReadonlyMap<string, bigint>; readonly ended: Map<bigint, number> },
): Violations {
  const found: string[] = [];
  for (const event of deleted) {
    const lease = attached.get(event.key);
    if (lease === undefined) continue;
    if (!ended.has(lease)) ended.set(lease, event.kv.modRevision);
    if (ended.get(lease) !== event.kv.modRevision) {
      found.push(`lease ${lease}: ${describeEvent(event)}, after its end at ${ended.get(lease)}`);
    }
    for (const [key, id] of attached) {
      if (id !== lease || gone.has(key)) continue;
      found.push(`lease ${lease}: ${describeEvent(event)} leaves ${key}`);
    }
  }
  return found;
}

export function checkLeases(leases: LeaseHistory): Violations {
  return [
    ...checkNotEarly(leases).map((violation) => `NotEarly: ${violation}`),
    ...checkNotAgain(leases).map((violation) => `NotAgain: ${violation}`),
    ...checkLeaseIds(leases).map((violation) => `LeaseIds: ${violation}`),
  ];
}
