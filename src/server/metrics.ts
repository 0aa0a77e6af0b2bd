import {
  exponentialBuckets,
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
} from '../host/metrics.ts';

/** What the loops of a member count, under etcd's names. What its state says by itself, api/member-metrics.ts shows. */
export interface MemberMetrics {
  readonly leaderChanges: Counter;
  readonly proposalsFailed: Counter;
  readonly slowApplies: Counter;
  readonly slowReadIndexes: Counter;
  readonly readIndexesFailed: Counter;
  readonly logSync: Histogram;
  readonly storeCommit: Histogram;
  readonly puts: Counter;
  readonly deletes: Counter;
  readonly ranges: Counter;
  readonly txns: Counter;
  readonly snapshotApplies: Gauge;
  /** By `check` and `result`. */
  readonly corruptionChecks: Counter;
  readonly promoted: Counter;
  /** By reason. */
  readonly promotionsFailed: Counter;
}

/** The figures that are read when someone asks for them. */
export interface MemberFigures {
  committed(): number;
  applied(): number;
  pending(): number;
  keys(): number;
}

/** 1 ms to 8 s in 14 doublings: dashboards compute quantiles from exactly these. */
const diskBuckets = exponentialBuckets(0.001, 2, 14);

export function memberMetrics(metrics: Metrics, figures: MemberFigures): MemberMetrics {
  const gauges: readonly (readonly [string, string, () => number])[] = [
    [
      'etcd_server_proposals_committed_total',
      'Index of the last committed entry.',
      figures.committed,
    ],
    ['etcd_server_proposals_applied_total', 'Index of the last applied entry.', figures.applied],
    ['etcd_server_proposals_pending', 'Proposals that wait for an answer.', figures.pending],
    ['etcd_debugging_mvcc_keys_total', 'Live keys.', figures.keys],
  ];
  for (const [name, help, read] of gauges) metrics.gauge(name, help, read);
  const counter = (name: string, help: string): Counter => metrics.counter(name, help);
  return {
    leaderChanges: counter('etcd_server_leader_changes_seen_total', 'Changes of leader seen.'),
    proposalsFailed: counter('etcd_server_proposals_failed_total', 'Proposals that failed.'),
    slowApplies: counter('etcd_server_slow_apply_total', 'Entries that took long to apply.'),
    slowReadIndexes: counter(
      'etcd_server_slow_read_indexes_total',
      'ReadIndex rounds asked again.',
    ),
    readIndexesFailed: counter(
      'etcd_server_read_indexes_failed_total',
      'ReadIndex rounds given up.',
    ),
    logSync: metrics.histogram(
      'etcd_disk_wal_fsync_duration_seconds',
      'Time of a synced write to the log.',
      diskBuckets,
    ),
    storeCommit: metrics.histogram(
      'etcd_disk_backend_commit_duration_seconds',
      'Time of a commit of the store.',
      diskBuckets,
    ),
    puts: counter('etcd_mvcc_put_total', 'Puts applied.'),
    deletes: counter('etcd_mvcc_delete_total', 'Deletes applied.'),
    ranges: counter('etcd_mvcc_range_total', 'Ranges answered.'),
    txns: counter('etcd_mvcc_txn_total', 'Transactions applied.'),
    corruptionChecks: metrics.counter(
      'quorate_corruption_checks_total',
      'Comparisons of the hashes of members: equal, different, or unknown when one could not be compared.',
      ['check', 'result'],
    ),
    snapshotApplies: metrics.gauge(
      'etcd_server_snapshot_apply_in_progress_total',
      'Whether a snapshot is being installed: 1 or 0.',
    ),
    promoted: counter(
      'etcd_server_learner_promote_successes',
      'Learners promoted while this member was the leader.',
    ),
    promotionsFailed: metrics.counter(
      'etcd_server_learner_promote_failures',
      'Promotions refused while this member was the leader, most likely of learners not ready.',
      ['Reason'],
    ),
  };
}
