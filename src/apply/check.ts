import { Code, errors, type EtcdError } from '../wire/errors.ts';
import {
  SortOrder,
  SortTarget,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
} from '../wire/kv.ts';
import { hasRevisionFilters, isDefaultOrder } from './range-order.ts';

/**
 * What is refused before it is proposed or read: by the request alone, whatever the store holds
 * (etcd server/etcdserver/api/v3rpc/key.go). Each check answers the first thing that is wrong, or
 * undefined. Transactions are in check-txn.ts; a compaction is never refused here.
 */

const sortOrders: ReadonlySet<number> = new Set(Object.values(SortOrder));
const sortTargets: ReadonlySet<number> = new Set(Object.values(SortTarget));

export function checkRange(request: RangeRequest): EtcdError | undefined {
  if (request.key.length === 0) return errors.emptyKey;
  if (!sortOrders.has(request.sortOrder) || !sortTargets.has(request.sortTarget)) {
    return errors.invalidSortOption;
  }
  return undefined;
}

export function checkRangeStream(request: RangeRequest): EtcdError | undefined {
  const refused = checkRange(request);
  if (refused !== undefined) return refused;
  if (!isDefaultOrder(request)) {
    return unimplemented('RangeStream does not support custom sort orders');
  }
  if (hasRevisionFilters(request)) {
    return unimplemented('RangeStream does not support revision filters');
  }
  return undefined;
}

function unimplemented(text: string): EtcdError {
  return { code: Code.Unimplemented, text };
}

export function checkPut(request: PutRequest): EtcdError | undefined {
  if (request.key.length === 0) return errors.emptyKey;
  if (request.ignoreValue && request.value.length !== 0) return errors.valueProvided;
  if (request.ignoreLease && request.lease !== 0n) return errors.leaseProvided;
  return undefined;
}

export function checkDeleteRange(request: DeleteRangeRequest): EtcdError | undefined {
  return request.key.length === 0 ? errors.emptyKey : undefined;
}
