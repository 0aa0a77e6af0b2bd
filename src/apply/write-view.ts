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
  /** What a write that is carried out in steps answers of what was there before; see `prevKvBytesMax`. */
  readonly answer?: { prevKvBytes: number };
}

/**
 * An answer of more cannot be sent (etcd api/v3rpc/grpc.go, maxSendBytes): it is not kept, though all is carried out.
 */
export const prevKvBytesMax = 2 ** 31 - 1;

/**
 * The newest revision that an operation sees: one above the store's once its transaction has
 * changed something.
 */
export function revisionSeen({ store, txn }: WriteView): number {
  return store.revision + (txn.hasChanged ? 1 : 0);
}
