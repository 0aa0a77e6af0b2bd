import assert from 'node:assert/strict';
import { registerMemberMetrics } from '../../src/api/member-metrics.ts';
import { versionsMax } from '../../src/api/rpc-metrics.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { RangeRequest } from '../../src/wire/kv.ts';
import { AlarmType } from '../../src/wire/maintenance.ts';
import { FakeMember } from './fake-member.ts';
import { answerOf, sampleOf, servicesOf } from './services.ts';

const range = '/etcdserverpb.KV/Range';
const request = RangeRequest.encode({ key: utf8('a') });
const labels = 'grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"';

describe('the metrics of calls', () => {
  it('are all there as 0 before the first call, as etcd has them', () => {
    const { metrics } = servicesOf(new FakeMember());
    assert.equal(sampleOf(metrics, `grpc_server_started_total{${labels}}`), 0);
    assert.equal(sampleOf(metrics, `grpc_server_handled_total{grpc_code="OK",${labels}}`), 0);
    const text = metrics.render();
    // 45 methods of the services that etcd 3.7.3 counts, and Lock and Election, which it serves uncounted by 0.
    const methods = text.match(/^grpc_server_started_total\{/gm)?.length;
    assert.equal(methods, 45 + 7);
    assert.equal(text.match(/^grpc_server_handled_total\{/gm)?.length, (methods ?? 0) * 17);
  });

  it('count calls by code, and the bytes of their messages', () => {
    const services = servicesOf(new FakeMember());
    const { messages } = answerOf(services, range, request);
    answerOf(services, range, new Uint8Array(0));
    const { metrics } = services;
    assert.equal(sampleOf(metrics, `grpc_server_started_total{${labels}}`), 2);
    assert.equal(sampleOf(metrics, `grpc_server_msg_received_total{${labels}}`), 2);
    assert.equal(sampleOf(metrics, `grpc_server_msg_sent_total{${labels}}`), 2);
    assert.equal(sampleOf(metrics, `grpc_server_handled_total{grpc_code="OK",${labels}}`), 1);
    const invalid = `grpc_server_handled_total{grpc_code="InvalidArgument",${labels}}`;
    assert.equal(sampleOf(metrics, invalid), 1);
    assert.equal(
      sampleOf(metrics, 'etcd_network_client_grpc_received_bytes_total'),
      request.length,
    );
    assert.equal(
      sampleOf(metrics, 'etcd_network_client_grpc_sent_bytes_total'),
      messages[0]?.length,
    );
  });

  it('count a malformed request as bytes and not as a call', () => {
    const services = servicesOf(new FakeMember());
    answerOf(services, range, new Uint8Array([0x0a, 9]));
    assert.equal(sampleOf(services.metrics, `grpc_server_started_total{${labels}}`), 0);
    assert.equal(sampleOf(services.metrics, 'etcd_network_client_grpc_received_bytes_total'), 2);
  });

  it('tell apart only so many versions that clients name', () => {
    const services = servicesOf(new FakeMember());
    for (let i = 0; i < versionsMax + 5; i++) {
      answerOf(services, range, request, { 'client-api-version': `v${i}` });
    }
    const of = (version: string): number | undefined =>
      sampleOf(
        services.metrics,
        `etcd_server_client_requests_total{client_api_version="${version}",type="unary"}`,
      );
    assert.equal(of('v0'), 1);
    assert.equal(of('other'), 5);
  });

  it('count a call without a version as unknown, and a UTF-8 one as it is', () => {
    const services = servicesOf(new FakeMember());
    answerOf(services, range, request);
    answerOf(services, range, request, { 'client-api-version': '\u00c3\u00a9' });
    for (const version of ['unknown', '\u00e9']) {
      const series = `etcd_server_client_requests_total{client_api_version="${version}",type="unary"}`;
      assert.equal(sampleOf(services.metrics, series), 1, version);
    }
  });
});

describe('the metrics of a member', () => {
  it('tell its state under the names that dashboards use', () => {
    const metrics = createMetrics();
    const member = new FakeMember();
    registerMemberMetrics(metrics, member);
    const expected = {
      etcd_server_has_leader: 1,
      etcd_server_is_leader: 1,
      etcd_server_is_learner: 0,
      'etcd_server_id{server_id="a1"}': 1,
      'etcd_server_version{server_version="3.7.3"}': 1,
      'etcd_cluster_version{cluster_version="3.7"}': 1,
      etcd_server_quota_backend_bytes: 2 ** 31,
      etcd_mvcc_db_total_size_in_bytes: 200,
      etcd_mvcc_db_total_size_in_use_in_bytes: 100,
      etcd_debugging_mvcc_current_revision: 7,
      etcd_debugging_mvcc_compact_revision: 0,
    };
    for (const [series, value] of Object.entries(expected)) {
      assert.equal(sampleOf(metrics, series), value, series);
    }
    member.lead = 0n;
    assert.equal(sampleOf(metrics, 'etcd_server_has_leader'), 0);
    assert.equal(sampleOf(metrics, 'etcd_server_is_leader'), 0);
  });

  it('tell the alarms in force, and no others', () => {
    const metrics = createMetrics();
    const member = new FakeMember();
    registerMemberMetrics(metrics, member);
    const nospace = 'etcd_debugging_server_alarms{alarm_type="NOSPACE",server_id="a1"}';
    assert.equal(sampleOf(metrics, nospace), undefined);
    member.raised = [{ memberId: 0xa1n, alarm: AlarmType.NOSPACE }];
    assert.equal(sampleOf(metrics, nospace), 1);
    member.raised = [];
    assert.equal(sampleOf(metrics, nospace), undefined);
  });
});
