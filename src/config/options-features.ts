import {
  boolean,
  built,
  choice,
  duration,
  ignored,
  integer,
  refused,
  rowsOf,
  text,
  unsigned,
  type Option,
} from './option.ts';

/** Groups "Features" and "Unsafe feature" of etcd's help, and what stands outside its groups. */

const row = rowsOf('Features');

export const featureOptions: readonly Option[] = [
  row(
    'corrupt-check-time',
    duration('0s'),
    'Time between comparisons of the hashes of all members; 0 is off.',
    built,
  ),
  row(
    'compact-hash-check-time',
    duration('1m0s'),
    'Time between comparisons of the hashes kept at compactions (gate CompactHashCheck).',
    built,
  ),
  row(
    'compaction-batch-limit',
    integer(1000),
    'Revisions deleted in one slice of a compaction.',
    built,
  ),
  row(
    'watch-progress-notify-interval',
    duration('10m0s'),
    'Time between progress messages of an idle watch.',
    built,
  ),
  row(
    'warning-apply-duration',
    duration('100ms'),
    'Warn of entries that take longer to apply.',
    built,
  ),
  row(
    'bootstrap-defrag-threshold-megabytes',
    unsigned(0),
    'Defragment at the start when this many megabytes would be freed.',
    ignored('LevelDB compacts its files by itself'),
  ),
  row('max-learners', integer(1), 'Learners allowed in the cluster.', built),
  row(
    'compaction-sleep-interval',
    duration('0s'),
    'Pause between two slices of a compaction; 0 is 10ms.',
    built,
  ),
  row(
    'downgrade-check-time',
    duration('5s'),
    'Time between looks at a running downgrade.',
    ignored('downgrading is not built'),
  ),
  row(
    'snapshot-catchup-entries',
    unsigned(5000),
    'Entries kept in the log for members that are behind.',
    built,
  ),
];

const unsafe = rowsOf('Unsafe features');

export const unsafeOptions: readonly Option[] = [
  unsafe(
    'force-new-cluster',
    boolean(false),
    'Make a cluster of one from the data of this member.',
    built,
  ),
  unsafe(
    'unsafe-no-fsync',
    boolean(false),
    'Never sync, and lose data in a crash.',
    ignored('every write is synced all the same'),
  ),
];

const other = rowsOf('Other');

export const otherOptions: readonly Option[] = [
  other(
    'config-file',
    text(''),
    'Read everything from this file; flags and variables are ignored.',
    built,
  ),
  other(
    'grpc-engine',
    choice('fast', 'grpc-js'),
    'Engine that serves clients and members over gRPC. Not an etcd flag.',
    built,
  ),
  other('version', boolean(false), 'Print the version and exit.', built),
];

/**
 * Flags that etcd accepts and ignores (server/etcdmain/config.go, `ignored`), and those of 3.4 and
 * 3.5 still met in scripts.
 */
const gone = rowsOf('No longer used');
const withoutMeaning = ignored('etcd ignores it too');
const anything = { kind: 'anything', default: '' } as const;

export const goneOptions: readonly Option[] = [
  ...[
    'cluster-active-size',
    'cluster-remove-delay',
    'cluster-sync-interval',
    'config',
    'force',
    'max-result-buffer',
    'max-retry-attempts',
    'peer-heartbeat-interval',
    'peer-election-timeout',
    'retry-interval',
    'snapshot',
    'v',
    'vv',
    'test.coverprofile',
    'test.outputdir',
  ].map((flag) => gone(flag, anything, 'Ignored by etcd.', withoutMeaning)),
  gone(
    'enable-v2',
    boolean(false),
    'Served the v2 API up to etcd 3.5.',
    ignored('there is no v2 API'),
  ),
  gone('debug', boolean(false), 'Logged more up to etcd 3.4.', ignored('use --log-level=debug')),
  gone(
    'log-package-levels',
    text(''),
    'Levels by package up to etcd 3.4.',
    ignored('use --log-level'),
  ),
  gone(
    'proxy',
    choice('off', 'readonly', 'on'),
    'Ran a v2 proxy up to etcd 3.5.',
    refused('the v2 proxy is gone: leave it at off'),
  ),
];
