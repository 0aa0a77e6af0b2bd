import { binaryString, compareBytes, emptyBytes, type Bytes } from '../../src/base/bytes.ts';
import { errors, failed, ok, type Outcome } from '../../src/wire/errors.ts';
import {
  CompareResult,
  CompareTarget,
  SortOrder,
  SortTarget,
  type Compare,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from '../../src/wire/kv.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';

/**
 * etcd's KV service as a list of all states that there ever were: what requests ought to answer,
 * written for plainness and from another end than src/apply.
 */

type State = ReadonlyMap<string, KeyValue>;

class Refused extends Error {
  readonly error: (typeof errors)[keyof typeof errors];

  constructor(error: (typeof errors)[keyof typeof errors]) {
    super(error.text);
    this.error = error;
  }
}

export class Model {
  /** By revision; the first state is that of revision 1. */
  private readonly states: State[] = [new Map(), new Map()];
  private compacted = -1;

  get revision(): number {
    return this.states.length - 1;
  }

  put(request: PutRequest): Outcome<PutResponse> {
    return this.write((draft) => draft.put(request));
  }

  del(request: DeleteRangeRequest): Outcome<DeleteRangeResponse> {
    return this.write((draft) => draft.del(request));
  }

  range(request: RangeRequest): Outcome<RangeResponse> {
    return attempt(() => {
      this.mustBeReadable(request.revision > 0 ? request.revision : this.revision);
      return rangeOf(this.stateAt(request.revision), request, this.revision);
    });
  }

  txn(request: TxnRequest): Outcome<TxnResponse> {
    return this.write((draft) => {
      const response = draft.txn(request, draft.before);
      return { ...response, header: header(draft.revision) };
    });
  }

  compact(revision: number): Outcome<unknown> {
    return attempt(() => {
      if (revision <= this.compacted) throw new Refused(errors.compacted);
      if (revision > this.revision) throw new Refused(errors.futureRevision);
      this.compacted = revision;
      return { header: header(this.revision) };
    });
  }

  stateAt(revision: number): State {
    return this.states[revision > 0 ? revision : this.revision] ?? new Map();
  }

  mustBeReadable(revision: number): void {
    if (revision > this.revision) throw new Refused(errors.futureRevision);
    if (revision < this.compacted) throw new Refused(errors.compacted);
  }

  /**
   * Runs on a copy of the newest state, which takes the place of the next one if it has changed.
   */
  private write<T>(run: (draft: Draft) => T): Outcome<T> {
    return attempt(() => {
      const draft = new Draft(this, this.stateAt(0));
      const response = run(draft);
      if (draft.hasChanged) this.states.push(draft.state);
      return response;
    });
  }
}

class Draft {
  readonly before: State;
  readonly state: Map<string, KeyValue>;
  hasChanged = false;
  private readonly model: Model;

  constructor(model: Model, before: State) {
    this.model = model;
    this.before = before;
    this.state = new Map(before);
  }

  get revision(): number {
    return this.model.revision + (this.hasChanged ? 1 : 0);
  }

  put(request: PutRequest): PutResponse {
    if (request.lease !== 0n) throw new Refused(errors.leaseNotFound);
    const id = binaryString(request.key);
    const old = this.state.get(id);
    const keeps = request.ignoreValue || request.ignoreLease;
    if (keeps && old === undefined) throw new Refused(errors.keyNotFound);
    const modRevision = this.model.revision + 1;
    this.state.set(id, {
      key: request.key,
      value: request.ignoreValue ? (old?.value ?? emptyBytes) : request.value,
      createRevision: old?.createRevision ?? modRevision,
      modRevision,
      version: (old?.version ?? 0) + 1,
      lease: 0n,
    });
    this.hasChanged = true;
    const prevKv = request.prevKv && old !== undefined ? KeyValue.encode(old) : undefined;
    return { header: header(modRevision), prevKv };
  }

  del(request: DeleteRangeRequest): DeleteRangeResponse {
    const gone = select(this.state, request.key, request.rangeEnd);
    for (const { key } of gone) this.state.delete(binaryString(key));
    if (gone.length > 0) this.hasChanged = true;
    const prevKvs = request.prevKv ? gone.map((kv) => KeyValue.encode(kv)) : [];
    return { header: header(this.revision), deleted: gone.length, prevKvs };
  }

  txn(request: TxnRequest, before: State): TxnResponse {
    const succeeded = request.compare.every((compare) => holds(before, compare));
    const responses: ResponseOp[] = [];
    for (const { request: operation } of succeeded ? request.success : request.failure) {
      switch (operation?.case) {
        case 'requestRange': {
          const { revision } = operation.value;
          if (revision !== 0) this.model.mustBeReadable(revision);
          const state = revision > 0 ? this.model.stateAt(revision) : this.state;
          const value = rangeOf(state, operation.value, this.revision);
          responses.push({ response: { case: 'responseRange', value } });
          break;
        }
        case 'requestPut':
          responses.push({ response: { case: 'responsePut', value: this.put(operation.value) } });
          break;
        case 'requestDeleteRange': {
          const value = this.del(operation.value);
          responses.push({ response: { case: 'responseDeleteRange', value } });
          break;
        }
        case 'requestTxn': {
          const value = this.txn(operation.value, before);
          responses.push({ response: { case: 'responseTxn', value } });
          break;
        }
        default:
          throw new Refused(errors.keyNotFound);
      }
    }
    return { header: header(0), succeeded, responses };
  }
}

function attempt<T>(run: () => T): Outcome<T> {
  try {
    return ok(run());
  } catch (thrown) {
    if (thrown instanceof Refused) return failed(thrown.error);
    throw thrown;
  }
}

const header = (revision: number): ResponseHeader => ResponseHeader.create({ revision });

function select(state: State, key: Bytes, rangeEnd: Bytes): KeyValue[] {
  const isFrom = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return [...state.values()]
    .filter((kv) => {
      if (rangeEnd.length === 0) return compareBytes(kv.key, key) === 0;
      return compareBytes(kv.key, key) >= 0 && (isFrom || compareBytes(kv.key, rangeEnd) < 0);
    })
    .sort((a, b) => compareBytes(a.key, b.key));
}

/** What a range over this state answers at this revision of the store. */
export function rangeOf(state: State, request: RangeRequest, revision: number): RangeResponse {
  const all = select(state, request.key, request.rangeEnd);
  const count = all.length;
  if (request.countOnly) return { header: header(revision), kvs: [], more: false, count };
  const isUnfiltered = [
    request.minModRevision,
    request.maxModRevision,
    request.minCreateRevision,
    request.maxCreateRevision,
  ].every((bound) => bound === 0);
  const isByKey = request.sortTarget === SortTarget.KEY;
  const isIndexOrder =
    request.sortOrder === SortOrder.NONE || (isByKey && request.sortOrder === SortOrder.ASCEND);
  const limit = request.limit > 0 ? request.limit : Infinity;
  const looked = isIndexOrder && isUnfiltered ? all.slice(0, limit + 1) : all;
  const passed = looked.filter(
    (kv) =>
      (request.minModRevision === 0 || kv.modRevision >= request.minModRevision) &&
      (request.maxModRevision === 0 || kv.modRevision <= request.maxModRevision) &&
      (request.minCreateRevision === 0 || kv.createRevision >= request.minCreateRevision) &&
      (request.maxCreateRevision === 0 || kv.createRevision <= request.maxCreateRevision),
  );
  const sign = request.sortOrder === SortOrder.DESCEND ? -1 : 1;
  passed.sort((a, b) => sign * sortKey(request.sortTarget, a, b));
  const kvs = passed.slice(0, limit).map((kv) => {
    const blank = { value: emptyBytes, lease: request.sortTarget === 4 ? kv.lease : 0n };
    return KeyValue.encode(request.keysOnly ? { ...kv, ...blank } : kv);
  });
  return { header: header(revision), kvs, more: passed.length > limit, count };
}

function sortKey(target: number, a: KeyValue, b: KeyValue): number {
  return [
    compareBytes(a.key, b.key),
    a.version - b.version,
    a.createRevision - b.createRevision,
    a.modRevision - b.modRevision,
    compareBytes(a.value, b.value),
  ][target] as number;
}

function holds(state: State, compare: Compare): boolean {
  const kvs = select(state, compare.key, compare.rangeEnd);
  if (kvs.length === 0 && compare.target === CompareTarget.VALUE) return false;
  if (kvs.length === 0) kvs.push(KeyValue.create());
  const union = compare.targetUnion;
  const number = (name: string): number =>
    union?.case === name && typeof union.value === 'number' ? union.value : 0;
  return kvs.every((kv) => {
    const difference = [
      kv.version - number('version'),
      kv.createRevision - number('createRevision'),
      kv.modRevision - number('modRevision'),
      compareBytes(kv.value, union?.case === 'value' ? union.value : emptyBytes),
      Number(kv.lease - (union?.case === 'lease' ? union.value : 0n)),
    ][compare.target] as number;
    switch (compare.result) {
      case CompareResult.EQUAL:
        return difference === 0;
      case CompareResult.NOT_EQUAL:
        return difference !== 0;
      case CompareResult.GREATER:
        return difference > 0;
      default:
        return difference < 0;
    }
  });
}
