import {
  bool,
  bytes,
  enumeration,
  int64,
  int64Id,
  message,
  nested,
  oneof,
  rawNested,
  repeatedNested,
  repeatedRaw,
  uint64,
  uint64Id,
  type Codec,
} from '../../src/wire/message.ts';
import type * as kv from '../../src/wire/kv.ts';

/** The messages whose codecs are written by hand, once more as tables: what those are held against. */

export const ResponseHeader = message('etcdserverpb.ResponseHeader', {
  clusterId: uint64Id(1),
  memberId: uint64Id(2),
  revision: int64(3),
  raftTerm: uint64(4),
});

export const RangeRequest = message('etcdserverpb.RangeRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  limit: int64(3),
  revision: int64(4),
  sortOrder: enumeration(5),
  sortTarget: enumeration(6),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: int64(10),
  maxModRevision: int64(11),
  minCreateRevision: int64(12),
  maxCreateRevision: int64(13),
});

/** `kvs` are encoded `mvccpb.KeyValue` messages. */
export const RangeResponse = message('etcdserverpb.RangeResponse', {
  header: nested(1, ResponseHeader),
  kvs: repeatedRaw(2),
  more: bool(3),
  count: int64(4),
});

export const LeaseKeepAliveRequest = message('etcdserverpb.LeaseKeepAliveRequest', {
  id: int64Id(1),
});

export const LeaseKeepAliveResponse = message('etcdserverpb.LeaseKeepAliveResponse', {
  header: nested(1, ResponseHeader),
  id: int64Id(2),
  ttl: int64(3),
});

export const PutRequest = message('etcdserverpb.PutRequest', {
  key: bytes(1),
  value: bytes(2),
  lease: int64Id(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});

/** `prevKv` is an encoded `mvccpb.KeyValue`. */
export const PutResponse = message('etcdserverpb.PutResponse', {
  header: nested(1, ResponseHeader),
  prevKv: rawNested(2),
});

export const DeleteRangeRequest = message('etcdserverpb.DeleteRangeRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  prevKv: bool(3),
});

/** `prevKvs` are encoded `mvccpb.KeyValue` messages in key order. */
export const DeleteRangeResponse = message('etcdserverpb.DeleteRangeResponse', {
  header: nested(1, ResponseHeader),
  deleted: int64(2),
  prevKvs: repeatedRaw(3),
});

export const Compare = message('etcdserverpb.Compare', {
  result: enumeration(1),
  target: enumeration(2),
  key: bytes(3),
  targetUnion: oneof({
    version: int64(4),
    createRevision: int64(5),
    modRevision: int64(6),
    value: bytes(7),
    lease: int64Id(8),
  }),
  rangeEnd: bytes(64),
});

export const RequestOp: Codec<kv.RequestOp> = message('etcdserverpb.RequestOp', {
  request: oneof({
    requestRange: nested(1, RangeRequest),
    requestPut: nested(2, PutRequest),
    requestDeleteRange: nested(3, DeleteRangeRequest),
    requestTxn: nested<kv.TxnRequest>(4, () => TxnRequest),
  }),
});

export const TxnRequest: Codec<kv.TxnRequest> = message('etcdserverpb.TxnRequest', {
  compare: repeatedNested(1, Compare),
  success: repeatedNested<kv.RequestOp>(2, () => RequestOp),
  failure: repeatedNested<kv.RequestOp>(3, () => RequestOp),
});

export const ResponseOp: Codec<kv.ResponseOp> = message('etcdserverpb.ResponseOp', {
  response: oneof({
    responseRange: nested(1, RangeResponse),
    responsePut: nested(2, PutResponse),
    responseDeleteRange: nested(3, DeleteRangeResponse),
    responseTxn: nested<kv.TxnResponse>(4, () => TxnResponse),
  }),
});

export const TxnResponse: Codec<kv.TxnResponse> = message('etcdserverpb.TxnResponse', {
  header: nested(1, ResponseHeader),
  succeeded: bool(2),
  responses: repeatedNested<kv.ResponseOp>(3, () => ResponseOp),
});
