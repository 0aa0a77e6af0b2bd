import {
  boolean,
  built,
  choice,
  duration,
  ignored,
  list,
  refused,
  rowsOf,
  text,
  urls,
  type Option,
} from './option.ts';

/** Group "Clustering" of etcd's help: who the members are, and how they find each other. */

const row = rowsOf('Clustering');
const noDiscovery = refused('discovery is not built: name every member in --initial-cluster');
/** Without a service to ask, these decide nothing. */
const noDiscoveryToTune = ignored('discovery is not built');

export const clusteringOptions: readonly Option[] = [
  row(
    'initial-advertise-peer-urls',
    urls('http://localhost:2380'),
    'Where other members reach this one.',
    built,
  ),
  row(
    'initial-cluster',
    text('default=http://localhost:2380'),
    'All first members: name=peerUrl,name=peerUrl.',
    built,
  ),
  row(
    'initial-cluster-state',
    choice('new', 'existing'),
    "'new' for first members, 'existing' for one that joins.",
    built,
  ),
  row(
    'initial-cluster-token',
    text('etcd-cluster'),
    'Goes into all ids, so that two clusters are never taken for one.',
    built,
  ),
  row(
    'advertise-client-urls',
    urls('http://localhost:2379'),
    'Where clients reach this member.',
    built,
  ),
  row('discovery', text(''), 'URL of a v2 discovery service.', noDiscovery),
  row('discovery-token', text(''), 'Token of the cluster at the discovery service.', noDiscovery),
  row('discovery-endpoints', list(''), 'Endpoints of the discovery service.', noDiscovery),
  row('discovery-dial-timeout', duration('2s'), 'Discovery: time to connect.', noDiscoveryToTune),
  row(
    'discovery-request-timeout',
    duration('5s'),
    'Discovery: time for a request.',
    noDiscoveryToTune,
  ),
  row(
    'discovery-keepalive-time',
    duration('2s'),
    'Discovery: time between pings.',
    noDiscoveryToTune,
  ),
  row(
    'discovery-keepalive-timeout',
    duration('6s'),
    'Discovery: wait for a ping.',
    noDiscoveryToTune,
  ),
  row(
    'discovery-insecure-transport',
    boolean(true),
    'Discovery: connect without TLS.',
    noDiscoveryToTune,
  ),
  row(
    'discovery-insecure-skip-tls-verify',
    boolean(false),
    'Discovery: trust any certificate.',
    noDiscoveryToTune,
  ),
  row('discovery-cert', text(''), 'Discovery: client certificate file.', noDiscovery),
  row('discovery-key', text(''), 'Discovery: client key file.', noDiscovery),
  row('discovery-cacert', text(''), 'Discovery: file of trusted authorities.', noDiscovery),
  row('discovery-user', text(''), 'Discovery: user name, or name:password.', noDiscovery),
  row('discovery-password', text(''), 'Discovery: password.', noDiscovery),
  row(
    'discovery-fallback',
    choice('exit', 'proxy'),
    'What to do when discovery fails.',
    noDiscoveryToTune,
  ),
  row('discovery-proxy', text(''), 'Discovery: HTTP proxy.', noDiscovery),
  row('discovery-srv', text(''), 'DNS domain whose SRV records name the members.', noDiscovery),
  row('discovery-srv-name', text(''), 'Suffix of the SRV name asked for.', noDiscoveryToTune),
  row(
    'strict-reconfig-check',
    boolean(true),
    'Refuse membership changes that would lose the quorum.',
    built,
  ),
  row(
    'pre-vote',
    boolean(true),
    'Ask for votes without a new term first, so that a returning member disturbs nobody.',
    built,
  ),
  row(
    'auto-compaction-retention',
    text('0'),
    'History kept by automatic compaction; 0 is off.',
    built,
  ),
  row(
    'auto-compaction-mode',
    text('periodic'),
    "Whether the retention counts time ('periodic') or revisions.",
    built,
  ),
  row(
    'v2-deprecation',
    list('write-only'),
    'Phase of the v2 store.',
    ignored('there is no v2 store; etcd 3.7 ignores the value too'),
  ),
];
