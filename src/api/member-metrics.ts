import type { Metrics } from '../host/metrics.ts';
import { noMember } from '../raft/types.ts';
import type { Member } from '../server/types.ts';
import { describeAlarmType } from '../wire/maintenance.ts';
import { clusterVersion, etcdVersion } from '../wire/version.ts';

/** What a member's state says at the time of asking, under etcd's names. What must be counted, its shell counts. */
export function registerMemberMetrics(metrics: Metrics, member: Member): void {
  registerIdentity(metrics, member);
  registerRole(metrics, member);
  registerSizes(metrics, member);
  registerAlarms(metrics, member);
}

function registerIdentity(metrics: Metrics, member: Member): void {
  const [major, minor] = clusterVersion.split('.');
  metrics
    .gauge(
      'etcd_cluster_version',
      "Which version is running. 1 for 'cluster_version' label with current cluster version",
      ['cluster_version'],
    )
    .set(1, { cluster_version: `${major}.${minor}` });
  metrics
    .gauge(
      'etcd_server_version',
      "Which version is running. 1 for 'server_version' label with current version.",
      ['server_version'],
    )
    .set(1, { server_version: etcdVersion });
  metrics
    .gauge(
      'etcd_server_id',
      "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
      ['server_id'],
    )
    .set(1, { server_id: member.id.toString(16) });
}

function registerRole(metrics: Metrics, member: Member): void {
  const gauge = (name: string, help: string, holds: () => boolean): void => {
    metrics.gauge(`etcd_server_${name}`, help, () => (holds() ? 1 : 0));
  };
  gauge(
    'has_leader',
    'Whether or not a leader exists. 1 is existence, 0 is not.',
    () => member.lead !== noMember,
  );
  gauge(
    'is_leader',
    'Whether or not this member is a leader. 1 if is, 0 otherwise.',
    () => member.lead === member.id,
  );
  gauge(
    'is_learner',
    'Whether or not this member is a learner. 1 if is, 0 otherwise.',
    () => member.isLearner,
  );
}

function registerSizes(metrics: Metrics, member: Member): void {
  metrics.gauge(
    'etcd_server_quota_backend_bytes',
    'Current backend storage quota size in bytes.',
    () => member.status().dbSizeQuota,
  );
  metrics.gauge(
    'etcd_mvcc_db_total_size_in_bytes',
    'Total size of the underlying database physically allocated in bytes.',
    () => member.status().dbSize,
  );
  metrics.gauge(
    'etcd_mvcc_db_total_size_in_use_in_bytes',
    'Total size of the underlying database logically in use in bytes.',
    () => member.status().dbSizeInUse,
  );
  metrics.gauge(
    'etcd_debugging_mvcc_current_revision',
    'The current revision of store.',
    () => member.revision,
  );
  metrics.gauge(
    'etcd_debugging_mvcc_compact_revision',
    'The revision of the last compaction in store.',
    // etcd's gauge is 0 before the first compaction.
    () => Math.max(member.status().compactRevision, 0),
  );
}

function registerAlarms(metrics: Metrics, member: Member): void {
  metrics.readGauge(
    'etcd_debugging_server_alarms',
    "Alarms for every member in cluster. 1 for 'server_id' label with current ID. " +
      "2 for 'alarm_type' label with type of this alarm",
    () =>
      member.alarms().map(({ memberId, alarm }) => ({
        labels: { server_id: memberId.toString(16), alarm_type: describeAlarmType(alarm) },
        value: 1,
      })),
  );
}
