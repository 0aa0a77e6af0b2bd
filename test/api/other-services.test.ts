import { Readiness } from '../../src/api/readiness.ts';
import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { MemberListRequest, MemberListResponse } from '../../src/wire/cluster.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { Code, errors, failed, ok } from '../../src/wire/errors.ts';
import { HealthCheckRequest, HealthCheckResponse } from '../../src/wire/health.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmResponse,
  AlarmType,
  HashKVRequest,
  HashKVResponse,
  HashResponse,
  MoveLeaderRequest,
  StatusResponse,
  type AlarmMember,
} from '../../src/wire/maintenance.ts';
import { FakeMember, memberInfo } from './fake-member.ts';
import { answerOf, sampleOf, servicesOf, start } from './services.ts';

const nothing = new Uint8Array(0);
const filled = { clusterId: 0xc1n, memberId: 0xa1n, revision: 7, raftTerm: 3 };

const nospace: AlarmMember = { memberId: 0xa1n, alarm: AlarmType.NOSPACE };
const corruptCluster: AlarmMember = { memberId: 0n, alarm: AlarmType.CORRUPT };

function messageOf(member: FakeMember, path: string, request: Uint8Array = nothing): Uint8Array {
  const { code, text, messages } = answerOf(servicesOf(member), path, request);
  assert.equal(code, Code.OK, text);
  return mustGet(messages[0], 'message');
}

describe('Maintenance', () => {
  const path = (method: string): string => `/etcdserverpb.Maintenance/${method}`;

  it('Status tells the version of etcd and the state of the member, a learner too', () => {
    const member = new FakeMember();
    member.isLearner = true;
    assert.deepEqual(StatusResponse.decode(messageOf(member, path('Status'))), {
      header: filled,
      version: '3.7.3',
      dbSize: 200,
      leader: 0xa1n,
      raftIndex: 11,
      raftTerm: 3,
      raftAppliedIndex: 10,
      errors: [],
      dbSizeInUse: 100,
      isLearner: true,
      storageVersion: '3.7.0',
      dbSizeQuota: 2 ** 31,
      downgradeInfo: { enabled: false, targetVersion: '' },
    });
  });

  it('Status lists the lack of a leader among its errors', () => {
    const member = new FakeMember();
    member.lead = 0n;
    const { errors: listed } = StatusResponse.decode(messageOf(member, path('Status')));
    assert.deepEqual(listed, ['etcdserver: no leader']);
  });

  it('Status lists the alarms in force among its errors', () => {
    const member = new FakeMember();
    member.raised = [nospace, corruptCluster, { memberId: 5n, alarm: 9 }];
    const { errors: listed } = StatusResponse.decode(messageOf(member, path('Status')));
    assert.deepEqual(listed, ['memberID:161 alarm:NOSPACE', 'alarm:CORRUPT', 'memberID:5 alarm:9']);
  });

  it('Alarm GET lists all or those of one type, as of a linearizable read', () => {
    const member = new FakeMember();
    const listed = (alarm: number): readonly AlarmMember[] => {
      const request = AlarmRequest.encode({ action: AlarmAction.GET, memberId: 3n, alarm });
      const response = AlarmResponse.decode(messageOf(member, path('Alarm'), request));
      assert.deepEqual(response.header, filled);
      return response.alarms;
    };
    assert.deepEqual(listed(AlarmType.NONE), []);
    member.raised = [nospace, corruptCluster];
    assert.deepEqual(listed(AlarmType.NONE), [nospace, corruptCluster]);
    assert.deepEqual(listed(AlarmType.CORRUPT), [corruptCluster]);
    assert.deepEqual(listed(9), []);
    assert.deepEqual(member.proposals, [], 'a list changes nothing, so it is not replicated');
    member.readOutcome = failed(errors.timeout);
    assert.equal(answerOf(servicesOf(member), path('Alarm'), nothing).text, errors.timeout.text);
  });

  it('Alarm ACTIVATE and DEACTIVATE go through the log and answer what was changed', () => {
    const member = new FakeMember();
    const request = AlarmRequest.encode({ action: AlarmAction.ACTIVATE, ...nospace });
    const call = start(servicesOf(member), path('Alarm'), request);
    const [proposal] = member.proposals;
    assert.equal(proposal?.kind, CommandKind.alarm);
    assert.deepEqual(proposal.request, request);
    proposal.done(ok({ header: undefined, alarms: [nospace] }));
    const response = AlarmResponse.decode(mustGet(call.messages[0], 'answer'));
    assert.deepEqual(response, { header: filled, alarms: [nospace] });
  });

  it('HashKV and Hash carry a whole header', () => {
    const member = new FakeMember();
    const hashKv = HashKVResponse.decode(
      messageOf(member, path('HashKV'), HashKVRequest.encode({ revision: 7 })),
    );
    assert.deepEqual(hashKv, { header: filled, hash: 5, compactRevision: -1, hashRevision: 7 });
    const hash = HashResponse.decode(messageOf(member, path('Hash')));
    assert.deepEqual(hash, { header: filled, hash: 9 });
  });

  it('Defragment and MoveLeader answer with nothing at all, not even a header', () => {
    const member = new FakeMember();
    assert.deepEqual(messageOf(member, path('Defragment')), nothing);
    const move = MoveLeaderRequest.encode({ targetId: 0xb2n });
    assert.deepEqual(messageOf(member, path('MoveLeader'), move), nothing);
    assert.deepEqual(member.transfers, [0xb2n]);
  });

  it('MoveLeader leaves it to the member to whom the leadership may go', () => {
    const services = servicesOf(new FakeMember());
    const toStranger = MoveLeaderRequest.encode({ targetId: 1n });
    const { text } = answerOf(services, path('MoveLeader'), toStranger);
    assert.equal(text, 'etcdserver: bad leader transferee');
  });

  it('passes on what the member could not do', () => {
    const member = new FakeMember();
    member.hashKvOutcome = failed(errors.futureRevision);
    member.plainOutcome = failed(errors.timeout);
    const services = servicesOf(member);
    assert.equal(answerOf(services, path('HashKV'), nothing).text, errors.futureRevision.text);
    assert.equal(answerOf(services, path('Defragment'), nothing).text, errors.timeout.text);
  });
});

describe('Cluster', () => {
  const path = '/etcdserverpb.Cluster/MemberList';

  it('MemberList is ordered by id, and its header has no revision', () => {
    const member = new FakeMember();
    member.infos = [memberInfo(2n ** 63n, 'high'), memberInfo(5n, 'low', true)];
    const { header, members } = MemberListResponse.decode(messageOf(member, path));
    assert.deepEqual(header, { ...filled, revision: 0 });
    assert.deepEqual(
      members.map(({ id, name, isLearner }) => [id, name, isLearner]),
      [
        [5n, 'low', true],
        [2n ** 63n, 'high', false],
      ],
    );
  });

  it('MemberList asks ReadIndex only when it is to be linearizable', () => {
    const member = new FakeMember();
    member.readOutcome = failed(errors.timeout);
    messageOf(member, path);
    const linearizable = MemberListRequest.encode({ linearizable: true });
    assert.equal(answerOf(servicesOf(member), path, linearizable).text, errors.timeout.text);
  });
});

describe('grpc.health.v1', () => {
  it('Watch tells the status and stays open until the caller leaves', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, '/grpc.health.v1.Health/Watch', nothing);
    assert.deepEqual(
      call.messages.map((message) => HealthCheckResponse.decode(message).status),
      [1],
    );
    assert.equal(call.answer, undefined);
    call.cancel();
    const series =
      'grpc_server_handled_total{grpc_code="Canceled",grpc_method="Watch",' +
      'grpc_service="grpc.health.v1.Health",grpc_type="server_stream"}';
    assert.equal(sampleOf(services.metrics, series), 1);
  });

  it('does not serve before the member is ready, and Watch tells when it is', () => {
    const readiness = new Readiness();
    const services = servicesOf(new FakeMember(), { readiness });
    const check = answerOf(services, '/grpc.health.v1.Health/Check', nothing);
    assert.deepEqual(
      check.messages.map((message) => HealthCheckResponse.decode(message).status),
      [2],
    );
    const watch = start(services, '/grpc.health.v1.Health/Watch', nothing);
    readiness.markReady();
    assert.deepEqual(
      watch.messages.map((message) => HealthCheckResponse.decode(message).status),
      [2, 1],
    );
  });

  it('Watch of an unknown service says so and stays open as well', () => {
    const request = HealthCheckRequest.encode({ service: 'nope' });
    const call = start(servicesOf(new FakeMember()), '/grpc.health.v1.Health/Watch', request);
    assert.deepEqual(
      call.messages.map((message) => HealthCheckResponse.decode(message).status),
      [3],
    );
    assert.equal(call.answer, undefined);
  });
});
