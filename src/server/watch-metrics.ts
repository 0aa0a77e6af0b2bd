import type { Counter, Metrics } from '../host/metrics.ts';

/** What a member says of its watches, under etcd's names (server/storage/mvcc/metrics.go). */
export interface WatchMetrics {
  readonly events: Counter;
  readonly register: (figures: WatchFigures) => void;
}

/** The figures that are read when someone asks for them. */
export interface WatchFigures {
  streams(): number;
  watchers(): number;
  slowWatchers(): number;
  pendingEvents(): number;
}

export function watchMetrics(metrics: Metrics): WatchMetrics {
  const name = (what: string): string => `etcd_debugging_mvcc_${what}_total`;
  return {
    events: metrics.counter(name('events'), 'Total number of events sent by this member.'),
    register: ({ streams, watchers, slowWatchers, pendingEvents }) => {
      metrics.gauge(name('watch_stream'), 'Total number of watch streams.', streams);
      metrics.gauge(name('watcher'), 'Total number of watchers.', watchers);
      metrics.gauge(name('slow_watcher'), 'Total number of unsynced slow watchers.', slowWatchers);
      metrics.gauge(
        name('pending_events'),
        'Total number of pending events to be sent.',
        pendingEvents,
      );
    },
  };
}
