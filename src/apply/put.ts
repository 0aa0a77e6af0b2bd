import { mustGet } from '../base/assert.ts';
import { errors, type EtcdError } from '../wire/errors.ts';
import type { PutRequest, PutResponse } from '../wire/kv.ts';
import { KeyValue } from '../wire/mvccpb.ts';
import { revisionHeader } from './range.ts';
import type { ReadView, WriteView } from './write-view.ts';

/** Put (etcd server/etcdserver/txn/put.go). */

/**
 * What the store has against a put: an unknown lease, or nothing there to keep value or lease of.
 */
export function refusePut({ store, leases }: ReadView, request: PutRequest): EtcdError | undefined {
  if (request.lease !== 0n && !leases.has(request.lease)) return errors.leaseNotFound;
  if (keepsPrevious(request) && store.get(request.key) === undefined) return errors.keyNotFound;
  return undefined;
}

/** Whether the put takes its value or its lease from the version before. */
export function keepsPrevious(request: PutRequest): boolean {
  return request.ignoreValue || request.ignoreLease;
}

/** Writes; the put has passed `refusePut`. */
export function executePut(view: WriteView, request: PutRequest): PutResponse {
  const { store, leases, txn } = view;
  const needsPrevious = keepsPrevious(request) || request.prevKv;
  const version = needsPrevious ? store.get(request.key) : undefined;
  const previous = version === undefined ? undefined : store.read(version);
  let { value, lease } = request;
  if (keepsPrevious(request)) {
    const kept = KeyValue.decode(mustGet(previous, 'a put keeps what is not there'));
    if (request.ignoreValue) value = kept.value;
    if (request.ignoreLease) lease = kept.lease;
  }
  txn.put(request.key, value, lease);
  leases.attach(request.key, lease);
  return {
    header: revisionHeader(store.revision + 1),
    prevKv: request.prevKv ? previous : undefined,
  };
}
