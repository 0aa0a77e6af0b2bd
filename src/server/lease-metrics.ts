import { exponentialBuckets, type Counter, type Histogram, type Metrics } from '../host/metrics.ts';

/** Under etcd's names (server/lease/metrics.go, server/etcdserver/metrics.go). */
export interface LeaseMetrics {
  readonly granted: Counter;
  readonly revoked: Counter;
  readonly renewed: Counter;
  readonly expired: Counter;
  /** Seconds. */
  readonly ttls: Histogram;
}

/** From a second to three months in 24 doublings. */
const ttlBuckets = exponentialBuckets(1, 2, 24);

export function leaseMetrics(metrics: Metrics): LeaseMetrics {
  return {
    granted: metrics.counter('etcd_debugging_lease_granted_total', 'Leases granted.'),
    revoked: metrics.counter('etcd_debugging_lease_revoked_total', 'Leases revoked.'),
    renewed: metrics.counter('etcd_debugging_lease_renewed_total', 'Renewals by this leader.'),
    expired: metrics.counter(
      'etcd_debugging_server_lease_expired_total',
      'Leases that this leader let expire.',
    ),
    ttls: metrics.histogram('etcd_debugging_lease_ttl_total', 'TTLs of leases.', ttlBuckets),
  };
}
