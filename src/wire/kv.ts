import { ResponseHeader } from './header.ts';
import { bool, int64, message, nested, type MessageOf } from './message.ts';
import { RangeResponse } from './range-codec.ts';

/**
 * The messages of service etcdserverpb.KV. Field numbers are etcd's (api/etcdserverpb/rpc.proto). Those that every
 * Put, Range and Txn needs are written by hand, in files of their own.
 */

export { DeleteRangeRequest, DeleteRangeResponse } from './delete-range.ts';
export { PutRequest, PutResponse } from './put-codec.ts';
export { RangeRequest, RangeResponse } from './range-codec.ts';
export { Compare, RequestOp, ResponseOp, TxnRequest, TxnResponse } from './txn-codec.ts';

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const;
export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;

export const RangeStreamResponse = message('etcdserverpb.RangeStreamResponse', {
  rangeResponse: nested(1, RangeResponse),
});
export type RangeStreamResponse = MessageOf<typeof RangeStreamResponse>;

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;

export const CompactionRequest = message('etcdserverpb.CompactionRequest', {
  revision: int64(1),
  physical: bool(2),
});
export type CompactionRequest = MessageOf<typeof CompactionRequest>;

export const CompactionResponse = message('etcdserverpb.CompactionResponse', {
  header: nested(1, ResponseHeader),
});
export type CompactionResponse = MessageOf<typeof CompactionResponse>;
