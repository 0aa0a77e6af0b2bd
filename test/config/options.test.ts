import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { formatServerHelp } from '../../src/config/help.ts';
import { environmentVariableOf } from '../../src/config/option.ts';
import { oldSpellings } from '../../src/config/options-old-spellings.ts';
import { findOption, knownFlags, options } from '../../src/config/options.ts';
import { parseServerConfig } from '../../src/config/parse-server-config.ts';
import { parseValue } from '../../src/config/values.ts';

/** Flags and defaults as `etcd --help` of 3.7.3 prints them; null where it prints no default. */
const etcdHelp = JSON.parse(
  readFileSync(
    new URL('../../../test/config/testdata/etcd-help-flags.json', import.meta.url),
    'utf8',
  ),
) as Readonly<Record<string, string | null>>;

/** Accepted by etcd 3.7.3 but not in its help (server/etcdmain/config.go). */
const unlisted = [
  'config-file',
  'version',
  'cluster-active-size',
  'cluster-remove-delay',
  'cluster-sync-interval',
  'config',
  'force',
  'max-result-buffer',
  'max-retry-attempts',
  'peer-election-timeout',
  'peer-heartbeat-interval',
  'retry-interval',
  'snapshot',
  'v',
  'vv',
  'test.coverprofile',
  'test.outputdir',
];

/** Experimental flags of 3.5 that scripts still give. */
const experimental = [
  'initial-corrupt-check',
  'corrupt-check-time',
  'compact-hash-check-enabled',
  'compact-hash-check-time',
  'enable-lease-checkpoint',
  'enable-lease-checkpoint-persist',
  'compaction-batch-limit',
  'compaction-sleep-interval',
  'peer-skip-client-san-verification',
  'watch-progress-notify-interval',
  'warning-apply-duration',
  'txn-mode-write-with-shared-buffer',
  'bootstrap-defrag-threshold-megabytes',
  'warning-unary-request-duration',
  'downgrade-check-time',
  'memory-mlock',
  'snapshot-catchup-entries',
  'stop-grpc-service-on-defrag',
  'max-learners',
  'enable-distributed-tracing',
  'distributed-tracing-address',
  'distributed-tracing-service-name',
  'distributed-tracing-instance-id',
  'distributed-tracing-sampling-rate',
  'set-member-localaddr',
];

describe('the option table', () => {
  it('has a row for every flag of etcd 3.7', () => {
    const missing = [...Object.keys(etcdHelp), ...unlisted].filter(
      (flag) => findOption(flag) === undefined,
    );
    assert.deepEqual(missing, []);
  });

  it('knows the experimental spellings, and each leads to a row', () => {
    const missing = experimental.filter((flag) => !knownFlags.includes(`experimental-${flag}`));
    assert.deepEqual(missing, []);
    for (const old of oldSpellings) {
      const target = 'becameFlag' in old ? old.becameFlag : 'feature-gates';
      assert.ok(findOption(target) !== undefined, old.flag);
    }
  });

  it("has etcd's defaults", () => {
    // The help says these in words, or with another value than the flag set holds.
    const inWords: Readonly<Record<string, string>> = {
      'data-dir': '',
      'max-concurrent-streams': '4294967295',
      'backend-batch-interval': '0s',
      'grpc-keepalive-interval': '2h0m0s',
      'compact-hash-check-time': '1m0s',
      'watch-progress-notify-interval': '10m0s',
    };
    for (const [flag, shown] of Object.entries(etcdHelp)) {
      const expected = inWords[flag] ?? shown;
      if (expected !== null) assert.equal(findOption(flag)?.type.default, expected, flag);
    }
  });

  it('holds each flag and each key of the config file once, with a default that can be read', () => {
    assert.equal(new Set(knownFlags).size, knownFlags.length);
    assert.equal(new Set(options.map(({ fileKey }) => fileKey)).size, options.length);
    for (const { flag, type } of options) {
      assert.ok(parseValue(type, type.default).ok, `${flag} takes its own default`);
    }
  });

  it('names variables as etcd does', () => {
    assert.equal(environmentVariableOf('max-txn-ops'), 'ETCD_MAX_TXN_OPS');
  });

  it('agrees with the defaults that embedders get', () => {
    const parsed = parseServerConfig({ args: [], environment: {} });
    assert.deepEqual(parsed, { kind: 'server', config: defaultServerConfig(), warnings: [] });
  });

  it('has no value in the configuration that nobody reads', () => {
    const readers = ['embed', 'cli'].flatMap((folder) => {
      const root = new URL(`../../../src/${folder}/`, import.meta.url);
      return readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => readFileSync(new URL(path, root), 'utf8'));
    });
    const unread = Object.keys(defaultServerConfig()).filter(
      (name) => !readers.some((text) => new RegExp(`\\bconfig\\.${name}\\b`).test(text)),
    );
    assert.deepEqual(unread, []);
  });

  it('shows every flag in the help, with what happens to it', () => {
    const help = formatServerHelp('etcd');
    for (const { flag, group } of options) {
      if (group !== 'No longer used') assert.match(help, new RegExp(`^  --${flag} `, 'm'));
    }
    assert.match(help, /--cert-file ''\n.*\[refused: TLS is not built/);
    assert.match(help, /--enable-pprof 'false'\n.*\[no effect: /);
  });
});
