import { utf8, type Bytes } from '../../../src/base/bytes.ts';
import { MemberListRequest } from '../../../src/wire/cluster.ts';
import { HealthCheckRequest } from '../../../src/wire/health.ts';
import { PutRequest, RangeRequest } from '../../../src/wire/kv.ts';
import {
  AlarmAction,
  AlarmRequest,
  HashKVRequest,
  MoveLeaderRequest,
} from '../../../src/wire/maintenance.ts';
import { compact, deleteRange, put, range, step, type Scenario, type Step } from './scenario.ts';

const maintenance = (name: string, method: string, request: Bytes): Step =>
  step(name, `/etcdserverpb.Maintenance/${method}`, request);
const nothing = new Uint8Array(0);
const hashKv = (name: string, revision = 0): Step =>
  maintenance(name, 'HashKV', HashKVRequest.encode({ revision }));

export const maintenanceScenario: Scenario = {
  name: 'maintenance',
  steps: [
    maintenance('status of a fresh member', 'Status', nothing),
    hashKv('hash of a fresh store'),
    put('a', { key: 'a', value: '1' }),
    put('b', { key: 'b', value: '2' }),
    put('a again', { key: 'a', value: '3' }),
    deleteRange('delete b', { key: 'b' }),
    hashKv('hash at the newest revision'),
    hashKv('hash at revision 3', 3),
    hashKv('hash at a future revision', 1000),
    hashKv('hash at a negative revision', -1),
    compact('compact at 3', { revision: 3, physical: true }),
    hashKv('hash at the compacted revision', 3),
    hashKv('hash after the compaction'),
    hashKv('hash before the compaction', 2),
    maintenance('hash of the whole store', 'Hash', nothing),
    maintenance('alarms', 'Alarm', AlarmRequest.encode({ action: AlarmAction.GET })),
    maintenance('defragment', 'Defragment', nothing),
    maintenance(
      'move the leader to nobody',
      'MoveLeader',
      MoveLeaderRequest.encode({ targetId: 1n }),
    ),
    maintenance('status', 'Status', nothing),
  ],
};

export const clusterScenario: Scenario = {
  name: 'cluster',
  steps: [
    step('members', '/etcdserverpb.Cluster/MemberList', nothing),
    step(
      'members, linearizable',
      '/etcdserverpb.Cluster/MemberList',
      MemberListRequest.encode({ linearizable: true }),
    ),
  ],
};

const health = (name: string, method: string, service: string, take?: number): Step =>
  step(
    name,
    `/grpc.health.v1.Health/${method}`,
    HealthCheckRequest.encode({ service }),
    take === undefined ? {} : { take },
  );

export const healthScenario: Scenario = {
  name: 'health',
  steps: [
    health('the server', 'Check', ''),
    health('an unknown service', 'Check', 'etcdserverpb.KV'),
    health('watch the server', 'Watch', '', 1),
    health('watch an unknown service', 'Watch', 'nope', 1),
    health('list', 'List', ''),
  ],
};

const key = RangeRequest.encode({ key: utf8('a') });
const withMetadata = (
  name: string,
  metadata: Readonly<Record<string, string>>,
  path = 'KV/Range',
): Step => step(name, `/etcdserverpb.${path}`, key, { metadata });

/** What is no message: not one of these bytes may change anything. */
const garbage: readonly (readonly [string, Bytes])[] = [
  ['a tag and no more', new Uint8Array([0x0a])],
  ['a length beyond the end', new Uint8Array([0x0a, 0x05, 0x61])],
  ['field number 0', new Uint8Array([0x00, 0x01])],
  ['a varint of eleven bytes', new Uint8Array([0x18, ...Array<number>(10).fill(0xff), 0x01])],
  ['wire type 7', new Uint8Array([0x0f])],
  ['an end of a group', new Uint8Array([0x0c])],
  ['an open group', new Uint8Array([0x7b, 0x08, 0x01])],
  ['all ones', new Uint8Array(16).fill(0xff)],
];

export const badInputScenario: Scenario = {
  name: 'bad-input',
  steps: [
    ...garbage.map(([name, bytes]) => step(`range: ${name}`, '/etcdserverpb.KV/Range', bytes)),
    step('put: garbage', '/etcdserverpb.KV/Put', new Uint8Array([0x0a, 0x05, 0x61])),
    step(
      'txn: garbage within an operation',
      '/etcdserverpb.KV/Txn',
      new Uint8Array([0x12, 0x02, 0x0a, 0x7f]),
    ),
    step('status: garbage', '/etcdserverpb.Maintenance/Status', new Uint8Array([0x0f])),
    step('range stream: garbage', '/etcdserverpb.KV/RangeStream', new Uint8Array([0x0a])),
    step(
      'health: invalid UTF-8',
      '/grpc.health.v1.Health/Check',
      new Uint8Array([0x0a, 0x01, 0xff]),
    ),
    step(
      'put: an unknown field is ignored',
      '/etcdserverpb.KV/Put',
      joined(PutRequest.encode({ key: utf8('a'), value: utf8('1') }), [0xf8, 0x7f, 0x01]),
    ),
    step(
      'put: a field of the wrong wire type is ignored',
      '/etcdserverpb.KV/Put',
      joined(PutRequest.encode({ key: utf8('a'), value: utf8('2') }), [0x1a, 0x01, 0x61]),
    ),
    step(
      'put: the last of two keys counts',
      '/etcdserverpb.KV/Put',
      new Uint8Array([0x0a, 0x01, 0x62, 0x0a, 0x01, 0x63]),
    ),
    range('what the puts did', { key: '\0', rangeEnd: '\0' }),
    step('an unknown method', '/etcdserverpb.KV/Nope', nothing),
    step('an unknown service', '/etcdserverpb.Nope/Nope', nothing),
    withMetadata('a leader is asked for and there', { hasleader: 'true' }),
    withMetadata('not asked for', { hasleader: 'yes' }),
    withMetadata('a client version', { 'client-api-version': '3.7' }),
    withMetadata(
      'a stream with a client version',
      { 'client-api-version': '3.7' },
      'KV/RangeStream',
    ),
  ],
};

function joined(message: Bytes, more: readonly number[]): Bytes {
  return new Uint8Array([...message, ...more]);
}
