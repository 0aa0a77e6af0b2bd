import { ResponseHeader } from './header.ts';
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
  type Codec,
  type MessageOf,
} from './message.ts';

/** The messages of service etcdserverpb.KV. Field numbers are etcd's (api/etcdserverpb/rpc.proto). */

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const;
export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;

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
export type RangeRequest = MessageOf<typeof RangeRequest>;

/** `kvs` are encoded `mvccpb.KeyValue` messages. */
export const RangeResponse = message('etcdserverpb.RangeResponse', {
  header: nested(1, ResponseHeader),
  kvs: repeatedRaw(2),
  more: bool(3),
  count: int64(4),
});
export type RangeResponse = MessageOf<typeof RangeResponse>;

export const RangeStreamResponse = message('etcdserverpb.RangeStreamResponse', {
  rangeResponse: nested(1, RangeResponse),
});
export type RangeStreamResponse = MessageOf<typeof RangeStreamResponse>;

export const PutRequest = message('etcdserverpb.PutRequest', {
  key: bytes(1),
  value: bytes(2),
  lease: int64Id(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});
export type PutRequest = MessageOf<typeof PutRequest>;

/** `prevKv` is an encoded `mvccpb.KeyValue`. */
export const PutResponse = message('etcdserverpb.PutResponse', {
  header: nested(1, ResponseHeader),
  prevKv: rawNested(2),
});
export type PutResponse = MessageOf<typeof PutResponse>;

export const DeleteRangeRequest = message('etcdserverpb.DeleteRangeRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  prevKv: bool(3),
});
export type DeleteRangeRequest = MessageOf<typeof DeleteRangeRequest>;

/** `prevKvs` are encoded `mvccpb.KeyValue` messages in key order. */
export const DeleteRangeResponse = message('etcdserverpb.DeleteRangeResponse', {
  header: nested(1, ResponseHeader),
  deleted: int64(2),
  prevKvs: repeatedRaw(3),
});
export type DeleteRangeResponse = MessageOf<typeof DeleteRangeResponse>;

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;

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
export type Compare = MessageOf<typeof Compare>;

/** One operation of a transaction; `request` is undefined when the client set none. */
export interface RequestOp {
  readonly request:
    | { readonly case: 'requestRange'; readonly value: RangeRequest }
    | { readonly case: 'requestPut'; readonly value: PutRequest }
    | { readonly case: 'requestDeleteRange'; readonly value: DeleteRangeRequest }
    | { readonly case: 'requestTxn'; readonly value: TxnRequest }
    | undefined;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export const RequestOp: Codec<RequestOp> = message('etcdserverpb.RequestOp', {
  request: oneof({
    requestRange: nested(1, RangeRequest),
    requestPut: nested(2, PutRequest),
    requestDeleteRange: nested(3, DeleteRangeRequest),
    requestTxn: nested<TxnRequest>(4, () => TxnRequest),
  }),
});

export const TxnRequest: Codec<TxnRequest> = message('etcdserverpb.TxnRequest', {
  compare: repeatedNested(1, Compare),
  success: repeatedNested<RequestOp>(2, () => RequestOp),
  failure: repeatedNested<RequestOp>(3, () => RequestOp),
});

export interface ResponseOp {
  readonly response:
    | { readonly case: 'responseRange'; readonly value: RangeResponse }
    | { readonly case: 'responsePut'; readonly value: PutResponse }
    | { readonly case: 'responseDeleteRange'; readonly value: DeleteRangeResponse }
    | { readonly case: 'responseTxn'; readonly value: TxnResponse }
    | undefined;
}

export interface TxnResponse {
  readonly header: ResponseHeader | undefined;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export const ResponseOp: Codec<ResponseOp> = message('etcdserverpb.ResponseOp', {
  response: oneof({
    responseRange: nested(1, RangeResponse),
    responsePut: nested(2, PutResponse),
    responseDeleteRange: nested(3, DeleteRangeResponse),
    responseTxn: nested<TxnResponse>(4, () => TxnResponse),
  }),
});

export const TxnResponse: Codec<TxnResponse> = message('etcdserverpb.TxnResponse', {
  header: nested(1, ResponseHeader),
  succeeded: bool(2),
  responses: repeatedNested<ResponseOp>(3, () => ResponseOp),
});

export const CompactionRequest = message('etcdserverpb.CompactionRequest', {
  revision: int64(1),
  physical: bool(2),
});
export type CompactionRequest = MessageOf<typeof CompactionRequest>;

export const CompactionResponse = message('etcdserverpb.CompactionResponse', {
  header: nested(1, ResponseHeader),
});
export type CompactionResponse = MessageOf<typeof CompactionResponse>;
