import * as fc from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  type RequestOp,
} from '../../src/wire/kv.ts';

/**
 * Random requests over a handful of keys, so that they meet, with the edges of every rule weighted.
 */

export interface Request {
  readonly kind: 'put' | 'range' | 'deleteRange' | 'txn' | 'compact';
  readonly put: PutRequest;
  readonly range: RangeRequest;
  readonly deleteRange: DeleteRangeRequest;
  readonly txn: TxnRequest;
  readonly revision: number;
}

const bytesOf = (...bytes: number[]): Bytes => new Uint8Array(bytes);
const key: fc.Arbitrary<Bytes> = fc.constantFrom(
  bytesOf(0),
  bytesOf(0x61),
  bytesOf(0x61, 0),
  bytesOf(0x61, 0x61),
  bytesOf(0x62),
  bytesOf(0xff),
  bytesOf(0xff, 0xff),
);
const rangeEnd: fc.Arbitrary<Bytes> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(bytesOf()) },
  { weight: 2, arbitrary: fc.constant(bytesOf(0)) },
  { weight: 3, arbitrary: key },
  { weight: 1, arbitrary: fc.constant(bytesOf(0, 0)) },
);
const value: fc.Arbitrary<Bytes> = fc.constantFrom(
  bytesOf(),
  bytesOf(0),
  bytesOf(1),
  bytesOf(1, 0),
);
const rarely = fc.oneof(
  { weight: 4, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const small = fc.integer({ min: -2, max: 14 });
const mostlyZero = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 40, Number.MAX_SAFE_INTEGER) },
);

export const putRequest: fc.Arbitrary<PutRequest> = fc
  .record({ key, value, prevKv: fc.boolean(), ignoreValue: rarely, ignoreLease: rarely })
  .map((fields) =>
    PutRequest.create(fields.ignoreValue ? { ...fields, value: bytesOf() } : fields),
  );

export const deleteRequest: fc.Arbitrary<DeleteRangeRequest> = fc
  .record({ key, rangeEnd, prevKv: fc.boolean() })
  .map((fields) => DeleteRangeRequest.create(fields));

export const rangeRequest: fc.Arbitrary<RangeRequest> = fc
  .record({
    key,
    rangeEnd,
    limit: mostlyZero,
    revision: mostlyZero,
    sortOrder: fc.integer({ min: 0, max: 2 }),
    sortTarget: fc.integer({ min: 0, max: 4 }),
    keysOnly: rarely,
    countOnly: rarely,
    minModRevision: mostlyZero,
    maxModRevision: mostlyZero,
    minCreateRevision: mostlyZero,
    maxCreateRevision: mostlyZero,
  })
  .map((fields) => RangeRequest.create(fields));

const targetUnion = fc.oneof(
  fc.constant(undefined),
  fc.record({
    case: fc.constantFrom('version' as const, 'createRevision' as const, 'modRevision' as const),
    value: small,
  }),
  fc.record({ case: fc.constant('value' as const), value }),
  fc.record({ case: fc.constant('lease' as const), value: fc.constantFrom(0n, 1n, -1n) }),
);

const compare: fc.Arbitrary<Compare> = fc
  .record({
    result: fc.integer({ min: 0, max: 3 }),
    target: fc.integer({ min: 0, max: 4 }),
    key,
    targetUnion,
    rangeEnd,
  })
  .map((fields) => Compare.create(fields));

const operation = <T>(name: string, request: fc.Arbitrary<T>): fc.Arbitrary<RequestOp> =>
  request.map((made) => ({ request: { case: name, value: made } }) as RequestOp);

export const txnRequest: fc.Arbitrary<TxnRequest> = fc.letrec<{ txn: TxnRequest }>((tie) => ({
  txn: fc
    .record({
      compare: fc.array(compare, { maxLength: 2 }),
      success: operations(tie('txn')),
      failure: operations(tie('txn')),
    })
    .map((fields) => TxnRequest.create(fields)),
})).txn;

function operations(txn: fc.Arbitrary<TxnRequest>): fc.Arbitrary<readonly RequestOp[]> {
  const one = fc.oneof(
    { maxDepth: 3, depthIdentifier: 'txn' },
    operation('requestRange', rangeRequest),
    operation('requestPut', putRequest),
    operation('requestDeleteRange', deleteRequest),
    operation('requestTxn', txn),
  );
  return fc.array(one, { maxLength: 4, depthIdentifier: 'txn' });
}

export const request: fc.Arbitrary<Request> = fc.record({
  kind: fc.oneof(
    { weight: 4, arbitrary: fc.constant('put' as const) },
    { weight: 3, arbitrary: fc.constant('range' as const) },
    { weight: 2, arbitrary: fc.constant('deleteRange' as const) },
    { weight: 4, arbitrary: fc.constant('txn' as const) },
    { weight: 1, arbitrary: fc.constant('compact' as const) },
  ),
  put: putRequest,
  range: rangeRequest,
  deleteRange: deleteRequest,
  txn: txnRequest,
  revision: small,
});
