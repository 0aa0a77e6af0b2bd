import type { DeleteRangeRequest, DeleteRangeResponse } from '../wire/kv.ts';
import { keyRangeOf } from '../mvcc/key-range.ts';
import { revisionHeader } from './range.ts';
import { revisionSeen, type WriteView } from './write-view.ts';

/**
 * DeleteRange (etcd server/etcdserver/txn/delete.go). A range without live keys leaves the revision
 * as it is.
 */
export function executeDeleteRange(
  view: WriteView,
  request: DeleteRangeRequest,
): DeleteRangeResponse {
  const ended = view.txn.deleteRange(keyRangeOf(request.key, request.rangeEnd));
  for (const { key } of ended) view.leases.detach(key);
  return {
    header: revisionHeader(revisionSeen(view)),
    deleted: ended.length,
    prevKvs: request.prevKv ? ended.map((version) => view.store.read(version)) : [],
  };
}
