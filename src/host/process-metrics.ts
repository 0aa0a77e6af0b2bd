import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/**
 * What every process shows of itself: under the names of Prometheus' own client libraries, so that dashboards
 * made for etcd find them, and the delay of the event loop, which is a Node server's first symptom.
 */
export function registerProcessMetrics(metrics: Metrics): { readonly close: () => void } {
  registerResources(metrics);
  registerFileDescriptors(metrics);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registerEventLoop(metrics, delay);
  return { close: () => void delay.disable() };
}

function registerResources(metrics: Metrics): void {
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const startSeconds = Date.now() / 1000 - process.uptime();
  metrics.counter(
    'process_cpu_seconds_total',
    'Total user and system CPU time spent in seconds.',
    cpuSeconds,
  );
  metrics.gauge(
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => startSeconds,
  );
  metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () =>
    process.memoryUsage.rss(),
  );
  metrics.gauge(
    'nodejs_heap_size_used_bytes',
    'Bytes of the JavaScript heap in use.',
    () => process.memoryUsage().heapUsed,
  );
  metrics.gauge(
    'nodejs_heap_size_total_bytes',
    'Bytes of the JavaScript heap.',
    () => process.memoryUsage().heapTotal,
  );
  metrics.gauge(
    'nodejs_external_memory_bytes',
    'Bytes held outside the JavaScript heap.',
    () => process.memoryUsage().external,
  );
  metrics
    .gauge('nodejs_version_info', 'The version of Node.js that runs this server.', ['version'])
    .set(1, { version: process.version });
}

function registerFileDescriptors(metrics: Metrics): void {
  const used = (): number => countOpenFiles();
  const limit = readOpenFilesMax();
  metrics.gauge('process_open_fds', 'Number of open file descriptors.', used);
  metrics.gauge('process_max_fds', 'Maximum number of open file descriptors.', () => limit);
  metrics.gauge('os_fd_used', 'The number of used file descriptors.', used);
  metrics.gauge('os_fd_limit', 'The file descriptor limit.', () => limit);
}

/** Not a number where the system does not tell (anything but Linux). */
function countOpenFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}

function readOpenFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

function registerEventLoop(metrics: Metrics, delay: IntervalHistogram): void {
  const seconds = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0;
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge(
      `nodejs_eventloop_lag_${name}`,
      `${help} of the delay of timers by the event loop, since the start.`,
      () => seconds(read()),
    );
  };
  gauge('mean_seconds', 'The mean', () => delay.mean);
  gauge('max_seconds', 'The maximum', () => delay.max);
  gauge('p50_seconds', 'The median', () => delay.percentile(50));
  gauge('p99_seconds', 'The 99th percentile', () => delay.percentile(99));
}
