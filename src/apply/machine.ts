import { InvariantError, unreachable } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ConfChange } from '../membership/conf-change.ts';
import type { Membership } from '../membership/membership.ts';
import type { PutRow, RevisionStore } from '../mvcc/types.ts';
import { CommandKind, type Command } from '../wire/command.ts';
import { failed, ok, type Outcome } from '../wire/errors.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  TxnRequest,
  type DeleteRangeResponse,
  type PutResponse,
} from '../wire/kv.ts';
import { MemberAttributes } from '../wire/membership.ts';
import type { Codec } from '../wire/message.ts';
import { evaluateCompact } from './compact.ts';
import { executeDeleteRange } from './delete-range.ts';
import { executePut, refusePut } from './put.ts';
import { applyTxn } from './txn.ts';
import type { Applied, AppliedResponse, LeaseLookup, MemberRowChange } from './types.ts';

/**
 * The replicated state machine: what the committed entries of the log do to the state, in their
 * order. It depends on nothing but the entries and the state, so that every member comes to the
 * same state and answers.
 */
export class StateMachine {
  private readonly revisions: RevisionStore;
  private readonly membership: Membership;
  private readonly leases: LeaseLookup;

  constructor(parts: {
    readonly revisions: RevisionStore;
    readonly membership: Membership;
    readonly leases: LeaseLookup;
  }) {
    this.revisions = parts.revisions;
    this.membership = parts.membership;
    this.leases = parts.leases;
  }

  /**
   * Applies one command. A request that the state refuses changes nothing and is an outcome like
   * any other.
   */
  apply({ kind, request }: Command): Applied {
    switch (kind) {
      case CommandKind.put:
        return this.put(mustDecode(PutRequest, request));
      case CommandKind.deleteRange:
        return this.deleteRange(mustDecode(DeleteRangeRequest, request));
      case CommandKind.txn: {
        const view = { store: this.revisions, leases: this.leases };
        const { outcome, rows } = applyTxn(view, mustDecode(TxnRequest, request));
        return applied(outcome, rows);
      }
      case CommandKind.compact:
        return this.compact(mustDecode(CompactionRequest, request));
      case CommandKind.publishMember: {
        const changes = this.membership.publish(mustDecode(MemberAttributes, request));
        return this.membersApplied(changes);
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
    return changed.ok ? this.membersApplied(changed.value) : applied(changed, []);
  }

  private put(request: PutRequest): Applied {
    const view = { store: this.revisions, leases: this.leases };
    const refused = refusePut(view, request);
    if (refused !== undefined) return applied(failed(refused), []);
    const txn = this.revisions.begin();
    const response: PutResponse = executePut({ ...view, txn }, request);
    return applied(ok(response), txn.end().rows);
  }

  private deleteRange(request: DeleteRangeRequest): Applied {
    const txn = this.revisions.begin();
    const view = { store: this.revisions, leases: this.leases, txn };
    const response: DeleteRangeResponse = executeDeleteRange(view, request);
    return applied(ok(response), txn.end().rows);
  }

  private compact(request: CompactionRequest): Applied {
    const outcome = evaluateCompact(this.revisions, request);
    const scheduledCompaction = outcome.ok ? request.revision : undefined;
    return { outcome, rows: [], memberChanges: [], scheduledCompaction };
  }

  private membersApplied(memberChanges: readonly MemberRowChange[]): Applied {
    const outcome = ok({ members: this.membership.list() });
    return { outcome, rows: [], memberChanges, scheduledCompaction: undefined };
  }
}

function applied(outcome: Outcome<AppliedResponse>, rows: readonly PutRow[]): Applied {
  return { outcome, rows, memberChanges: [], scheduledCompaction: undefined };
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
