import type { RevisionStore, WriteTxn } from '../mvcc/types.ts';
import type { LeaseBook } from './types.ts';

/** What a request is evaluated against. */
export interface ReadView {
  readonly store: RevisionStore;
  readonly leases: LeaseBook;
}

/** The same within an open write transaction. */
export interface WriteView extends ReadView {
  readonly txn: WriteTxn;
}

/**
 * The newest revision that an operation sees: one above the store's once its transaction has
 * changed something.
 */
export function revisionSeen({ store, txn }: WriteView): number {
  return store.revision + (txn.hasChanged ? 1 : 0);
}
