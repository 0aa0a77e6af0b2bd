import {
  boolean,
  built,
  choice,
  duration,
  ignored,
  integer,
  list,
  rowsOf,
  text,
  urls,
  type Option,
} from './option.ts';

/** Groups "Profiling and Monitoring", "Logging" and "Distributed tracing" of etcd's help. */

const monitor = rowsOf('Profiling and monitoring');

export const monitoringOptions: readonly Option[] = [
  monitor(
    'enable-pprof',
    boolean(false),
    'Serve profiles under /debug/pprof/.',
    ignored('profile with `node --cpu-prof` instead'),
  ),
  monitor(
    'metrics',
    choice('basic', 'extensive'),
    "Detail of /metrics: 'basic' or 'extensive'.",
    ignored('the histograms of gRPC calls are not built'),
  ),
  monitor('listen-metrics-urls', urls(''), 'More places that serve /metrics and /health.', built),
];

const log = rowsOf('Logging');
const noRotation = ignored('rotate the file with logrotate and copytruncate');

export const loggingOptions: readonly Option[] = [
  log('logger', text('zap'), "Form of the log; only 'zap', which is JSON lines.", built),
  log(
    'log-outputs',
    list('default'),
    "Where log lines go: 'stderr', 'stdout', or files that are appended to.",
    built,
  ),
  log(
    'log-level',
    text('info'),
    'Least level logged: debug, info, warn, error, panic, fatal.',
    built,
  ),
  log('log-format', text('json'), "How a line looks: 'json' or 'console'.", built),
  log('enable-log-rotation', boolean(false), 'Rotate the log file.', noRotation),
  log(
    'log-rotation-config-json',
    text('{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}'),
    'How the log file is rotated.',
    noRotation,
  ),
  log(
    'warning-unary-request-duration',
    duration('300ms'),
    'Warn of requests that take longer than this.',
    ignored('only applying is timed: see --warning-apply-duration'),
  ),
];

const trace = rowsOf('Distributed tracing');
const noTracing = ignored('tracing is not built');

export const tracingOptions: readonly Option[] = [
  trace('enable-distributed-tracing', boolean(false), 'Send OpenTelemetry spans.', noTracing),
  trace('distributed-tracing-address', text('localhost:4317'), 'Where spans are sent.', noTracing),
  trace('distributed-tracing-service-name', text('etcd'), 'Service name in spans.', noTracing),
  trace('distributed-tracing-instance-id', text(''), 'Instance id in spans.', noTracing),
  trace('distributed-tracing-sampling-rate', integer(0), 'Spans kept in a million.', noTracing),
];
