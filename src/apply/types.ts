import type { Bytes } from '../base/bytes.ts';
import type { MemberRecord } from '../membership/record.ts';
import type { PutRow } from '../mvcc/types.ts';
import { failed, type EtcdError, type Outcome } from '../wire/errors.ts';
import type {
  CompactionResponse,
  DeleteRangeResponse,
  PutResponse,
  TxnResponse,
} from '../wire/kv.ts';
import type {
  LeaseCheckpointResponse,
  LeaseGrantResponse,
  LeaseRevokeResponse,
} from '../wire/lease.ts';
import type { AlarmResponse } from '../wire/maintenance.ts';

/** What applying a command of the log gives. */

/** The members after a change of the membership was applied, by ascending id. */
export interface MembershipResponse {
  readonly members: readonly MemberRecord[];
}

/**
 * The answer to an applied command. Its header carries the revision alone: the member that answers
 * fills in the rest.
 */
export type AppliedResponse =
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | CompactionResponse
  | LeaseGrantResponse
  | LeaseRevokeResponse
  | LeaseCheckpointResponse
  | AlarmResponse
  | MembershipResponse;

/** A changed row of one of the store's small spaces; an undefined value deletes the row. */
export interface StateChange {
  readonly space: 'members' | 'lease' | 'alarm';
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/** Where in the log a command stands. */
export interface EntryPosition {
  readonly index: number;
  readonly term: number;
}

export interface Applied {
  readonly outcome: Outcome<AppliedResponse>;
  /**
   * New rows of the revision space in the order of their revisions and sub-revisions; empty when nothing
   * changed. One command may make several revisions (`leaseExpire`).
   */
  readonly rows: readonly PutRow[];
  readonly changes: readonly StateChange[];
  /** The revision to which the rows are now to be compacted physically, by the shell, in slices. */
  readonly scheduledCompaction: number | undefined;
}

/** What changed nothing but rows, or nothing at all. */
export function applied(outcome: Outcome<AppliedResponse>, rows: readonly PutRow[]): Applied {
  return { outcome, rows, changes: [], scheduledCompaction: undefined };
}

export function refused(error: EtcdError): Applied {
  return applied(failed(error), []);
}

/** What apply asks and tells leases when it writes keys. */
export interface LeaseBook {
  /** Whether the lease is granted and not revoked. `id` is never 0, which stands for "no lease". */
  has(id: bigint): boolean;
  /** The key now belongs to this lease alone; 0n: to none. `key` is not kept. */
  attach(key: Bytes, id: bigint): void;
  /** The key was deleted. */
  detach(key: Bytes): void;
}

/** Without leases: every lease a client names is unknown. */
export const noLeases: LeaseBook = {
  has: () => false,
  attach: () => undefined,
  detach: () => undefined,
};
