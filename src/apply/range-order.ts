import { InvariantError, unreachable } from '../base/assert.ts';
import { compareBytes, type Bytes } from '../base/bytes.ts';
import type { KeyVersion } from '../mvcc/types.ts';
import { SortOrder, SortTarget, type RangeRequest } from '../wire/kv.ts';

/** How a range is ordered and filtered (etcd server/etcdserver/txn/range.go). */

/**
 * Whether etcd takes the order as the one that the index gives. It is so for every target without
 * an order, although a target other than the key is then sorted after all: that is why such a range
 * is cut before it is sorted.
 */
export function isDefaultOrder(request: RangeRequest): boolean {
  return (
    request.sortOrder === SortOrder.NONE ||
    (request.sortTarget === SortTarget.KEY && request.sortOrder === SortOrder.ASCEND)
  );
}

/** Whether the answer comes in ascending key order, so that it needs no sorting. */
export function isKeyOrder(request: RangeRequest): boolean {
  return request.sortTarget === SortTarget.KEY && request.sortOrder !== SortOrder.DESCEND;
}

export function hasRevisionFilters(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

/** Both bounds belong to the range; 0 is no bound. */
export function passesFilters(request: RangeRequest, version: KeyVersion): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const { modRevision, createRevision } = version;
  return (
    (maxModRevision === 0 || modRevision <= maxModRevision) &&
    (minModRevision === 0 || modRevision >= minModRevision) &&
    (maxCreateRevision === 0 || createRevision <= maxCreateRevision) &&
    (minCreateRevision === 0 || createRevision >= minCreateRevision)
  );
}

/** A version found, with its value, and its row as it is answered. */
export interface ValueRow {
  readonly version: KeyVersion;
  readonly value: Bytes;
  readonly kv: Bytes;
}

type Order<T> = (a: T, b: T) => number;

/** The order by what the index knows; without a direction it ascends. Ties stay in key order. */
export function versionOrderOf(request: RangeRequest): Order<KeyVersion> {
  return inDirection(request, ascendingOrder(request.sortTarget));
}

/** The same by value. */
export function valueOrderOf(request: RangeRequest): Order<ValueRow> {
  return inDirection(request, (a, b) => compareBytes(a.value, b.value));
}

function inDirection<T>({ sortOrder }: RangeRequest, ascending: Order<T>): Order<T> {
  return sortOrder === SortOrder.DESCEND ? (a, b) => ascending(b, a) : ascending;
}

function ascendingOrder(sortTarget: number): Order<KeyVersion> {
  // checkRange has refused every other number.
  const target = sortTarget as (typeof SortTarget)[keyof typeof SortTarget];
  switch (target) {
    case SortTarget.KEY:
      return (a, b) => compareBytes(a.key, b.key);
    case SortTarget.VERSION:
      return (a, b) => a.version - b.version;
    case SortTarget.CREATE:
      return (a, b) => a.createRevision - b.createRevision;
    case SortTarget.MOD:
      return (a, b) => a.modRevision - b.modRevision;
    case SortTarget.VALUE:
      throw new InvariantError('values are not in the index');
    default:
      return unreachable(target);
  }
}
