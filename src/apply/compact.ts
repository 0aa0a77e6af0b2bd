import type { RevisionStore } from '../mvcc/types.ts';
import { errors, failed, ok, type Outcome } from '../wire/errors.ts';
import type { CompactionRequest, CompactionResponse } from '../wire/kv.ts';
import { revisionHeader } from './range.ts';

/**
 * Compact: makes the revisions below unreadable at once (etcd server/storage/mvcc/kvstore.go). A
 * fresh store stands at -1, so that revision 0 can be compacted once. Whether the client waits for
 * the rows to be deleted (`physical`) is no matter of apply.
 */
export function evaluateCompact(
  store: RevisionStore,
  { revision }: CompactionRequest,
): Outcome<CompactionResponse> {
  if (revision <= store.compactRevision) return failed(errors.compacted);
  if (revision > store.revision) return failed(errors.futureRevision);
  store.compact(revision);
  return ok({ header: revisionHeader(store.revision) });
}
