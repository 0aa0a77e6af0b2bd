import { concatBytes, prefixEnd, utf8, type Bytes } from '../base/bytes.ts';
import {
  CompareResult,
  CompareTarget,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnRequest,
  type Compare,
  type RequestOp,
} from './kv.ts';

/**
 * The requests that locks and elections are made of (client/v3/concurrency/key.go, mutex.go and election.go). Every
 * session that wants a name holds a key below it, attached to its lease; the one whose key was created first has it.
 */

/** Below which the keys of a name lie. */
export const namePrefix = (name: Bytes): Bytes => concatBytes([name, utf8('/')]);

/** The key of one session. Ids are signed, and etcd writes the sign. */
export const sessionKey = (prefix: Bytes, lease: bigint): Bytes =>
  concatBytes([prefix, utf8(lease.toString(16))]);

/** Whose turn it is: the key that was created first. */
export const ownerRequest = (prefix: Bytes, revision = 0): RangeRequest =>
  RangeRequest.create({
    key: prefix,
    rangeEnd: prefixEnd(prefix),
    limit: 1,
    revision,
    sortOrder: SortOrder.ASCEND,
    sortTarget: SortTarget.CREATE,
  });

/** The last key that was created before the one of a create revision: what its session waits for. */
export const predecessorRequest = (prefix: Bytes, createRevision: number): RangeRequest =>
  RangeRequest.create({
    key: prefix,
    rangeEnd: prefixEnd(prefix),
    limit: 1,
    sortOrder: SortOrder.DESCEND,
    sortTarget: SortTarget.CREATE,
    maxCreateRevision: createRevision - 1,
  });

/** Queues up for a lock, unless the session has done so; answers with the own key (if it has) and the owner's. */
export function acquireRequest(prefix: Bytes, lease: bigint): TxnRequest {
  const key = sessionKey(prefix, lease);
  const owner: RequestOp = { request: { case: 'requestRange', value: ownerRequest(prefix) } };
  return TxnRequest.create({
    compare: [createdAt(key, 0)],
    success: [put(key, new Uint8Array(), lease), owner],
    failure: [get(key), owner],
  });
}

/** Stands for an election, unless the session does already; then it answers with the key as it is. */
export function candidateRequest(prefix: Bytes, lease: bigint, value: Bytes): TxnRequest {
  const key = sessionKey(prefix, lease);
  return TxnRequest.create({
    compare: [createdAt(key, 0)],
    success: [put(key, value, lease)],
    failure: [get(key)],
  });
}

/** What proves that somebody was elected. */
export interface Candidacy {
  readonly key: Bytes;
  readonly createRevision: number;
  readonly lease: bigint;
}

/** Fails to compare once the key is gone, or another of the same name. */
export const proclaimRequest = (
  { key, createRevision, lease }: Candidacy,
  value: Bytes,
): TxnRequest =>
  TxnRequest.create({
    compare: [createdAt(key, createRevision)],
    success: [put(key, value, lease)],
  });

export const resignRequest = ({ key, createRevision }: Candidacy): TxnRequest =>
  TxnRequest.create({
    compare: [createdAt(key, createRevision)],
    success: [
      {
        request: {
          case: 'requestDeleteRange',
          value: { key, rangeEnd: new Uint8Array(), prevKv: false },
        },
      },
    ],
  });

const createdAt = (key: Bytes, revision: number): Compare => ({
  result: CompareResult.EQUAL,
  target: CompareTarget.CREATE,
  key,
  targetUnion: { case: 'createRevision', value: revision },
  rangeEnd: new Uint8Array(),
});

const put = (key: Bytes, value: Bytes, lease: bigint): RequestOp => ({
  request: {
    case: 'requestPut',
    value: { key, value, lease, prevKv: false, ignoreValue: false, ignoreLease: false },
  },
});

const get = (key: Bytes): RequestOp => ({
  request: { case: 'requestRange', value: RangeRequest.create({ key }) },
});
