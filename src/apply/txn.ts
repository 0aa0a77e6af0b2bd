import { assert, unreachable } from '../base/assert.ts';
import type { KeyRange, PutRow, RevisionStore } from '../mvcc/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import { ResponseHeader } from '../wire/header.ts';
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from '../wire/kv.ts';
import { holds } from './compare.ts';
import { executeDeleteRange } from './delete-range.ts';
import { keyRangeOf, isWithinRange } from '../mvcc/key-range.ts';
import { executePut, keepsPrevious, refusePut } from './put.ts';
import { evaluateRange, revisionHeader } from './range.ts';
import { noLeases } from './types.ts';
import { revisionSeen, type ReadView, type WriteView } from './write-view.ts';

/**
 * Txn (etcd server/etcdserver/txn/txn.go), in three steps: every condition of the whole tree is
 * decided on the state before it, then everything that could fail is checked, then the chosen
 * operations are carried out, which cannot fail any more.
 */

/**
 * A transaction whose conditions are decided: the operations that will be carried out, in order.
 */
interface Chosen {
  readonly succeeded: boolean;
  readonly operations: readonly ChosenOperation[];
}

type ChosenOperation =
  | { readonly case: 'requestRange'; readonly value: RangeRequest }
  | { readonly case: 'requestPut'; readonly value: PutRequest }
  | { readonly case: 'requestDeleteRange'; readonly value: DeleteRangeRequest }
  | { readonly case: 'requestTxn'; readonly value: Chosen };

/**
 * Whether both branches hold ranges alone: such a transaction is a read and does not go through the
 * log.
 */
export function isReadOnlyTxn(request: TxnRequest): boolean {
  return everyOperation(request, ({ request: operation }) => operation?.case === 'requestRange');
}

/** Whether a transaction of reads may be answered locally. One without operations may. */
export function isSerializableTxn(request: TxnRequest): boolean {
  return everyOperation(
    request,
    ({ request: operation }) => operation?.case === 'requestRange' && operation.value.serializable,
  );
}

function everyOperation(request: TxnRequest, test: (operation: RequestOp) => boolean): boolean {
  return request.success.every(test) && request.failure.every(test);
}

/** A transaction for which `isReadOnlyTxn` holds, at the store as it is. */
export function evaluateReadTxn(store: RevisionStore, request: TxnRequest): Outcome<TxnResponse> {
  assert(isReadOnlyTxn(request), 'a transaction that may write is evaluated as a read');
  const chosen = choose(store, request);
  const refused = new Refusal({ store, leases: noLeases }).of(chosen);
  if (refused !== undefined) return failed(refused);
  const responses = chosen.operations.map((operation): ResponseOp => {
    assert(operation.case === 'requestRange', 'a read transaction holds a write');
    return rangeOp(evaluateRange(store, operation.value));
  });
  const { succeeded } = chosen;
  return ok({ header: revisionHeader(store.revision), succeeded, responses });
}

/** A transaction out of the log, with the rows that it wrote. */
export function applyTxn(
  view: ReadView,
  request: TxnRequest,
): { readonly outcome: Outcome<TxnResponse>; readonly rows: readonly PutRow[] } {
  const chosen = choose(view.store, request);
  const refused = new Refusal(view).of(chosen);
  if (refused !== undefined) return { outcome: failed(refused), rows: [] };
  const txn = view.store.begin();
  const responses = execute({ ...view, txn }, chosen);
  const { revision, rows } = txn.end();
  const { succeeded } = chosen;
  return { outcome: ok({ header: revisionHeader(revision), succeeded, responses }), rows };
}

function choose(store: RevisionStore, request: TxnRequest): Chosen {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const operations: ChosenOperation[] = [];
  for (const { request: operation } of succeeded ? request.success : request.failure) {
    // checkTxn has refused an operation that is none.
    assert(operation !== undefined, 'a transaction holds an empty operation');
    if (operation.case === 'requestTxn') {
      operations.push({ case: 'requestTxn', value: choose(store, operation.value) });
    } else operations.push(operation);
  }
  return { succeeded, operations };
}

/** Finds what the store, as it is before the transaction, has against the chosen operations. */
class Refusal {
  private readonly view: ReadView;
  /** The ranges that will have been deleted by the time the operation looked at is carried out. */
  private readonly deleted: KeyRange[] = [];

  constructor(view: ReadView) {
    this.view = view;
  }

  of(chosen: Chosen): EtcdError | undefined {
    for (const operation of chosen.operations) {
      const refused = this.ofOperation(operation);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  private ofOperation(operation: ChosenOperation): EtcdError | undefined {
    switch (operation.case) {
      case 'requestRange':
        return this.ofRange(operation.value);
      case 'requestPut':
        return this.ofPut(operation.value);
      case 'requestDeleteRange':
        this.deleted.push(keyRangeOf(operation.value.key, operation.value.rangeEnd));
        return undefined;
      case 'requestTxn':
        return this.of(operation.value);
      default:
        return unreachable(operation);
    }
  }

  /** Only 0 means the newest here; a negative revision is one that has been compacted. */
  private ofRange({ revision }: RangeRequest): EtcdError | undefined {
    if (revision === 0) return undefined;
    if (revision > this.view.store.revision) return errors.futureRevision;
    return revision < this.view.store.compactRevision ? errors.compacted : undefined;
  }

  /**
   * A put that keeps the value of a key deleted before it in the same transaction passes all of
   * etcd's checks (a delete to `\0` collides with no put), and the server then stops in a panic; it
   * is refused here.
   */
  private ofPut(request: PutRequest): EtcdError | undefined {
    const refused = refusePut(this.view, request);
    if (refused !== undefined || !keepsPrevious(request)) return refused;
    const isDeleted = this.deleted.some((range) => isWithinRange(request.key, range));
    return isDeleted ? errors.keyNotFound : undefined;
  }
}

function execute(view: WriteView, chosen: Chosen): readonly ResponseOp[] {
  return chosen.operations.map((operation) => executeOperation(view, operation));
}

function executeOperation(view: WriteView, operation: ChosenOperation): ResponseOp {
  switch (operation.case) {
    case 'requestRange': {
      const currentRevision = revisionSeen(view);
      return rangeOp(evaluateRange(view.store, operation.value, { currentRevision }));
    }
    case 'requestPut':
      return { response: { case: 'responsePut', value: executePut(view, operation.value) } };
    case 'requestDeleteRange': {
      const value = executeDeleteRange(view, operation.value);
      return { response: { case: 'responseDeleteRange', value } };
    }
    case 'requestTxn': {
      const { succeeded } = operation.value;
      const responses = execute(view, operation.value);
      // etcd leaves the header of a nested transaction empty.
      const value = { header: ResponseHeader.create(), succeeded, responses };
      return { response: { case: 'responseTxn', value } };
    }
    default:
      return unreachable(operation);
  }
}

function rangeOp(outcome: Outcome<RangeResponse>): ResponseOp {
  assert(outcome.ok, 'a range failed after its transaction was checked');
  return { response: { case: 'responseRange', value: outcome.value } };
}
