import { compareBytes, type Bytes } from '../base/bytes.ts';
import type { KeyRange } from '../mvcc/types.ts';
import { errors, type EtcdError } from '../wire/errors.ts';
import type { RequestOp, TxnRequest } from '../wire/kv.ts';
import { checkDeleteRange, checkPut, checkRange } from './check.ts';
import { keySuccessor } from '../mvcc/key-range.ts';

/**
 * What is refused of a transaction before it is proposed (etcd server/etcdserver/api/v3rpc/key.go):
 * too many operations, what its operations would be refused for alone, and writes of one key that
 * would collide.
 */

/**
 * etcd bounds each list of a transaction, so that nesting multiplies: a 1.5 MiB request may hold
 * 200,000 operations, which every member would apply in one go. All nested operations together stay
 * within this.
 */
export const nestedOpsMax = 16_384;

/**
 * @param opsMax the most compares, success or failure operations of one level, what is nested in it
 * included.
 */
export function checkTxn(request: TxnRequest, opsMax: number): EtcdError | undefined {
  const refused = checkLevel(request, opsMax);
  if (refused !== undefined) return refused;
  if (countNested(request) > nestedOpsMax) return errors.tooManyOps;
  for (const operations of [request.success, request.failure]) {
    if (collectWrites(operations) === undefined) return errors.duplicateKey;
  }
  return undefined;
}

function checkLevel(request: TxnRequest, budget: number): EtcdError | undefined {
  const { compare, success, failure } = request;
  const used = Math.max(compare.length, success.length, failure.length);
  if (used > budget) return errors.tooManyOps;
  for (const { key } of compare) if (key.length === 0) return errors.emptyKey;
  for (const operations of [success, failure]) {
    for (const operation of operations) {
      const refused = checkOperation(operation, budget - used);
      if (refused !== undefined) return refused;
    }
  }
  return undefined;
}

function checkOperation({ request }: RequestOp, budget: number): EtcdError | undefined {
  switch (request?.case) {
    case 'requestRange':
      return checkRange(request.value);
    case 'requestPut':
      return checkPut(request.value);
    case 'requestDeleteRange':
      return checkDeleteRange(request.value);
    case 'requestTxn':
      return checkLevel(request.value, budget);
    default:
      // etcd's answer to an operation that is none.
      return errors.keyNotFound;
  }
}

function countNested(request: TxnRequest): number {
  let count = 0;
  for (const operations of [request.success, request.failure]) {
    for (const { request: operation } of operations) {
      if (operation?.case !== 'requestTxn') continue;
      const nested = operation.value;
      count += nested.success.length + nested.failure.length + countNested(nested);
    }
  }
  return count;
}

/** What the operations of one branch write, all that is nested in them included. */
interface Writes {
  /** Ascending and distinct. */
  readonly puts: readonly Bytes[];
  /** Disjoint and ascending; each has an end. */
  readonly deletes: readonly Interval[];
}

interface Interval extends KeyRange {
  readonly to: Bytes;
}

const noWrites: Writes = { puts: [], deletes: [] };

/**
 * The writes of a branch, or undefined where a key would be put twice, or put and deleted. A put
 * collides with every delete of its own level whatever their order; a nested put only with the
 * deletes nested in an earlier sibling, and a put with those of all its siblings. The two branches
 * of a transaction never collide.
 */
function collectWrites(operations: readonly RequestOp[]): Writes | undefined {
  const ownDeletes: Interval[] = [];
  const ownPuts: Bytes[] = [];
  for (const { request } of operations) {
    if (request?.case === 'requestDeleteRange') {
      const { key, rangeEnd } = request.value;
      ownDeletes.push({ from: key, to: rangeEnd.length === 0 ? keySuccessor(key) : rangeEnd });
    } else if (request?.case === 'requestPut') ownPuts.push(request.value.key);
  }
  let deletes = joinIntervals(ownDeletes);
  let puts: readonly Bytes[] = [];
  for (const { request } of operations) {
    if (request?.case !== 'requestTxn') continue;
    const nested = collectNested(request.value);
    if (nested === noWrites) continue;
    if (nested === undefined || anyWithin(nested.puts, deletes)) return undefined;
    const joined = joinDistinct(puts, nested.puts);
    if (joined === undefined) return undefined;
    puts = joined;
    if (nested.deletes.length > 0) deletes = joinIntervals([...deletes, ...nested.deletes]);
  }
  const sorted = joinDistinct([], ownPuts);
  if (sorted === undefined || anyWithin(sorted, deletes)) return undefined;
  const all = joinDistinct(puts, sorted);
  return all === undefined ? undefined : { puts: all, deletes };
}

function collectNested(request: TxnRequest): Writes | undefined {
  if (request.success.length + request.failure.length === 0) return noWrites;
  const success = collectWrites(request.success);
  const failure = collectWrites(request.failure);
  if (success === undefined || failure === undefined) return undefined;
  return {
    puts: distinct(sortKeys(success.puts, failure.puts)),
    deletes: joinIntervals([...success.deletes, ...failure.deletes]),
  };
}

function sortKeys(a: readonly Bytes[], b: readonly Bytes[]): readonly Bytes[] {
  if (b.length === 0) return a;
  return [...a, ...b].sort(compareBytes);
}

function distinct(sorted: readonly Bytes[]): readonly Bytes[] {
  return sorted.filter((key, i) => i === 0 || compareBytes(sorted[i - 1] as Bytes, key) !== 0);
}

/** Both lists as one, ascending; undefined when a key occurs twice. `a` is sorted already. */
function joinDistinct(a: readonly Bytes[], b: readonly Bytes[]): readonly Bytes[] | undefined {
  if (b.length === 0) return a;
  const sorted = sortKeys(a, b);
  return distinct(sorted).length === sorted.length ? sorted : undefined;
}

/**
 * The intervals as disjoint ascending ones. An end at or below the start is dropped, `\0` too: etcd
 * does not read it as "from the key on" here (seen of 3.7.3), so such a delete collides with
 * nothing.
 */
function joinIntervals(intervals: readonly Interval[]): readonly Interval[] {
  const sorted = intervals
    .filter(({ from, to }) => compareBytes(from, to) < 0)
    .sort((x, y) => compareBytes(x.from, y.from));
  const joined: Interval[] = [];
  for (const interval of sorted) {
    const last = joined.at(-1);
    if (last === undefined || compareBytes(last.to, interval.from) < 0) joined.push(interval);
    else if (compareBytes(last.to, interval.to) < 0) {
      joined[joined.length - 1] = { from: last.from, to: interval.to };
    }
  }
  return joined;
}

/** Whether any of the keys lies in any of the intervals; searches from the shorter list. */
function anyWithin(keys: readonly Bytes[], intervals: readonly Interval[]): boolean {
  if (keys.length <= intervals.length) {
    return keys.some((key) => {
      const candidate = intervals[firstAbove(intervals, (interval) => interval.from, key) - 1];
      return candidate !== undefined && compareBytes(key, candidate.to) < 0;
    });
  }
  return intervals.some(({ from, to }) => {
    const candidate = keys[firstAtOrAbove(keys, from)];
    return candidate !== undefined && compareBytes(candidate, to) < 0;
  });
}

function firstAtOrAbove(keys: readonly Bytes[], bound: Bytes): number {
  return search(keys.length, (i) => compareBytes(keys[i] as Bytes, bound) >= 0);
}

function firstAbove<T>(items: readonly T[], keyOf: (item: T) => Bytes, bound: Bytes): number {
  return search(items.length, (i) => compareBytes(keyOf(items[i] as T), bound) > 0);
}

/** The first index for which `isPast` holds; it holds for all that follow. */
function search(length: number, isPast: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
