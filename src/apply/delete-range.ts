import type { Bytes } from '../base/bytes.ts';
import { isSingleKey, keyRangeOf, rangeAbove } from '../mvcc/key-range.ts';
import type { RevisionStore } from '../mvcc/types.ts';
import type { DeleteRangeRequest, DeleteRangeResponse } from '../wire/kv.ts';
import { revisionHeader } from './range.ts';
import { bytesPerStep, rowsAtOnceMax, type Steps } from './steps.ts';
import { prevKvBytesMax, revisionSeen, type WriteView } from './write-view.ts';

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

/** Whether the range holds so many keys that it is to be deleted in steps. */
export function isLongDeleteRange(
  store: RevisionStore,
  { key, rangeEnd }: DeleteRangeRequest,
): boolean {
  return !isSingleKey(rangeEnd) && store.count(keyRangeOf(key, rangeEnd)) > rowsAtOnceMax;
}

/** The same in steps, which go on by key. */
export function* deleteRangeInSteps(
  view: WriteView,
  request: DeleteRangeRequest,
): Steps<DeleteRangeResponse> {
  const { leases, store, txn } = view;
  const { answer = { prevKvBytes: 0 } } = view;
  let prevKvs: Bytes[] = [];
  let deleted = 0;
  for (let range = keyRangeOf(request.key, request.rangeEnd); ;) {
    const rowsMax = yield txn.takeRows();
    const ended = txn.deleteRange(range, rowsMax);
    deleted += ended.length;
    let bytes = 0;
    for (const version of ended) {
      leases.detach(version.key);
      if (!request.prevKv) continue;
      answer.prevKvBytes += version.rowBytes;
      if (answer.prevKvBytes > prevKvBytesMax) {
        prevKvs = [];
        continue;
      }
      prevKvs.push(store.read(version));
      bytes += version.rowBytes;
      if (bytes < bytesPerStep) continue;
      yield undefined;
      bytes = 0;
    }
    const last = ended.at(-1);
    if (last === undefined || ended.length < rowsMax) break;
    range = rangeAbove(range, last.key);
  }
  return { header: revisionHeader(revisionSeen(view)), deleted, prevKvs };
}
