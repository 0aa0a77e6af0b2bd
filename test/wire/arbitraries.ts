import * as fc from 'fast-check';
import { ResponseHeader } from '../../src/wire/header.ts';
import * as health from '../../src/wire/health.ts';
import * as kv from '../../src/wire/kv.ts';
import * as maintenance from '../../src/wire/maintenance.ts';
import { DecodedEvent, Event, KeyValue } from '../../src/wire/mvccpb.ts';
import { coordinationCases } from './coordination-arbitraries.ts';
import {
  chosen,
  enumOf,
  flag,
  header,
  keyValue,
  maybe,
  nothing,
  rawKeyValue,
  record,
  signed,
  signedId,
  some,
  someBytes,
  testCase,
  text,
  texts,
  uint32,
  unsigned,
  unsignedId,
  withHeader,
  type Case,
} from './message-parts.ts';

/** A random message for each codec of src/wire, the ends of every number's range included. */

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

const alarmMember = record<maintenance.AlarmMember>({ memberId: unsignedId, alarm: enumOf(2) });
const healthResponse = record<health.HealthCheckResponse>({ status: enumOf(3) });

export const cases: readonly Case[] = [
  testCase(ResponseHeader, header),
  testCase(KeyValue, keyValue),
  testCase(
    Event,
    record<Event>({ type: enumOf(1), kv: maybe(rawKeyValue), prevKv: maybe(rawKeyValue) }),
  ),
  testCase(
    DecodedEvent,
    record<DecodedEvent>({ type: enumOf(1), kv: maybe(keyValue), prevKv: maybe(keyValue) }),
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
  ...coordinationCases,
];
