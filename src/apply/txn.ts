import { assert, unreachable } from '../base/assert.ts';
import type { KeyRange, PutRow, RevisionStore } from '../mvcc/types.ts';
import {
  errors,
  failed,
  messageTooLargeToSend,
  ok,
  type EtcdError,
  type Outcome,
} from '../wire/errors.ts';
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
import { holds, holdsInSteps } from './compare.ts';
import { deleteRangeInSteps, executeDeleteRange } from './delete-range.ts';
import { isSingleKey, keyRangeOf, isWithinRange } from '../mvcc/key-range.ts';
import { executePut, keepsPrevious, refusePut } from './put.ts';
import { evaluateRange, rangeInSteps, revisionHeader } from './range.ts';
import { rowsAtOnceMax, type Steps } from './steps.ts';
import { noLeases } from './types.ts';
import { prevKvBytesMax, revisionSeen, type ReadView, type WriteView } from './write-view.ts';

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

/** The same in steps, as of the newest revision when it begins, which the caller keeps readable until its end. */
export function* readTxnInSteps(
  store: RevisionStore,
  request: TxnRequest,
): Steps<Outcome<TxnResponse>> {
  const { revision } = store;
  const chosen = yield* chooseInSteps(store, request, revision);
  const refused = new Refusal({ store, leases: noLeases }, revision).of(chosen);
  if (refused !== undefined) return failed(refused);
  const responses: ResponseOp[] = [];
  for (const operation of chosen.operations) {
    assert(operation.case === 'requestRange', 'a read transaction holds a write');
    const options = { currentRevision: revision, isPinned: true };
    responses.push(rangeOp(yield* rangeInSteps(store, operation.value, options)));
  }
  const { succeeded } = chosen;
  return ok({ header: revisionHeader(revision), succeeded, responses });
}

/** The oldest revision that a transaction of reads may look at. */
export function oldestRevisionRead(store: RevisionStore, request: TxnRequest): number {
  let oldest = store.revision;
  for (const { request: operation } of [...request.success, ...request.failure]) {
    if (operation?.case !== 'requestRange') continue;
    const { revision } = operation.value;
    const isReadable = revision > 0 && revision >= store.compactRevision;
    if (isReadable) oldest = Math.min(oldest, revision);
  }
  return oldest;
}

/**
 * Whether a transaction is to be carried out in steps: it may look at or write many rows. Ranges at an older revision
 * are taken for long, since their keys cannot be counted at once.
 */
export function isLongTxn(store: RevisionStore, request: TxnRequest): boolean {
  return rowsAtMost(store, request) > rowsAtOnceMax;
}

function rowsAtMost(store: RevisionStore, { compare, success, failure }: TxnRequest): number {
  let rows = compare.length;
  for (const { key, rangeEnd } of compare) {
    if (!isSingleKey(rangeEnd)) rows += store.count(keyRangeOf(key, rangeEnd));
  }
  return rows + Math.max(rowsOfAll(store, success), rowsOfAll(store, failure));
}

function rowsOfAll(store: RevisionStore, operations: readonly RequestOp[]): number {
  let rows = operations.length;
  for (const { request: operation } of operations) {
    if (operation?.case === 'requestTxn') rows += rowsAtMost(store, operation.value);
    if (operation?.case !== 'requestRange' && operation?.case !== 'requestDeleteRange') continue;
    const { key, rangeEnd } = operation.value;
    if (isSingleKey(rangeEnd)) continue;
    const isOld = operation.case === 'requestRange' && operation.value.revision > 0;
    rows += isOld ? Infinity : store.count(keyRangeOf(key, rangeEnd));
  }
  return rows;
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

/** The same in steps. What it hands out last is what its caller answers for it. */
export function* txnInSteps(
  view: ReadView,
  request: TxnRequest,
): Steps<{ readonly outcome: Outcome<TxnResponse>; readonly rows: readonly PutRow[] }> {
  const chosen = yield* chooseInSteps(view.store, request);
  const refused = new Refusal(view).of(chosen);
  if (refused !== undefined) return { outcome: failed(refused), rows: [] };
  const txn = view.store.begin();
  const answer = { prevKvBytes: 0 };
  const responses = yield* executeInSteps({ ...view, txn, answer }, chosen);
  const { revision, rows } = txn.end();
  const { prevKvBytes } = answer;
  if (prevKvBytes > prevKvBytesMax) {
    return { outcome: failed(messageTooLargeToSend(prevKvBytes, prevKvBytesMax)), rows };
  }
  const { succeeded } = chosen;
  return { outcome: ok({ header: revisionHeader(revision), succeeded, responses }), rows };
}

function* chooseInSteps(
  store: RevisionStore,
  request: TxnRequest,
  revision?: number,
): Steps<Chosen> {
  let succeeded = true;
  for (const compare of request.compare) {
    succeeded &&= yield* holdsInSteps(store, compare, revision);
  }
  const operations: ChosenOperation[] = [];
  for (const { request: operation } of succeeded ? request.success : request.failure) {
    assert(operation !== undefined, 'a transaction holds an empty operation');
    if (operation.case === 'requestTxn') {
      const value = yield* chooseInSteps(store, operation.value, revision);
      operations.push({ case: 'requestTxn', value });
    } else operations.push(operation);
  }
  return { succeeded, operations };
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
  private readonly revision: number;
  /** The ranges that will have been deleted by the time the operation looked at is carried out. */
  private readonly deleted: KeyRange[] = [];

  constructor(view: ReadView, revision = view.store.revision) {
    this.view = view;
    this.revision = revision;
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
    if (revision > this.revision) return errors.futureRevision;
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
      return nestedTxnOp(succeeded, execute(view, operation.value));
    }
    default:
      return unreachable(operation);
  }
}

function* executeInSteps(view: WriteView, chosen: Chosen): Steps<readonly ResponseOp[]> {
  const responses: ResponseOp[] = [];
  for (const operation of chosen.operations) {
    yield view.txn.takeRows();
    responses.push(yield* operationInSteps(view, operation));
  }
  return responses;
}

function* operationInSteps(view: WriteView, operation: ChosenOperation): Steps<ResponseOp> {
  switch (operation.case) {
    case 'requestRange': {
      const currentRevision = revisionSeen(view);
      return rangeOp(yield* rangeInSteps(view.store, operation.value, { currentRevision }));
    }
    case 'requestDeleteRange': {
      const value = yield* deleteRangeInSteps(view, operation.value);
      return { response: { case: 'responseDeleteRange', value } };
    }
    case 'requestTxn': {
      const { succeeded } = operation.value;
      const responses = yield* executeInSteps(view, operation.value);
      return nestedTxnOp(succeeded, responses);
    }
    case 'requestPut':
      return executeOperation(view, operation);
    default:
      return unreachable(operation);
  }
}

/** etcd leaves the header of a nested transaction empty. */
function nestedTxnOp(succeeded: boolean, responses: readonly ResponseOp[]): ResponseOp {
  const value = { header: ResponseHeader.create(), succeeded, responses };
  return { response: { case: 'responseTxn', value } };
}

function rangeOp(outcome: Outcome<RangeResponse>): ResponseOp {
  assert(outcome.ok, 'a range failed after its transaction was checked');
  return { response: { case: 'responseRange', value: outcome.value } };
}
