import {
  exponentialBuckets,
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
} from '../host/metrics.ts';
import type { PutRow } from '../mvcc/types.ts';
import { isTombstoneKey } from '../mvcc/revision.ts';

/** What fills the store, and what is done to keep it small and sound, under etcd's names. */
export interface SpaceMetrics {
  readonly putBytes: { add(bytes: number): void };
  readonly compactedRows: Counter;
  /** Milliseconds; the other durations are seconds. */
  readonly compaction: Histogram;
  readonly defragmentation: Histogram;
  readonly isDefragmenting: Gauge;
  readonly hash: Histogram;
  readonly hashKv: Histogram;
}

export function spaceMetrics(metrics: Metrics): SpaceMetrics {
  let putBytes = 0;
  metrics.gauge(
    'etcd_debugging_mvcc_total_put_size_in_bytes',
    'The total size of put kv pairs seen by this member.',
    () => putBytes,
  );
  const hashBuckets = exponentialBuckets(0.01, 2, 15);
  return {
    putBytes: { add: (bytes) => void (putBytes += bytes) },
    compactedRows: metrics.counter(
      'etcd_debugging_mvcc_db_compaction_keys_total',
      'Total number of db keys compacted.',
    ),
    compaction: metrics.histogram(
      'etcd_debugging_mvcc_db_compaction_total_duration_milliseconds',
      'Time of a compaction, from its first deletion to the last.',
      exponentialBuckets(100, 2, 14),
    ),
    defragmentation: metrics.histogram(
      'etcd_disk_backend_defrag_duration_seconds',
      'The latency distribution of backend defragmentation.',
      exponentialBuckets(0.1, 2, 13),
    ),
    isDefragmenting: metrics.gauge(
      'etcd_disk_defrag_inflight',
      'Whether or not defrag is active on the member. 1 means active, 0 means not.',
    ),
    hash: metrics.histogram(
      'etcd_mvcc_hash_duration_seconds',
      'The latency distribution of storage hash operation.',
      hashBuckets,
    ),
    hashKv: metrics.histogram(
      'etcd_mvcc_hash_rev_duration_seconds',
      'The latency distribution of storage hash by revision operation.',
      hashBuckets,
    ),
  };
}

/** Bytes of the key-values among the rows: tombstones are no puts. */
export function putBytesOf(rows: readonly PutRow[]): number {
  let total = 0;
  for (const { key, value } of rows) if (!isTombstoneKey(key)) total += value.length;
  return total;
}
