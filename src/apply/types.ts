import type { Bytes } from '../base/bytes.ts';
import type { MemberRecord } from '../membership/record.ts';
import type { PutRow } from '../mvcc/types.ts';
import type { Outcome } from '../wire/errors.ts';
import type {
  CompactionResponse,
  DeleteRangeResponse,
  PutResponse,
  TxnResponse,
} from '../wire/kv.ts';

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
  PutResponse | DeleteRangeResponse | TxnResponse | CompactionResponse | MembershipResponse;

/** A changed row of the store's `members` space; an undefined value deletes the row. */
export interface MemberRowChange {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

export interface Applied {
  readonly outcome: Outcome<AppliedResponse>;
  /**
   * New rows of the revision space in the order of their sub-revisions; empty when nothing changed.
   */
  readonly rows: readonly PutRow[];
  readonly memberChanges: readonly MemberRowChange[];
  /** The revision to which the rows are now to be compacted physically, by the shell, in slices. */
  readonly scheduledCompaction: number | undefined;
}

/** What apply asks of leases. */
export interface LeaseLookup {
  /** Whether the lease is granted and not revoked. `id` is never 0, which stands for "no lease". */
  has(id: bigint): boolean;
}

/** Without leases: every lease a client names is unknown. */
export const noLeases: LeaseLookup = { has: () => false };
