import assert from 'node:assert/strict';
import { InvariantError } from '../../src/base/assert.ts';
import { createMetrics, seriesMax } from '../../src/host/metrics-registry.ts';
import { exponentialBuckets } from '../../src/host/metrics.ts';
import { registerProcessMetrics } from '../../src/host/process-metrics.ts';

describe('the metrics registry', () => {
  it('shows a metric without labels as 0 before anything was counted', () => {
    const metrics = createMetrics();
    metrics.counter('etcd_server_health_success', 'Checks that succeeded.');
    assert.equal(
      metrics.render(),
      '# HELP etcd_server_health_success Checks that succeeded.\n' +
        '# TYPE etcd_server_health_success counter\n' +
        'etcd_server_health_success 0\n',
    );
  });

  it('shows a metric with labels only once a series was touched', () => {
    const metrics = createMetrics();
    const handled = metrics.counter('grpc_server_handled_total', 'Calls.', ['grpc_method']);
    assert.equal(metrics.render(), '\n');
    handled.add(0, { grpc_method: 'Put' });
    assert.match(metrics.render(), /^grpc_server_handled_total\{grpc_method="Put"\} 0$/m);
  });

  it('counts equal labels in one series, whichever object they come in', () => {
    const metrics = createMetrics();
    const counter = metrics.counter('calls', 'Calls.', ['a', 'b']);
    const labels = { b: '2', a: '1' };
    counter.add(1, labels);
    counter.add(2, labels);
    counter.add(3, { a: '1', b: '2' });
    assert.match(metrics.render(), /^calls\{a="1",b="2"\} 6$/m);
  });

  it('orders metrics and series by name', () => {
    const metrics = createMetrics();
    metrics.gauge('b', 'B.').set(1);
    const a = metrics.gauge('a', 'A.', ['x']);
    a.set(2, { x: '2' });
    a.set(1, { x: '1' });
    const samples = metrics
      .render()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(samples, ['a{x="1"} 1', 'a{x="2"} 2', 'b 1']);
  });

  it('escapes label values and help texts as the text format asks', () => {
    const metrics = createMetrics();
    metrics.gauge('a', 'one\ntwo\\', ['x']).set(1, { x: 'quote " back \\ line \n' });
    assert.equal(
      metrics.render(),
      '# HELP a one\\ntwo\\\\\n# TYPE a gauge\na{x="quote \\" back \\\\ line \\n"} 1\n',
    );
  });

  it('asks a function for its value at every rendering', () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.gauge('a', 'A.', () => value);
    assert.match(metrics.render(), /^a 1$/m);
    value = Number.NaN;
    assert.match(metrics.render(), /^a NaN$/m);
  });

  it('asks for all series of a gauge at every rendering, and shows none that is gone', () => {
    const metrics = createMetrics();
    let samples = [{ labels: { b: '2', a: '1' }, value: 7 }];
    metrics.readGauge('g', 'h', () => samples);
    assert.match(metrics.render(), /^# HELP g h\n# TYPE g gauge\ng\{a="1",b="2"\} 7\n$/);
    samples = [];
    assert.doesNotMatch(metrics.render(), /g/);
  });

  it('sums the buckets of a histogram up to +Inf, a bound included in its bucket', () => {
    const metrics = createMetrics();
    const fsync = metrics.histogram('fsync', 'Seconds.', exponentialBuckets(1, 2, 3));
    for (const seconds of [0.5, 1, 1.5, 4, 100]) fsync.observe(seconds);
    const samples = metrics
      .render()
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    assert.deepEqual(samples, [
      'fsync_bucket{le="1"} 2',
      'fsync_bucket{le="2"} 3',
      'fsync_bucket{le="4"} 4',
      'fsync_bucket{le="+Inf"} 5',
      'fsync_sum 107',
      'fsync_count 5',
      '',
    ]);
  });

  it('keeps the labels of a histogram in its buckets', () => {
    const metrics = createMetrics();
    metrics.histogram('rtt', 'Seconds.', [1], ['To']).observe(2, { To: 'ab' });
    assert.match(metrics.render(), /^rtt_bucket\{To="ab",le="1"\} 0$/m);
    assert.match(metrics.render(), /^rtt_sum\{To="ab"\} 2$/m);
  });

  it('refuses a name twice, malformed names, descending buckets and negative steps', () => {
    const metrics = createMetrics();
    const counter = metrics.counter('a', 'A.');
    assert.throws(() => metrics.gauge('a', 'A.'), InvariantError);
    assert.throws(() => metrics.gauge('a-b', 'A.'), InvariantError);
    assert.throws(() => metrics.gauge('b', 'B.', ['le-']), InvariantError);
    assert.throws(() => metrics.histogram('c', 'C.', [2, 1]), InvariantError);
    assert.throws(() => counter.add(-1), InvariantError);
  });

  it('has no more series than its limit, whatever the label values are', () => {
    const metrics = createMetrics();
    const counter = metrics.counter('a', 'A.', ['x']);
    for (let i = 0; i < seriesMax + 10; i++) counter.add(1, { x: String(i) });
    assert.equal(metrics.render().split('\n').length, seriesMax + 3);
  });
});

describe('the metrics of the process', () => {
  it('are there under the names of the Prometheus client libraries', () => {
    const metrics = createMetrics();
    const processMetrics = registerProcessMetrics(metrics);
    const text = metrics.render();
    processMetrics.close();
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'process_open_fds',
      'process_max_fds',
      'os_fd_used',
      'os_fd_limit',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      assert.match(text, new RegExp(`^${name} (NaN|[0-9.e+-]+)$`, 'm'), name);
    }
    assert.match(text, /^# TYPE process_cpu_seconds_total counter$/m);
    const rss = Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]);
    assert.ok(rss > 1e6, `${rss} bytes are too few for a Node process`);
  });
});
