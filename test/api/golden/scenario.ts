import { utf8, type Bytes } from '../../../src/base/bytes.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  type RequestOp,
} from '../../../src/wire/kv.ts';
import type { Call } from '../caller.ts';

/** A scenario is a list of named calls, made in order on a store that holds nothing yet. */
export interface Step extends Call {
  readonly name: string;
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Text stands for its UTF-8 bytes in keys and values. */
type Fields<M> = { readonly [K in keyof M]?: M[K] extends Bytes ? Bytes | string : M[K] };

function bytesIn<M>(fields: Fields<M>, names: readonly string[]): Partial<M> {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' && names.includes(name) ? utf8(value) : value,
  ]);
  return Object.fromEntries(entries) as Partial<M>;
}

const byteFields = ['key', 'rangeEnd', 'value'];

export const step = (
  name: string,
  path: string,
  request: Bytes,
  more: Partial<Call> = {},
): Step => ({
  name,
  path,
  request,
  ...more,
});

const rangeOf = (fields: Fields<RangeRequest>): Bytes =>
  RangeRequest.encode(bytesIn(fields, byteFields));

export const range = (name: string, fields: Fields<RangeRequest>): Step =>
  step(name, '/etcdserverpb.KV/Range', rangeOf(fields));
export const rangeStream = (name: string, fields: Fields<RangeRequest>): Step =>
  step(name, '/etcdserverpb.KV/RangeStream', rangeOf(fields));
export const put = (name: string, fields: Fields<PutRequest>): Step =>
  step(name, '/etcdserverpb.KV/Put', PutRequest.encode(bytesIn(fields, byteFields)));
export const deleteRange = (name: string, fields: Fields<DeleteRangeRequest>): Step =>
  step(
    name,
    '/etcdserverpb.KV/DeleteRange',
    DeleteRangeRequest.encode(bytesIn(fields, byteFields)),
  );
export const txn = (name: string, request: Partial<TxnRequest>): Step =>
  step(name, '/etcdserverpb.KV/Txn', TxnRequest.encode(request));
export const compact = (name: string, fields: Partial<CompactionRequest>): Step =>
  step(name, '/etcdserverpb.KV/Compact', CompactionRequest.encode(fields));

/** Operations of a transaction. */
export const op = {
  range: (fields: Fields<RangeRequest>): RequestOp => ({
    request: { case: 'requestRange', value: RangeRequest.create(bytesIn(fields, byteFields)) },
  }),
  put: (fields: Fields<PutRequest>): RequestOp => ({
    request: { case: 'requestPut', value: PutRequest.create(bytesIn(fields, byteFields)) },
  }),
  deleteRange: (fields: Fields<DeleteRangeRequest>): RequestOp => ({
    request: {
      case: 'requestDeleteRange',
      value: DeleteRangeRequest.create(bytesIn(fields, byteFields)),
    },
  }),
  txn: (fields: Partial<TxnRequest>): RequestOp => ({
    request: { case: 'requestTxn', value: TxnRequest.create(fields) },
  }),
  unset: { request: undefined } satisfies RequestOp,
};
