import { fromBinaryString, type Bytes } from '../base/bytes.ts';
import type { LeaseRowChange } from '../lease/record.ts';
import type { Leases } from '../lease/leases.ts';
import { keySuccessor } from '../mvcc/key-range.ts';
import type { PutRow, RevisionStore } from '../mvcc/types.ts';
import { errors, ok } from '../wire/errors.ts';
import type {
  LeaseCheckpoints,
  LeaseExpiry,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../wire/lease.ts';
import { revisionHeader } from './range.ts';
import type { Steps } from './steps.ts';
import { applied, refused, type Applied, type EntryPosition, type StateChange } from './types.ts';

/** Grant, revoke, expiry and checkpoint of leases (etcd server/lease/lessor.go, the replicated part). */

/** Seconds (etcd: MaxLeaseTTL). */
export const leaseTtlMax = 9_000_000_000;
/** Keys of leases that are revoked at once: what a leader lets expire together is a little less. */
const keysAtOnceMax = 256;

export interface LeasedView {
  readonly store: RevisionStore;
  readonly leases: Leases;
}

/** The id has been chosen and the TTL raised to the least allowed before it was proposed: both depend on the member. */
export function applyLeaseGrant(
  { store, leases }: LeasedView,
  { id, ttl }: LeaseGrantRequest,
): Applied {
  if (ttl > leaseTtlMax) return refused(errors.leaseTtlTooLarge);
  if (leases.has(id)) return refused(errors.leaseExists);
  const header = revisionHeader(store.revision);
  const grantedTtl = Math.max(1, ttl);
  const changes = [leaseChange(leases.grant(id, grantedTtl))];
  return { ...applied(ok({ header, id, ttl: grantedTtl, error: '' }), []), changes };
}

/** Deletes the keys of the lease, in key order, in one revision. */
export function applyLeaseRevoke(view: LeasedView, { id }: LeaseRevokeRequest): Applied {
  const { store, leases } = view;
  if (!leases.has(id)) return refused(errors.leaseNotFound);
  const { rows, change } = revoke(view, id);
  return { ...applied(ok({ header: revisionHeader(store.revision) }), rows), changes: [change] };
}

/**
 * Revokes leases that have run out, each in a revision of its own; those gone already are passed over. Nothing at
 * all happens when the entry was appended in another term than the one in which the leader decided it.
 */
export function applyLeaseExpiry(
  view: LeasedView,
  { term, ids }: LeaseExpiry,
  position: EntryPosition,
): Applied {
  const rows: PutRow[] = [];
  const changes: StateChange[] = [];
  if (term === position.term) {
    for (const id of ids) {
      if (!view.leases.has(id)) continue;
      const revoked = revoke(view, id);
      for (const row of revoked.rows) rows.push(row);
      changes.push(revoked.change);
    }
  }
  const header = revisionHeader(view.store.revision);
  return { ...applied(ok({ header }), rows), changes };
}

/** Whether revoking these leases is to be done in steps. */
export function isLongRevoke({ leases }: LeasedView, ids: readonly bigint[]): boolean {
  let keys = 0;
  for (const id of ids) keys += leases.keyCountOf(id);
  return keys > keysAtOnceMax;
}

/** `applyLeaseRevoke` in steps. */
export function* leaseRevokeInSteps(view: LeasedView, { id }: LeaseRevokeRequest): Steps<Applied> {
  const { store, leases } = view;
  if (!leases.has(id)) return refused(errors.leaseNotFound);
  const { rows, change } = yield* revokeInSteps(view, id);
  return { ...applied(ok({ header: revisionHeader(store.revision) }), rows), changes: [change] };
}

/** `applyLeaseExpiry` in steps. */
export function* leaseExpiryInSteps(
  view: LeasedView,
  { term, ids }: LeaseExpiry,
  position: EntryPosition,
): Steps<Applied> {
  const changes: StateChange[] = [];
  for (const id of term === position.term ? ids : []) {
    if (!view.leases.has(id)) continue;
    const { rows, change } = yield* revokeInSteps(view, id);
    changes.push(change);
    yield rows;
  }
  const header = revisionHeader(view.store.revision);
  return { ...applied(ok({ header }), []), changes };
}

/** Leases that are gone are passed over; as with an expiry, only a decision of the entry's own term counts. */
export function applyLeaseCheckpoint(
  { store, leases }: LeasedView,
  { term, checkpoints }: LeaseCheckpoints,
  position: EntryPosition,
): Applied {
  const counted = term === position.term ? checkpoints : [];
  const changes = counted
    .filter(({ id }) => leases.has(id))
    .map(({ id, remainingTtl }) => leaseChange(leases.checkpoint(id, remainingTtl)));
  return { ...applied(ok({ header: revisionHeader(store.revision) }), []), changes };
}

function revoke(
  { store, leases }: LeasedView,
  id: bigint,
): { readonly rows: readonly PutRow[]; readonly change: StateChange } {
  const keys: readonly Bytes[] = leases.keysOf(id);
  const txn = store.begin();
  for (const key of keys) {
    txn.deleteRange({ from: key, to: keySuccessor(key) });
    leases.detach(key);
  }
  const { rows } = txn.end();
  return { rows, change: leaseChange(leases.revoke(id)) };
}

function* revokeInSteps(
  { store, leases }: LeasedView,
  id: bigint,
): Steps<{ readonly rows: readonly PutRow[]; readonly change: StateChange }> {
  const names = yield* leases.keyNamesInSteps(id);
  const txn = store.begin();
  let left = yield undefined;
  for (const name of names) {
    const key = fromBinaryString(name);
    txn.deleteRange({ from: key, to: keySuccessor(key) });
    leases.detach(key);
    if (--left <= 0) left = yield txn.takeRows();
  }
  const { rows } = txn.end();
  return { rows, change: leaseChange(leases.revoke(id)) };
}

function leaseChange({ key, value }: LeaseRowChange): StateChange {
  return { space: 'lease', key, value };
}
