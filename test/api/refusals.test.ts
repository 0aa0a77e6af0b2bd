import assert from 'node:assert/strict';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import { Code } from '../../src/wire/errors.ts';
import { MemberListRequest } from '../../src/wire/cluster.ts';
import {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../src/wire/kv.ts';
import { AlarmRequest } from '../../src/wire/maintenance.ts';
import { FakeMember } from './fake-member.ts';
import { op } from './golden/scenario.ts';
import { answerOf, servicesOf } from './services.ts';

const [a, v] = [utf8('a'), utf8('v')];
const nothing = new Uint8Array(0);
const kv = (method: string): string => `/etcdserverpb.KV/${method}`;
const maintenance = (method: string): string => `/etcdserverpb.Maintenance/${method}`;
const puts = (count: number) =>
  Array.from({ length: count }, (_, i) => op.put({ key: `k${i}`, value: '' }));
const bigValue = new Uint8Array(1.5 * 1024 * 1024 - 16 - 7);

interface Refusal {
  readonly name: string;
  readonly path: string;
  readonly request: Bytes;
  readonly code: number;
  readonly text: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly prepare?: (member: FakeMember) => void;
}

const invalid = Code.InvalidArgument;
const learner = (member: FakeMember): void => void (member.isLearner = true);
const noLeader = (member: FakeMember): void => void (member.lead = 0n);
const notForLearners = {
  code: Code.FailedPrecondition,
  text: 'etcdserver: rpc not supported for learner',
  prepare: learner,
};

/** What is refused, in which words: clients match both. */
const refusals: readonly Refusal[] = [
  {
    name: 'a range without a key',
    path: kv('Range'),
    request: nothing,
    code: invalid,
    text: 'etcdserver: key is not provided',
  },
  {
    name: 'a range in no known order',
    path: kv('Range'),
    request: RangeRequest.encode({ key: a, sortOrder: 3 }),
    code: invalid,
    text: 'etcdserver: invalid sort option',
  },
  {
    name: 'a range by no known target',
    path: kv('Range'),
    request: RangeRequest.encode({ key: a, sortTarget: -1 }),
    code: invalid,
    text: 'etcdserver: invalid sort option',
  },
  {
    name: 'a sorted stream',
    path: kv('RangeStream'),
    request: RangeRequest.encode({ key: a, sortOrder: 2 }),
    code: Code.Unimplemented,
    text: 'RangeStream does not support custom sort orders',
  },
  {
    name: 'a filtered stream',
    path: kv('RangeStream'),
    request: RangeRequest.encode({ key: a, maxModRevision: 2 }),
    code: Code.Unimplemented,
    text: 'RangeStream does not support revision filters',
  },
  {
    name: 'a put without a key',
    path: kv('Put'),
    request: PutRequest.encode({ value: v }),
    code: invalid,
    text: 'etcdserver: key is not provided',
  },
  {
    name: 'a value to be ignored',
    path: kv('Put'),
    request: PutRequest.encode({ key: a, value: v, ignoreValue: true }),
    code: invalid,
    text: 'etcdserver: value is provided',
  },
  {
    name: 'a lease to be ignored',
    path: kv('Put'),
    request: PutRequest.encode({ key: a, lease: 1n, ignoreLease: true }),
    code: invalid,
    text: 'etcdserver: lease is provided',
  },
  {
    name: 'a put that is too large for the log',
    path: kv('Put'),
    request: PutRequest.encode({ key: a, value: bigValue }),
    code: invalid,
    text: 'etcdserver: request is too large',
  },
  {
    name: 'a deletion without a key',
    path: kv('DeleteRange'),
    request: DeleteRangeRequest.encode({ rangeEnd: a }),
    code: invalid,
    text: 'etcdserver: key is not provided',
  },
  {
    name: '129 operations',
    path: kv('Txn'),
    request: TxnRequest.encode({ success: puts(129) }),
    code: invalid,
    text: 'etcdserver: too many operations in txn request',
  },
  {
    name: '129 operations in two levels',
    path: kv('Txn'),
    request: TxnRequest.encode({ failure: [op.txn({ success: puts(128) })] }),
    code: invalid,
    text: 'etcdserver: too many operations in txn request',
  },
  {
    name: 'a compare without a key',
    path: kv('Txn'),
    request: TxnRequest.encode({ compare: [Compare.create()] }),
    code: invalid,
    text: 'etcdserver: key is not provided',
  },
  {
    name: 'an operation that is none',
    path: kv('Txn'),
    request: TxnRequest.encode({ success: [op.unset] }),
    code: invalid,
    text: 'etcdserver: key not found',
  },
  {
    name: 'a key put twice',
    path: kv('Txn'),
    request: TxnRequest.encode({ success: [op.put({ key: 'a' }), op.put({ key: 'a' })] }),
    code: invalid,
    text: 'etcdserver: duplicate key given in txn request',
  },
  {
    name: 'a malformed put',
    path: kv('Put'),
    request: new Uint8Array([0x0a, 5]),
    code: Code.Internal,
    text: 'grpc: error unmarshalling request: proto: cannot parse invalid wire-format data',
  },
  {
    name: 'a malformed stream request',
    path: kv('RangeStream'),
    request: new Uint8Array([0x0f]),
    code: Code.Internal,
    text: 'grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data',
  },
  {
    name: 'text that is no UTF-8',
    path: '/grpc.health.v1.Health/Check',
    request: new Uint8Array([0x0a, 1, 0xff]),
    code: Code.Internal,
    text: 'grpc: error unmarshalling request: string field contains invalid UTF-8',
  },
  {
    name: 'an unknown health service',
    path: '/grpc.health.v1.Health/Check',
    request: new Uint8Array([0x0a, 1, 0x61]),
    code: Code.NotFound,
    text: 'unknown service',
  },
  {
    name: 'a client version that is no UTF-8',
    path: kv('Range'),
    request: RangeRequest.encode({ key: a }),
    metadata: { 'client-api-version': '\u00ff' },
    code: invalid,
    text: 'etcdserver: invalid client api version',
  },
  {
    name: 'a required leader that is not there',
    path: kv('Put'),
    request: PutRequest.encode({ key: a }),
    metadata: { hasleader: 'true' },
    prepare: noLeader,
    code: Code.Unavailable,
    text: 'etcdserver: no leader',
  },
  {
    name: 'the same of a stream',
    path: kv('RangeStream'),
    request: RangeRequest.encode({ key: a }),
    metadata: { hasleader: 'true' },
    prepare: noLeader,
    code: Code.Unavailable,
    text: 'etcdserver: no leader',
  },
  {
    name: 'a put at a learner',
    path: kv('Put'),
    request: PutRequest.encode({ key: a }),
    ...notForLearners,
  },
  {
    name: 'a linearizable range at a learner',
    path: kv('Range'),
    request: RangeRequest.encode({ key: a }),
    ...notForLearners,
  },
  {
    name: 'a stream at a learner, serializable or not',
    path: kv('RangeStream'),
    request: RangeRequest.encode({ key: a, serializable: true }),
    ...notForLearners,
  },
  {
    name: 'the members at a learner',
    path: '/etcdserverpb.Cluster/MemberList',
    request: MemberListRequest.encode({}),
    ...notForLearners,
  },
  {
    name: 'an alarm to be raised at a learner',
    path: maintenance('Alarm'),
    request: AlarmRequest.encode({ action: 1 }),
    ...notForLearners,
  },
];

describe('what the services refuse', () => {
  for (const { name, path, request, metadata, prepare, code, text } of refusals) {
    it(`${name}: ${text}`, () => {
      const services = servicesOf(new FakeMember());
      prepare?.(services.member);
      const answer = answerOf(services, path, request, metadata ?? {});
      assert.deepEqual(answer, { code, text, messages: [] });
      assert.deepEqual(services.member.proposals, [], 'nothing may have been proposed');
      assert.deepEqual(services.member.ranges, [], 'nothing may have been read');
    });
  }

  it('every method of etcd that is not built, streams included', () => {
    const services = servicesOf(new FakeMember());
    const notBuilt = ['Maintenance/Snapshot', 'Auth/AuthEnable'];
    for (const method of notBuilt) {
      const answer = answerOf(services, `/etcdserverpb.${method}`, new Uint8Array([1, 2, 3]));
      const text = `method ${method.split('/')[1]} not implemented`;
      assert.deepEqual(answer, { code: Code.Unimplemented, text, messages: [] });
    }
  });
});
