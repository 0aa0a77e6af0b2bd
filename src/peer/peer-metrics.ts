import {
  exponentialBuckets,
  type Counter,
  type Metrics,
  type SeriesCounter,
} from '../host/metrics.ts';
import type { MemberId } from '../raft/types.ts';
import { describeId } from './handshake.ts';

/** What the transport counts, under etcd's names (server/etcdserver/api/rafthttp/metrics.go). */
export interface PeerMetrics {
  sent(to: MemberId, sizeBytes: number): void;
  received(from: MemberId, sizeBytes: number): void;
  sendFailed(to: MemberId, messages: number): void;
  roundTrip(to: MemberId, durationMs: number): void;
  active(remote: MemberId, isActive: boolean): void;
}

const ignore = (): void => undefined;
const uncounted: PeerMetrics = {
  sent: ignore,
  received: ignore,
  sendFailed: ignore,
  roundTrip: ignore,
  active: ignore,
};

export function peerMetrics(metrics: Metrics | undefined, local: MemberId): PeerMetrics {
  if (metrics === undefined) return uncounted;
  const sentBytes = metrics.counter(
    'etcd_network_peer_sent_bytes_total',
    'The total number of bytes sent to peers.',
  );
  const receivedBytes = metrics.counter(
    'etcd_network_peer_received_bytes_total',
    'The total number of bytes received from peers.',
  );
  const sentFailures = metrics.counter(
    'etcd_network_peer_sent_failures_total',
    'The total number of send failures from peers.',
  );
  const roundTrips = metrics.histogram(
    'etcd_network_peer_round_trip_time_seconds',
    'Round-Trip-Time histogram between peers',
    exponentialBuckets(0.0001, 2, 16),
  );
  const active = metrics.gauge(
    'etcd_network_active_peers',
    'The current number of active peer connections.',
  );
  const sentTo = new CountersOfMembers(sentBytes, 'To');
  const receivedFrom = new CountersOfMembers(receivedBytes, 'From');
  return {
    sent: (to, sizeBytes) => sentTo.of(to).add(sizeBytes),
    received: (from, sizeBytes) => receivedFrom.of(from).add(sizeBytes),
    sendFailed: (to, messages) => sentFailures.add(messages, { To: describeId(to) }),
    roundTrip: (to, durationMs) => roundTrips.observe(durationMs / 1000, { To: describeId(to) }),
    active: (remote, isActive) =>
      active.set(isActive ? 1 : 0, { Local: describeId(local), Remote: describeId(remote) }),
  };
}

/** The series of a counter that is counted in for each frame, found by the member. */
class CountersOfMembers {
  private readonly counter: Counter;
  private readonly label: string;
  private readonly byMember = new Map<MemberId, SeriesCounter>();

  constructor(counter: Counter, label: string) {
    this.counter = counter;
    this.label = label;
  }

  of(member: MemberId): SeriesCounter {
    const known = this.byMember.get(member);
    if (known !== undefined) return known;
    const series = this.counter.series({ [this.label]: describeId(member) });
    this.byMember.set(member, series);
    return series;
  }
}
