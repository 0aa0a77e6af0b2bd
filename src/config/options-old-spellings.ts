import { duration, ignored, rowsOf, text, type Option } from './option.ts';

/**
 * Flags that etcd 3.5 and 3.6 called experimental. Each still works, as what it became in 3.7: another flag, or a
 * feature gate (etcd CHANGELOG-3.6; server/embed/config.go of 3.5).
 */
export type OldSpelling =
  | { readonly flag: string; readonly becameFlag: string }
  | { readonly flag: string; readonly becameGate: string };

const sameNameWithoutPrefix = [
  'backend-bbolt-freelist-type',
  'bootstrap-defrag-threshold-megabytes',
  'compact-hash-check-time',
  'compaction-batch-limit',
  'compaction-sleep-interval',
  'corrupt-check-time',
  'distributed-tracing-address',
  'distributed-tracing-instance-id',
  'distributed-tracing-sampling-rate',
  'distributed-tracing-service-name',
  'downgrade-check-time',
  'enable-distributed-tracing',
  'max-learners',
  'memory-mlock',
  'peer-skip-client-san-verification',
  'snapshot-catchup-entries',
  'warning-apply-duration',
  'warning-unary-request-duration',
  'watch-progress-notify-interval',
];

const gates: Readonly<Record<string, string>> = {
  'compact-hash-check-enabled': 'CompactHashCheck',
  'enable-lease-checkpoint': 'LeaseCheckpoint',
  'enable-lease-checkpoint-persist': 'LeaseCheckpointPersist',
  'initial-corrupt-check': 'InitialCorruptCheck',
  'set-member-localaddr': 'SetMemberLocalAddr',
  'stop-grpc-service-on-defrag': 'StopGRPCServiceOnDefrag',
  'txn-mode-write-with-shared-buffer': 'TxnModeWriteWithSharedBuffer',
};

export const oldSpellings: readonly OldSpelling[] = [
  ...sameNameWithoutPrefix.map((flag) => ({ flag: `experimental-${flag}`, becameFlag: flag })),
  ...Object.entries(gates).map(([flag, gate]) => ({
    flag: `experimental-${flag}`,
    becameGate: gate,
  })),
];

const row = rowsOf('No longer used');

/** Experimental flags that led to nothing. */
export const goneExperimentalOptions: readonly Option[] = [
  row(
    'experimental-wait-cluster-ready-timeout',
    duration('5s'),
    'Waited for the cluster up to etcd 3.6.',
    ignored('a member serves as soon as it knows its own state'),
  ),
  row(
    'experimental-enable-v2v3',
    text(''),
    'Served the v2 API from v3 data up to etcd 3.4.',
    ignored('there is no v2 API'),
  ),
];
