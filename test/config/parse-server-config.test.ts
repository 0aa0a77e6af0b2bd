import assert from 'node:assert/strict';
import type { ServerConfig } from '../../src/config/server-config.ts';
import {
  parseServerConfig,
  type ConfigSources,
  type ParsedServerConfig,
} from '../../src/config/parse-server-config.ts';

function parse(sources: Partial<ConfigSources>): ParsedServerConfig {
  return parseServerConfig({ args: [], environment: {}, defaultHost: () => undefined, ...sources });
}

function configOf(sources: Partial<ConfigSources>): ServerConfig {
  const parsed = parse(sources);
  assert.ok(parsed.kind === 'server', JSON.stringify(parsed));
  return parsed.config;
}

function warningsOf(sources: Partial<ConfigSources>): readonly string[] {
  const parsed = parse(sources);
  assert.ok(parsed.kind === 'server', JSON.stringify(parsed));
  return parsed.warnings.map(({ msg, fields }) => [msg, ...Object.values(fields)].join(' | '));
}

/** Each as `exit code: text (hint)`. */
function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  const parsed = parse(sources);
  assert.ok(parsed.kind === 'problem', JSON.stringify(parsed));
  return parsed.problems.map(
    ({ exitCode, text, hint }) => `${exitCode}: ${text}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

/** Of what has one problem alone. */
function problemOf(sources: Partial<ConfigSources>): string {
  const [first = '', ...others] = problemsOf(sources);
  assert.deepEqual(others, []);
  return first;
}

const args = (...list: readonly string[]): Partial<ConfigSources> => ({ args: list });

describe('where a value comes from', () => {
  it('takes flags before variables, and variables before defaults', () => {
    const environment = { ETCD_NAME: 'env', ETCD_MAX_TXN_OPS: '7' };
    const config = configOf({ args: ['--name=flag'], environment });
    assert.equal(config.name, 'flag');
    assert.equal(config.maxTxnOps, 7);
    assert.equal(config.heartbeatIntervalMs, 100);
  });

  it('takes the last of two values', () => {
    assert.equal(configOf(args('--name=a', '--name', 'b')).name, 'b');
  });

  it('warns of a variable that its flag shadows, and of one that means nothing', () => {
    const environment = { ETCD_NAME: 'env', ETCD_DATA_DIRR: 'x', ETCD_EMPTY: '', HOME: '/' };
    assert.deepEqual(warningsOf({ args: ['--name=flag'], environment }), [
      'unrecognized environment variable | ETCD_DATA_DIRR | ETCD_DATA_DIR',
      'environment variable is shadowed by its command-line flag | ETCD_NAME | --name',
    ]);
  });

  it('refuses a variable with a value that does not fit', () => {
    assert.equal(
      problemOf({ environment: { ETCD_HEARTBEAT_INTERVAL: 'x' } }),
      '1: invalid value "x" for ETCD_HEARTBEAT_INTERVAL: parse error',
    );
  });

  it('knows variables of experimental flags too', () => {
    const environment = { ETCD_EXPERIMENTAL_COMPACTION_BATCH_LIMIT: '9' };
    assert.equal(configOf({ environment }).compactionBatchLimit, 9);
  });

  it('prints version and help whatever else is given', () => {
    assert.deepEqual(parse(args('--version', '--cert-file=x')), { kind: 'version' });
    assert.deepEqual(parse(args('--help')), { kind: 'help' });
  });
});

describe('the config file', () => {
  const file = (content: string): Partial<ConfigSources> => ({
    args: ['--config-file=f.yml'],
    readFile: () => content,
  });

  it('replaces flags and variables', () => {
    const config = configOf({
      args: ['--config-file=f.yml', '--name=flag'],
      environment: { ETCD_MAX_TXN_OPS: '7' },
      readFile: () => 'data-dir: /var/lib/x\n',
    });
    assert.equal(config.name, 'default');
    assert.equal(config.maxTxnOps, 128);
    assert.equal(config.dataDir, '/var/lib/x');
  });

  it('is named by ETCD_CONFIG_FILE as well', () => {
    const readFile = (path: string): string => `name: ${path}`;
    assert.equal(
      configOf({ environment: { ETCD_CONFIG_FILE: 'env.yml' }, readFile }).name,
      'env.yml',
    );
  });

  it('is YAML or JSON', () => {
    assert.equal(configOf(file('{"name": "json", "pre-vote": false}')).name, 'json');
    const yaml = 'name: y\npre-vote: false\nmax-txn-ops: 5\nlog-outputs: [stderr, a.log]\n';
    const config = configOf(file(yaml));
    assert.equal(config.preVote, false);
    assert.equal(config.maxTxnOps, 5);
    assert.deepEqual(config.logOutputs, ['stderr', 'a.log']);
  });

  it('takes durations as integers of nanoseconds, as etcd does, and as texts', () => {
    const config = configOf(
      file('grpc-keepalive-min-time: 7000000000\ngrpc-keepalive-timeout: 1m30s\n'),
    );
    assert.equal(config.grpcKeepAliveMinTimeMs, 7000);
    assert.equal(config.grpcKeepAliveTimeoutMs, 90_000);
  });

  it('needs no advertised client URLs, unlike the command line', () => {
    const config = configOf(file('listen-client-urls: http://127.0.0.1:4000\n'));
    assert.deepEqual(config.advertiseClientUrls, ['http://localhost:2379']);
  });

  it("accepts what etcd's sample file says, with a warning of what tunes nothing", () => {
    const sample = [
      'initial-cluster:',
      'initial-cluster-state: new',
      'snapshot-count: 10000',
      'cors:',
      'discovery:',
      "discovery-fallback: 'proxy'",
      'strict-reconfig-check: false',
      "proxy: 'off'",
      'proxy-failure-wait: 5000',
      'client-transport-security:',
      '  cert-file:',
      '  client-cert-auth: false',
      '  auto-tls: false',
      'peer-transport-security:',
      '  allowed-cn:',
      "discovery-config: ''",
      'self-signed-cert-validity: 1',
      'log-level: debug',
      'force-new-cluster: false',
      'cipher-suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]',
      "tls-min-version: 'TLS1.2'",
      "tls-max-version: 'TLS1.3'",
    ];
    const sources = file(sample.join('\n'));
    assert.equal(configOf(sources).logLevel, 'debug');
    const options = warningsOf(sources).map((text) => text.split(' | ')[1]);
    assert.deepEqual(options, ['discovery-fallback', 'cipher-suites', 'tls-max-version']);
  });

  it('refuses a section that guards something', () => {
    const tls = 'use http URLs on loopback or a trusted network, or put a TLS proxy in front';
    assert.equal(
      problemOf(file('client-transport-security:\n  cert-file: /x.pem\n')),
      `1: client-transport-security.cert-file is refused (TLS is not built: ${tls})`,
    );
    assert.equal(
      problemOf(file('client-transport-security:\n  allowed-cn: [a]\n')),
      '1: f.yml: client-transport-security.allowed-cn is refused (TLS is not built: leave this section out)',
    );
    assert.match(
      problemOf(file('discovery-config:\n  token: t\n')),
      /discovery-config.token is refused/,
    );
  });

  it('refuses what it does not know, with the nearest key', () => {
    assert.equal(
      problemOf(file('listen-peer-url: http://127.0.0.1:1\n')),
      '1: f.yml: unknown option "listen-peer-url" (did you mean listen-peer-urls?)',
    );
    assert.equal(problemOf(file('name: [a]\n')), '1: f.yml: name takes a single value');
    assert.equal(
      problemOf(file('max-txn-ops: many\n')),
      '1: f.yml: invalid value "many" for max-txn-ops: parse error',
    );
    assert.match(problemOf(file('name: "a\n')), /^1: f.yml: /);
    assert.match(problemOf(file('- a\n')), /is not a mapping/);
  });

  it('has to be there', () => {
    assert.match(
      problemOf(args('--config-file=/nowhere/at-all.yml')),
      /^1: cannot read --config-file: /,
    );
  });
});

describe('the state of the initial cluster', () => {
  it('is told to the server: the data dir decides whether a member may join', () => {
    assert.equal(configOf({}).initialClusterState, 'new');
    const existing = configOf(args('--initial-cluster-state=existing'));
    assert.equal(existing.initialClusterState, 'existing');
    assert.match(problemOf(args('--initial-cluster-state=old')), /^2: invalid value "old"/);
  });
});

describe('the names and URLs of a member', () => {
  it('keeps the data in <name>.etcd', () => {
    assert.equal(configOf(args('--name=a')).dataDir, 'a.etcd');
    assert.equal(configOf(args('--name=a', '--data-dir=/d')).dataDir, '/d');
  });

  it('makes a cluster of one from a name alone', () => {
    assert.deepEqual(configOf(args('--name=a')).initialCluster, [
      { name: 'a', peerUrl: 'http://localhost:2380' },
    ]);
  });

  it('leaves the default cluster to the default name, so that a forgotten flag is noticed', () => {
    const config = configOf(args('--initial-advertise-peer-urls=http://127.0.0.1:9'));
    assert.deepEqual(config.initialCluster, [
      { name: 'default', peerUrl: 'http://localhost:2380' },
    ]);
  });

  it('sorts URLs and drops repeats, as etcd does', () => {
    const config = configOf(
      args('--listen-peer-urls=http://127.0.0.1:9, http://127.0.0.1:1,http://127.0.0.1:9'),
    );
    assert.deepEqual(config.listenPeerUrls, ['http://127.0.0.1:1', 'http://127.0.0.1:9']);
    const cluster = 'b=http://127.0.0.1:2,a=http://127.0.0.1:3,a=http://127.0.0.1:1';
    assert.deepEqual(configOf(args('--name=a', `--initial-cluster=${cluster}`)).initialCluster, [
      { name: 'a', peerUrl: 'http://127.0.0.1:1' },
      { name: 'a', peerUrl: 'http://127.0.0.1:3' },
      { name: 'b', peerUrl: 'http://127.0.0.1:2' },
    ]);
  });

  it('takes Unix sockets, port 0 and localhost', () => {
    const config = configOf(
      args(
        '--listen-client-urls=unix:///tmp/a.sock,http://localhost:0,http://[::1]:0',
        '--advertise-client-urls=unix:///tmp/a.sock',
      ),
    );
    assert.equal(config.listenClientUrls.length, 3);
  });

  it("advertises this machine's address when it listens everywhere", () => {
    const everywhere = ['--name=a', '--listen-peer-urls=http://0.0.0.0:7'];
    const config = configOf({ args: everywhere, defaultHost: () => '10.0.0.5' });
    assert.deepEqual(config.initialAdvertisePeerUrls, ['http://10.0.0.5:7']);
    assert.deepEqual(config.initialCluster, [{ name: 'a', peerUrl: 'http://10.0.0.5:7' }]);
    assert.deepEqual(configOf(args(...everywhere)).initialAdvertisePeerUrls, [
      'http://localhost:2380',
    ]);
  });

  it("starts with kubeadm's flags", () => {
    const config = configOf(
      args(
        '--name=node1',
        '--data-dir=/var/lib/etcd',
        '--snapshot-count=10000',
        '--feature-gates=InitialCorruptCheck=true',
        '--watch-progress-notify-interval=5s',
        '--listen-client-urls=http://127.0.0.1:2379,http://10.0.0.1:2379',
        '--advertise-client-urls=http://10.0.0.1:2379',
        '--listen-peer-urls=http://10.0.0.1:2380',
        '--initial-advertise-peer-urls=http://10.0.0.1:2380',
        '--initial-cluster=node1=http://10.0.0.1:2380',
        '--listen-metrics-urls=http://127.0.0.1:2381',
      ),
    );
    assert.deepEqual(config.listenMetricsUrls, ['http://127.0.0.1:2381']);
    assert.equal(config.initialCorruptCheck, true);
  });

  it('reads how the data is kept small and checked', () => {
    const config = configOf(
      args(
        '--auto-compaction-mode=revision',
        '--auto-compaction-retention=1000',
        '--corrupt-check-time=2m',
        '--experimental-compact-hash-check-enabled',
        '--compact-hash-check-time=30s',
      ),
    );
    assert.deepEqual(config.autoCompaction, { mode: 'revision', revisions: 1000 });
    assert.equal(config.corruptCheckTimeMs, 120_000);
    assert.equal(config.compactHashCheck, true);
    assert.equal(config.compactHashCheckTimeMs, 30_000);
    assert.equal(config.initialCorruptCheck, false);
  });

  it('opens the gates of a whole stage, save those that are named', () => {
    const config = configOf(args('--feature-gates=AllAlpha=true,CompactHashCheck=false'));
    assert.equal(config.initialCorruptCheck, true);
    assert.equal(config.compactHashCheck, false);
  });
});

describe('what the server does not do', () => {
  it('passes over what only tunes or tells, with a warning', () => {
    assert.deepEqual(
      warningsOf(args('--enable-pprof', '--max-wals=3', '--experimental-memory-mlock', '--vv')),
      [
        'option has no effect | --enable-pprof | true | profile with `node --cpu-prof` instead',
        'option has no effect | --max-wals | 3 | data is kept in LevelDB, which has no such setting',
        'option has no effect | --experimental-memory-mlock | true | data is kept in LevelDB, which has no such setting',
        'option has no effect | --vv | true | etcd ignores it too',
      ],
    );
  });

  it('warns of gates that switch nothing here, by name', () => {
    const gates = 'InitialCorruptCheck=true,PriorityRequest=true,SetMemberLocalAddr=false';
    assert.deepEqual(warningsOf(args(`--feature-gates=${gates}`)), [
      'option has no effect | --feature-gates | PriorityRequest=true | what this gate switches is not built',
    ]);
  });

  it('says nothing of an option given at its default', () => {
    const asByDefault = args(
      '--client-cert-auth=false',
      '--auth-token=simple',
      '--force-new-cluster=false',
      '--initial-cluster-state=new',
      '--snapshot-count=10000',
      '--cors=*',
      '--cert-file=',
      '--compact-hash-check-time=60s',
      '--discovery-fallback=exit',
    );
    assert.deepEqual(warningsOf(asByDefault), []);
  });

  it('refuses what guards secrecy or membership', () => {
    const tls =
      'TLS is not built: use http URLs on loopback or a trusted network, or put a TLS proxy in front';
    const auth = 'authentication is not built: leave it out';
    const discovery = 'discovery is not built: name every member in --initial-cluster';
    const cases: readonly (readonly [string, string])[] = [
      ['--cert-file=a', tls],
      ['--trusted-ca-file=a', tls],
      ['--client-cert-auth', tls],
      ['--auto-tls', tls],
      ['--peer-cert-file=a', tls],
      ['--peer-client-cert-auth=true', tls],
      ['--peer-cert-allowed-cn=a', tls],
      ['--auth-token=jwt,pub-key=a', auth],
      ['--discovery-endpoints=http://a:1', discovery],
      ['--discovery-token=a', discovery],
      ['--discovery-srv=a', discovery],
      [
        '--cors=http://a',
        'limiting origins is not built: leave it at * and restrict access in front',
      ],
      [
        '--host-whitelist=a',
        'limiting host names is not built: leave it at * and restrict access in front',
      ],
    ];
    for (const [arg, remedy] of cases) {
      const flag = arg.replace(/=.*/, '');
      assert.equal(problemOf(args(arg)), `1: ${flag} is refused (${remedy})`);
    }
  });

  it('passes over what tunes a guard that nobody asks for', () => {
    const tuning = [
      '--cipher-suites=A',
      '--tls-min-version=TLS1.3',
      '--tls-max-version=TLS1.3',
      '--self-signed-cert-validity=2',
      '--bcrypt-cost=4',
      '--auth-token-ttl=9',
      '--discovery-fallback=proxy',
      '--discovery-dial-timeout=9s',
    ];
    const flags = warningsOf(args(...tuning)).map((text) => text.split(' | ')[1]);
    assert.deepEqual(
      flags,
      tuning.map((arg) => arg.replace(/=.*/, '')),
    );
  });

  it('lists all that it refuses at once, wherever it was given', () => {
    const shown = (sources: Partial<ConfigSources>): readonly string[] =>
      problemsOf(sources).map((text) => text.replace(/ (is refused).*/, ''));
    const flags = [
      '--cert-file=a',
      '--tls-min-version=TLS1.3',
      '--discovery=http://d',
      '--initial-advertise-peer-urls=https://127.0.0.1:1',
      '--initial-cluster=a=https://h:1,b=https://h:2',
    ];
    assert.deepEqual(shown({ args: flags, environment: { ETCD_AUTH_TOKEN: 'jwt' } }), [
      '1: ETCD_AUTH_TOKEN',
      '1: --cert-file',
      '1: --discovery',
      '1: --initial-advertise-peer-urls https://127.0.0.1:1',
      '1: --initial-cluster https://h:1',
      '1: --initial-cluster https://h:2',
    ]);
    const content =
      'client-transport-security: {cert-file: x, allowed-cn: [a]}\n' +
      'discovery-config: {token: t}\nforce-new-cluster: true\ncors: x\n';
    assert.deepEqual(shown({ args: ['--config-file=f.yml'], readFile: () => content }), [
      '1: f.yml: client-transport-security.allowed-cn',
      '1: f.yml: discovery-config.token',
      '1: client-transport-security.cert-file',
      '1: cors',
    ]);
  });

  it('refuses https and unixs wherever a URL is given', () => {
    const remedy = 'use http URLs on loopback or a trusted network, or put a TLS proxy in front';
    for (const flag of [
      'listen-peer-urls',
      'listen-client-urls',
      'listen-client-http-urls',
      'listen-metrics-urls',
      'initial-advertise-peer-urls',
      'advertise-client-urls',
    ]) {
      assert.equal(
        problemOf(args(`--${flag}=https://127.0.0.1:1`)),
        `1: --${flag} https://127.0.0.1:1 is refused: TLS is not built (${remedy})`,
      );
    }
    assert.match(problemOf(args('--listen-client-urls=unixs://a:1')), /TLS is not built/);
    assert.match(
      problemOf(args('--initial-cluster=a=http://h:1,b=https://h:2')),
      /https:\/\/h:2 is refused/,
    );
  });
});

describe("etcd's checks of values", () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['--heartbeat-interval=0'], '--heartbeat-interval must be >0 (set to 0ms)'],
    [['--election-timeout=0'], '--election-timeout must be >0 (set to 0ms)'],
    [
      ['--election-timeout=200'],
      '--election-timeout[200ms] should be at least as 5 times as --heartbeat-interval[100ms]',
    ],
    [
      ['--election-timeout=60000'],
      '--election-timeout[60000ms] is too long, and should be set less than 50000ms',
    ],
    [
      ['--listen-client-urls=http://127.0.0.1:1'],
      '--advertise-client-urls is required when --listen-client-urls is set explicitly',
    ],
    [
      ['--listen-client-urls=http://foo:1', '--advertise-client-urls=http://foo:1'],
      'expected IP in URL for binding (http://foo:1)',
    ],
    [
      ['--initial-advertise-peer-urls=http://:1'],
      '--initial-advertise-peer-urls "http://:1" must be "host:port" (unexpected empty host (http://:1))',
    ],
    [['--log-format=bogus'], 'unknown log format: bogus, supported values json, console'],
    [['--log-level=bogus'], 'unrecognized level: "bogus"'],
    [['--logger=capnslog'], 'unknown logger option "capnslog"'],
    [['--auto-compaction-mode=foo'], 'unknown auto-compaction-mode "foo"'],
    [
      ['--auto-compaction-retention=-1'],
      'error parsing CompactionRetention: time: missing unit in duration "-1"',
    ],
    [['--compact-hash-check-time=0s'], '--compact-hash-check-time must be >0 (set to 0s)'],
    [['--corrupt-check-time=-1s'], '--corrupt-check-time must be >=0 (set to -1s)'],
    [
      ['--feature-gates=LeaseCheckpointPersist=true'],
      'enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint',
    ],
    [
      ['--initial-cluster=a'],
      'error setting up initial cluster: URL scheme must be http, https, unix, or unixs: ',
    ],
  ];
  for (const [list, text] of cases) {
    it(`refuses ${list.join(' ')}`, () => {
      assert.equal(problemOf(args(...list)), `1: ${text}`);
    });
  }
});
