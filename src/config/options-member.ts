import {
  boolean,
  built,
  choice,
  duration,
  ignored,
  inFile,
  integer,
  rowsOf,
  text,
  unsigned,
  urls,
  type Option,
} from './option.ts';

/**
 * Group "Member" of etcd's help (server/etcdmain/help.go): this member, its listeners, its store
 * and its limits.
 */

const row = rowsOf('Member');
const otherStore = ignored('data is kept in LevelDB, which has no such setting');
const oneDirectory = ignored('the log stays inside the data directory');
const noSockOpts = ignored('Node sets SO_REUSEADDR itself and offers no SO_REUSEPORT');
const ownStreams = ignored('members talk over gRPC streams that are watched by heartbeats');

export const memberOptions: readonly Option[] = [
  row('name', text('default'), 'Name of this member, unique in the cluster.', built),
  row('data-dir', text(''), 'Folder that holds all data; <name>.etcd when left out.', built),
  row('wal-dir', text(''), 'Separate folder for the write-ahead log.', oneDirectory),
  row(
    'snapshot-count',
    unsigned(10_000),
    'Applied entries between two snapshots of the log.',
    ignored('the log is truncated behind every synced commit of the store'),
  ),
  row('heartbeat-interval', unsigned(100), 'Milliseconds between two heartbeats.', built),
  row(
    'election-timeout',
    unsigned(1000),
    'Milliseconds without a leader before an election; at least five heartbeats.',
    built,
  ),
  row(
    'initial-election-tick-advance',
    boolean(true),
    'Start with the election timer nearly run down, for a quicker first leader.',
    ignored('the first election waits for a whole timeout'),
  ),
  row(
    'listen-peer-urls',
    urls('http://localhost:2380'),
    'Where to listen for other members.',
    built,
  ),
  row('listen-client-urls', urls('http://localhost:2379'), 'Where to listen for clients.', built),
  row(
    'listen-client-http-urls',
    urls(''),
    'Where to listen for HTTP alone; the client URLs then serve gRPC alone.',
    built,
  ),
  row('max-snapshots', unsigned(5), 'Snapshot files to keep; 0 keeps all.', otherStore),
  row('max-wals', unsigned(5), 'Log files to keep; 0 keeps all.', otherStore),
  row('memory-mlock', boolean(false), 'Keep memory from being swapped out.', otherStore),
  row(
    'quota-backend-bytes',
    integer(0),
    'Bytes the store may hold before writes are refused; 0 is 2 GiB, below 0 no limit.',
    built,
  ),
  row(
    'backend-bbolt-freelist-type',
    choice('map', 'array', ''),
    "Form of bbolt's free list.",
    otherStore,
  ),
  row(
    'backend-batch-interval',
    duration('0s'),
    'Longest time between two synced commits of the store; 0 is 100ms.',
    built,
  ),
  row(
    'backend-batch-limit',
    integer(0),
    'Rows after which the store commits at once; 0 is 10000.',
    built,
  ),
  row('max-txn-ops', unsigned(128), 'Operations allowed in one transaction.', built),
  row('max-request-bytes', unsigned(1_572_864, 0x7fff_ffff), 'Largest request accepted.', built),
  row(
    'max-concurrent-streams',
    unsigned(0xffff_ffff, 0xffff_ffff),
    'Calls that one connection may have open at a time.',
    built,
  ),
  row(
    'grpc-keepalive-min-time',
    duration('5s'),
    'Shortest time a client has to leave between two pings.',
    built,
  ),
  row(
    'grpc-keepalive-interval',
    duration('2h0m0s'),
    'Time between two pings to a client; 0 sends none.',
    built,
  ),
  row(
    'grpc-keepalive-timeout',
    duration('20s'),
    'Time to wait for the answer to a ping before closing; 0 waits for ever.',
    built,
  ),
  inFile(
    'socket-options.reuse-port',
    row('socket-reuse-port', boolean(false), 'Listen with SO_REUSEPORT.', noSockOpts),
  ),
  inFile(
    'socket-options.reuse-address',
    row('socket-reuse-address', boolean(false), 'Listen with SO_REUSEADDR.', noSockOpts),
  ),
  row(
    'enable-grpc-gateway',
    boolean(true),
    'Serve the JSON gateway under /v3.',
    ignored('there is no JSON gateway'),
  ),
  row('raft-read-timeout', duration('5s'), 'Read timeout of a link between members.', ownStreams),
  row('raft-write-timeout', duration('5s'), 'Write timeout of a link between members.', ownStreams),
  {
    ...row('feature-gates', text(''), 'Gates to open or shut: Name=true,Other=false.', built),
    type: { kind: 'featureGates', default: '' },
  },
];
