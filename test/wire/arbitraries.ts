import * as fc from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import * as cluster from '../../src/wire/cluster.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import * as health from '../../src/wire/health.ts';
import * as kv from '../../src/wire/kv.ts';
import * as maintenance from '../../src/wire/maintenance.ts';
import {
  bool,
  bytes,
  int64,
  int64Id,
  message,
  nested,
  repeatedEnumeration,
  repeatedNested,
  string,
  type Codec,
} from '../../src/wire/message.ts';
import { Event, KeyValue } from '../../src/wire/mvccpb.ts';

/** A random message for each codec of src/wire, the ends of every number's range included. */

/** Fields as our type has them, with arrays that may be read only. */
type Arbitraries<M> = { readonly [K in keyof M]: fc.Arbitrary<M[K]> };

const max = Number.MAX_SAFE_INTEGER;
const someBytes: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc.constantFrom(127, 128, 300).map((length) => new Uint8Array(length).fill(0xab)),
);
const signed = fc.oneof(
  fc.constantFrom(0, 1, -1, 127, 128, 2 ** 31, -(2 ** 31), 2 ** 32, max, -max),
  fc.maxSafeInteger(),
);
const unsigned = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, max), fc.maxSafeNat());
const signedId = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const unsignedId = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const text = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 20 }));
const texts = fc.array(text, { maxLength: 3 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Also numbers that no name stands for, which proto3 keeps. */
const enumOf = (last: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max: last }), fc.constantFrom(-1, 99, 2 ** 31 - 1));
const flag = fc.boolean();
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined });
const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 3 });

const record = <M>(fields: Arbitraries<M>): fc.Arbitrary<M> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<M>;

const header = record<ResponseHeader>({
  clusterId: unsignedId,
  memberId: unsignedId,
  revision: signed,
  raftTerm: unsigned,
});
const keyValue = record<KeyValue>({
  key: someBytes,
  createRevision: signed,
  modRevision: signed,
  version: signed,
  value: someBytes,
  lease: signedId,
});
const rawKeyValue = keyValue.map((fields) => KeyValue.encode(fields));
const withHeader = record({ header: maybe(header) });

const rangeRequest = record<kv.RangeRequest>({
  key: someBytes,
  rangeEnd: someBytes,
  limit: signed,
  revision: signed,
  sortOrder: enumOf(2),
  sortTarget: enumOf(4),
  serializable: flag,
  keysOnly: flag,
  countOnly: flag,
  minModRevision: signed,
  maxModRevision: signed,
  minCreateRevision: signed,
  maxCreateRevision: signed,
});
const rangeResponse = record<kv.RangeResponse>({
  header: maybe(header),
  kvs: some(rawKeyValue),
  more: flag,
  count: signed,
});
const putRequest = record<kv.PutRequest>({
  key: someBytes,
  value: someBytes,
  lease: signedId,
  prevKv: flag,
  ignoreValue: flag,
  ignoreLease: flag,
});
const putResponse = record<kv.PutResponse>({ header: maybe(header), prevKv: maybe(rawKeyValue) });
const deleteRequest = record<kv.DeleteRangeRequest>({
  key: someBytes,
  rangeEnd: someBytes,
  prevKv: flag,
});
const deleteResponse = record<kv.DeleteRangeResponse>({
  header: maybe(header),
  deleted: signed,
  prevKvs: some(rawKeyValue),
});

const chosen = <Name extends string, T>(
  name: Name,
  value: fc.Arbitrary<T>,
): fc.Arbitrary<{ readonly case: Name; readonly value: T }> =>
  value.map((made) => ({ case: name, value: made }));

const compare = record<kv.Compare>({
  result: enumOf(3),
  target: enumOf(4),
  key: someBytes,
  targetUnion: maybe(
    fc.oneof(
      chosen('version', signed),
      chosen('createRevision', signed),
      chosen('modRevision', signed),
      chosen('value', someBytes),
      chosen('lease', signedId),
    ),
  ),
  rangeEnd: someBytes,
});

const trees = fc.letrec<{
  txn: kv.TxnRequest;
  op: kv.RequestOp;
  txnResponse: kv.TxnResponse;
  opResponse: kv.ResponseOp;
}>((tie) => ({
  txn: record<kv.TxnRequest>({
    compare: some(compare),
    success: fc.array(tie('op'), { maxLength: 2, depthIdentifier: 'txn' }),
    failure: fc.array(tie('op'), { maxLength: 2, depthIdentifier: 'txn' }),
  }),
  op: record<kv.RequestOp>({
    request: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'txn' },
      fc.constant(undefined),
      chosen('requestRange', rangeRequest),
      chosen('requestPut', putRequest),
      chosen('requestDeleteRange', deleteRequest),
      chosen('requestTxn', tie('txn')),
    ),
  }),
  txnResponse: record<kv.TxnResponse>({
    header: maybe(header),
    succeeded: flag,
    responses: fc.array(tie('opResponse'), { maxLength: 2, depthIdentifier: 'txn' }),
  }),
  opResponse: record<kv.ResponseOp>({
    response: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'txn' },
      fc.constant(undefined),
      chosen('responseRange', rangeResponse),
      chosen('responsePut', putResponse),
      chosen('responseDeleteRange', deleteResponse),
      chosen('responseTxn', tie('txnResponse')),
    ),
  }),
}));

const member = record<cluster.Member>({
  id: unsignedId,
  name: text,
  peerUrls: texts,
  clientUrls: texts,
  isLearner: flag,
});
const alarmMember = record<maintenance.AlarmMember>({ memberId: unsignedId, alarm: enumOf(2) });
const healthResponse = record<health.HealthCheckResponse>({ status: enumOf(3) });

/** What no message of src/wire has yet: repeated enums, which proto3 packs. */
const WatchCreateRequest = message('etcdserverpb.WatchCreateRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  startRevision: int64(3),
  progressNotify: bool(4),
  filters: repeatedEnumeration(5),
  prevKv: bool(6),
  watchId: int64Id(7),
  fragment: bool(8),
});
const WatchResponse = message('etcdserverpb.WatchResponse', {
  header: nested(1, ResponseHeader),
  watchId: int64Id(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: string(6),
  fragment: bool(7),
  events: repeatedNested(11, Event),
});

export interface Case {
  readonly codec: Codec<object>;
  readonly messages: fc.Arbitrary<object>;
}

function testCase<M extends object>(codec: Codec<M>, messages: fc.Arbitrary<M>): Case {
  return { codec: codec as unknown as Codec<object>, messages };
}

const nothing = fc.constant({});

export const cases: readonly Case[] = [
  testCase(ResponseHeader, header),
  testCase(KeyValue, keyValue),
  testCase(
    Event,
    record<Event>({ type: enumOf(1), kv: maybe(rawKeyValue), prevKv: maybe(rawKeyValue) }),
  ),
  testCase(kv.RangeRequest, rangeRequest),
  testCase(kv.RangeResponse, rangeResponse),
  testCase(kv.RangeStreamResponse, record({ rangeResponse: maybe(rangeResponse) })),
  testCase(kv.PutRequest, putRequest),
  testCase(kv.PutResponse, putResponse),
  testCase(kv.DeleteRangeRequest, deleteRequest),
  testCase(kv.DeleteRangeResponse, deleteResponse),
  testCase(kv.Compare, compare),
  testCase(kv.TxnRequest, trees.txn),
  testCase(kv.TxnResponse, trees.txnResponse),
  testCase(kv.RequestOp, trees.op),
  testCase(kv.ResponseOp, trees.opResponse),
  testCase(kv.CompactionRequest, record({ revision: signed, physical: flag })),
  testCase(kv.CompactionResponse, withHeader),
  testCase(cluster.Member, member),
  testCase(cluster.MemberListRequest, record({ linearizable: flag })),
  testCase(cluster.MemberListResponse, record({ header: maybe(header), members: some(member) })),
  testCase(
    maintenance.AlarmRequest,
    record({ action: enumOf(2), memberId: unsignedId, alarm: enumOf(2) }),
  ),
  testCase(maintenance.AlarmMember, alarmMember),
  testCase(maintenance.AlarmResponse, record({ header: maybe(header), alarms: some(alarmMember) })),
  testCase(maintenance.StatusRequest, nothing),
  testCase(maintenance.DowngradeInfo, record({ enabled: flag, targetVersion: text })),
  testCase(
    maintenance.StatusResponse,
    record<maintenance.StatusResponse>({
      header: maybe(header),
      version: text,
      dbSize: signed,
      leader: unsignedId,
      raftIndex: unsigned,
      raftTerm: unsigned,
      raftAppliedIndex: unsigned,
      errors: texts,
      dbSizeInUse: signed,
      isLearner: flag,
      storageVersion: text,
      dbSizeQuota: signed,
      downgradeInfo: maybe(record({ enabled: flag, targetVersion: text })),
    }),
  ),
  testCase(maintenance.DefragmentRequest, nothing),
  testCase(maintenance.DefragmentResponse, withHeader),
  testCase(maintenance.HashRequest, nothing),
  testCase(maintenance.HashResponse, record({ header: maybe(header), hash: uint32 })),
  testCase(maintenance.HashKVRequest, record({ revision: signed })),
  testCase(
    maintenance.HashKVResponse,
    record({
      header: maybe(header),
      hash: uint32,
      compactRevision: signed,
      hashRevision: signed,
    }),
  ),
  testCase(maintenance.MoveLeaderRequest, record({ targetId: unsignedId })),
  testCase(maintenance.MoveLeaderResponse, withHeader),
  testCase(health.HealthCheckRequest, record({ service: text })),
  testCase(health.HealthCheckResponse, healthResponse),
  testCase(health.HealthListRequest, nothing),
  testCase(
    WatchCreateRequest,
    record({
      key: someBytes,
      rangeEnd: someBytes,
      startRevision: signed,
      progressNotify: flag,
      filters: some(enumOf(1)),
      prevKv: flag,
      watchId: signedId,
      fragment: flag,
    }),
  ),
  testCase(
    WatchResponse,
    record({
      header: maybe(header),
      watchId: signedId,
      created: flag,
      canceled: flag,
      compactRevision: signed,
      cancelReason: text,
      fragment: flag,
      events: some(
        record<Event>({ type: enumOf(1), kv: maybe(rawKeyValue), prevKv: maybe(rawKeyValue) }),
      ),
    }),
  ),
];
