import { InvariantError, unreachable } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ConfChange } from '../membership/conf-change.ts';
import type { Leases } from '../lease/leases.ts';
import type { Membership, MemberRow } from '../membership/membership.ts';
import type { RevisionStore } from '../mvcc/types.ts';
import { CommandKind, type Command } from '../wire/command.ts';
import { errors, failed, messageTooLargeToSend, ok } from '../wire/errors.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  TxnRequest,
  type DeleteRangeResponse,
  type PutResponse,
} from '../wire/kv.ts';
import {
  LeaseCheckpoints,
  LeaseExpiry,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../wire/lease.ts';
import { AlarmRequest } from '../wire/maintenance.ts';
import { MemberAttributes, MemberPeerUrls } from '../wire/membership.ts';
import type { Codec } from '../wire/message.ts';
import { applyAlarm } from './alarm.ts';
import { isTxnRefusedForSpace, refusedByAlarm } from './alarm-gate.ts';
import type { Alarms } from './alarms.ts';
import { evaluateCompact } from './compact.ts';
import { deleteRangeInSteps, executeDeleteRange, isLongDeleteRange } from './delete-range.ts';
import {
  applyLeaseCheckpoint,
  applyLeaseExpiry,
  applyLeaseGrant,
  applyLeaseRevoke,
  isLongRevoke,
  leaseExpiryInSteps,
  leaseRevokeInSteps,
  type LeasedView,
} from './lease.ts';
import { executePut, refusePut } from './put.ts';
import { runSteps, type Steps } from './steps.ts';
import { applyTxn, isLongTxn, txnInSteps } from './txn.ts';
import { applied, refused, type Applied, type EntryPosition } from './types.ts';
import { prevKvBytesMax } from './write-view.ts';

/**
 * The replicated state machine: what the committed entries of the log do to the state, in their
 * order. It depends on nothing but the entries and the state, so that every member comes to the
 * same state and answers.
 */
export class StateMachine {
  private readonly revisions: RevisionStore;
  private readonly membership: Membership;
  private readonly alarms: Alarms;
  private readonly view: LeasedView;

  constructor(parts: {
    readonly revisions: RevisionStore;
    readonly membership: Membership;
    readonly leases: Leases;
    readonly alarms: Alarms;
  }) {
    this.revisions = parts.revisions;
    this.membership = parts.membership;
    this.alarms = parts.alarms;
    this.view = { store: parts.revisions, leases: parts.leases };
  }

  /**
   * Applies one command. A request that the state refuses changes nothing and is an outcome like
   * any other.
   */
  apply(command: Command, position: EntryPosition): Applied {
    const begun = this.begin(command, position);
    if (!isLong(begun)) return begun;
    const { rows, value } = runSteps(begun.steps);
    return { ...value, rows: [...rows, ...value.rows] };
  }

  /**
   * Applies one command, or where it may take long only begins: the caller takes the steps, and until the last nobody
   * may look at the state. The rows that they hand out come before those of what they come to.
   */
  begin({ kind, request }: Command, position: EntryPosition): Applied | LongApply {
    const byAlarm = refusedByAlarm(this.alarms, kind);
    if (byAlarm !== undefined) return refused(byAlarm);
    switch (kind) {
      case CommandKind.put:
        return this.put(mustDecode(PutRequest, request));
      case CommandKind.deleteRange:
        return this.deleteRange(mustDecode(DeleteRangeRequest, request));
      case CommandKind.txn:
        return this.txn(mustDecode(TxnRequest, request));
      case CommandKind.compact:
        return this.compact(mustDecode(CompactionRequest, request));
      case CommandKind.leaseGrant:
        return applyLeaseGrant(this.view, mustDecode(LeaseGrantRequest, request));
      case CommandKind.leaseRevoke:
        return this.leaseRevoke(mustDecode(LeaseRevokeRequest, request));
      case CommandKind.leaseExpire:
        return this.leaseExpire(mustDecode(LeaseExpiry, request), position);
      case CommandKind.leaseCheckpoint:
        return applyLeaseCheckpoint(this.view, mustDecode(LeaseCheckpoints, request), position);
      case CommandKind.alarm:
        return applyAlarm(this.alarms, mustDecode(AlarmRequest, request));
      case CommandKind.publishMember: {
        const rows = this.membership.publish(mustDecode(MemberAttributes, request));
        return this.membersApplied(rows);
      }
      case CommandKind.updateMember: {
        const { memberId, peerUrls } = mustDecode(MemberPeerUrls, request);
        const updated = this.membership.update(memberId, peerUrls);
        return updated.ok ? this.membersApplied(updated.value) : refused(updated.error);
      }
      default:
        return unreachable(kind);
    }
  }

  /**
   * Applies a change of the configuration to the members' records. When the outcome is an error the
   * change must not be applied to Raft's configuration either: the entry then stands for nothing.
   */
  applyConfChange(change: ConfChange): Applied {
    const changed = this.membership.change(change);
    return changed.ok ? this.membersApplied(changed.value) : refused(changed.error);
  }

  private put(request: PutRequest): Applied {
    const error = refusePut(this.view, request);
    if (error !== undefined) return refused(error);
    const { store, leases } = this.view;
    const txn = store.begin();
    const response: PutResponse = executePut({ store, leases, txn }, request);
    return applied(ok(response), txn.end().rows);
  }

  private deleteRange(request: DeleteRangeRequest): Applied | LongApply {
    if (isLongDeleteRange(this.revisions, request)) {
      return { steps: this.deleteRangeInSteps(request) };
    }
    const txn = this.revisions.begin();
    const response: DeleteRangeResponse = executeDeleteRange({ ...this.view, txn }, request);
    return applied(ok(response), txn.end().rows);
  }

  private *deleteRangeInSteps(request: DeleteRangeRequest): Steps<Applied> {
    const txn = this.revisions.begin();
    const answer = { prevKvBytes: 0 };
    const response = yield* deleteRangeInSteps({ ...this.view, txn, answer }, request);
    const { rows } = txn.end();
    const { prevKvBytes } = answer;
    if (prevKvBytes <= prevKvBytesMax) return applied(ok(response), rows);
    return applied(failed(messageTooLargeToSend(prevKvBytes, prevKvBytesMax)), rows);
  }

  private txn(request: TxnRequest): Applied | LongApply {
    if (isTxnRefusedForSpace(this.alarms, request)) return refused(errors.noSpace);
    if (isLongTxn(this.revisions, request)) return { steps: this.txnInSteps(request) };
    const { outcome, rows } = applyTxn(this.view, request);
    return applied(outcome, rows);
  }

  private *txnInSteps(request: TxnRequest): Steps<Applied> {
    const { outcome, rows } = yield* txnInSteps(this.view, request);
    return applied(outcome, rows);
  }

  private leaseRevoke(request: LeaseRevokeRequest): Applied | LongApply {
    const { view } = this;
    return isLongRevoke(view, [request.id])
      ? { steps: leaseRevokeInSteps(view, request) }
      : applyLeaseRevoke(view, request);
  }

  private leaseExpire(request: LeaseExpiry, position: EntryPosition): Applied | LongApply {
    const { view } = this;
    return isLongRevoke(view, request.ids)
      ? { steps: leaseExpiryInSteps(view, request, position) }
      : applyLeaseExpiry(view, request, position);
  }

  private compact(request: CompactionRequest): Applied {
    const outcome = evaluateCompact(this.revisions, request);
    const scheduledCompaction = outcome.ok ? request.revision : undefined;
    return { outcome, rows: [], changes: [], scheduledCompaction };
  }

  private membersApplied(rows: readonly MemberRow[]): Applied {
    const changes = rows.map(({ key, value }) => ({ space: 'members' as const, key, value }));
    const outcome = ok({ members: this.membership.list() });
    return { outcome, rows: [], changes, scheduledCompaction: undefined };
  }
}

/** A command that is to be applied in steps. */
export interface LongApply {
  readonly steps: Steps<Applied>;
}

export function isLong(begun: Applied | LongApply): begun is LongApply {
  return 'steps' in begun;
}

/**
 * Requests were decoded once before they were proposed, so a committed one that is malformed is
 * damage.
 */
function mustDecode<M>(codec: Codec<M>, encoded: Bytes): M {
  try {
    return codec.decode(encoded);
  } catch (cause) {
    throw new InvariantError(`committed ${codec.name} is malformed: ${String(cause)}`);
  }
}
