import { readFileSync } from 'node:fs';
import type { Assignment, ConfigProblem, ConfigWarning } from './assignment.ts';
import { parseCompactionRetention } from './compaction-retention.ts';
import { readConfigFile } from './config-file.ts';
import { findDefaultHost } from './default-host.ts';
import { readEnvironment, type Environment } from './environment.ts';
import { formatInitialCluster, parseInitialCluster } from './initial-cluster.ts';
import { parseFlags } from './parse-flags.ts';
import { judgeSettings } from './refusals.ts';
import { defaultServerConfig, type LogLevelName, type ServerConfig } from './server-config.ts';
import { Settings } from './settings.ts';
import { mustParseUrl } from './urls.ts';
import { describeInvalidSettings } from './validate.ts';

export interface ConfigSources {
  /** Without the program's name. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly readFile?: (path: string) => string;
  readonly defaultHost?: () => string | undefined;
}

export type ParsedServerConfig =
  | {
      readonly kind: 'server';
      readonly config: ServerConfig;
      readonly warnings: readonly ConfigWarning[];
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** At least one: whatever is refused comes together. */
  | { readonly kind: 'problem'; readonly problems: readonly ConfigProblem[] };

type Sourced =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly ConfigWarning[];
      readonly refusals: readonly ConfigProblem[];
      readonly fromFile: boolean;
    }
  | { readonly ok: false; readonly problem: ConfigProblem };

/** A config file before all else; otherwise flags, then the environment, then defaults. */
export function parseServerConfig(sources: ConfigSources): ParsedServerConfig {
  const flags = parseFlags(sources.args);
  if (flags.ok === 'help') return { kind: 'help' };
  if (!flags.ok) return { kind: 'problem', problems: [flags.problem] };
  if (new Settings(flags.assignments).boolean('version')) return { kind: 'version' };

  const sourced = gather(sources, flags.assignments);
  if (!sourced.ok) return { kind: 'problem', problems: [sourced.problem] };
  const { settings, fromFile } = sourced;
  const judged = judgeSettings(settings);
  const refusals = [...sourced.refusals, ...judged.refusals];
  if (refusals.length > 0) return { kind: 'problem', problems: refusals };
  const invalid = describeInvalidSettings(settings) ?? describeUnadvertised(settings, fromFile);
  if (invalid !== undefined) return problem(invalid);

  const config = buildServerConfig(settings, sources.defaultHost ?? findDefaultHost);
  if (typeof config === 'string') return problem(config);
  return { kind: 'server', config, warnings: [...sourced.warnings, ...judged.warnings] };
}

const problem = (text: string): ParsedServerConfig => ({
  kind: 'problem',
  problems: [{ exitCode: 1, text }],
});

function gather(sources: ConfigSources, flags: readonly Assignment[]): Sourced {
  const given = new Settings(flags);
  const path = given.text('config-file') || (sources.environment['ETCD_CONFIG_FILE'] ?? '');
  if (path === '') {
    const environment = readEnvironment(sources.environment, flags);
    if (!environment.ok) return environment;
    const settings = new Settings([...environment.assignments, ...flags]);
    return { ...environment, settings, fromFile: false };
  }
  let content: string;
  try {
    content = (sources.readFile ?? readText)(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, problem: { exitCode: 1, text: `cannot read --config-file: ${reason}` } };
  }
  const file = readConfigFile(path, content);
  if (!file.ok) return file;
  const settings = new Settings(file.assignments);
  return { ...file, settings, fromFile: true };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

/**
 * On the command line, own client URLs need advertised ones (embed/config.go,
 * ErrUnsetAdvertiseClientURLsFlag).
 */
function describeUnadvertised(settings: Settings, fromFile: boolean): string | undefined {
  const isMissing =
    !fromFile &&
    settings.isGiven('listen-client-urls') &&
    !settings.isGiven('advertise-client-urls');
  return isMissing
    ? '--advertise-client-urls is required when --listen-client-urls is set explicitly'
    : undefined;
}

/** The configuration, or what is wrong with it. */
function buildServerConfig(
  settings: Settings,
  defaultHost: () => string | undefined,
): ServerConfig | string {
  const defaults = defaultServerConfig();
  const name = settings.text('name');
  const urlsOf = (flag: string, fallback: readonly string[]): readonly string[] => {
    const given = settings.list(flag);
    return given.length === 0 ? fallback : given;
  };
  const listenPeerUrls = urlsOf('listen-peer-urls', defaults.listenPeerUrls);
  const listenClientUrls = urlsOf('listen-client-urls', defaults.listenClientUrls);
  const initialAdvertisePeerUrls = reachable(
    urlsOf('initial-advertise-peer-urls', defaults.initialAdvertisePeerUrls),
    defaults.initialAdvertisePeerUrls,
    listenPeerUrls,
    defaultHost,
  );
  const cluster = parseInitialCluster(initialClusterText(settings, name, initialAdvertisePeerUrls));
  if (!cluster.ok) return `error setting up initial cluster: ${cluster.problem}`;
  const autoCompaction = parseCompactionRetention(
    settings.text('auto-compaction-mode'),
    settings.text('auto-compaction-retention'),
  );
  if ('problem' in autoCompaction) return autoCompaction.problem;
  return {
    ...defaults,
    ...numbersOf(settings, defaults),
    name,
    dataDir: settings.text('data-dir') || `${name}.etcd`,
    listenPeerUrls,
    listenClientUrls,
    listenClientHttpUrls: settings.list('listen-client-http-urls'),
    listenMetricsUrls: settings.list('listen-metrics-urls'),
    initialAdvertisePeerUrls,
    advertiseClientUrls: reachable(
      urlsOf('advertise-client-urls', defaults.advertiseClientUrls),
      defaults.advertiseClientUrls,
      listenClientUrls,
      defaultHost,
    ),
    initialCluster: cluster.members,
    initialClusterToken: settings.text('initial-cluster-token'),
    initialClusterState: settings.text('initial-cluster-state') === 'existing' ? 'existing' : 'new',
    strictReconfigCheck: settings.boolean('strict-reconfig-check'),
    forceNewCluster: settings.boolean('force-new-cluster'),
    preVote: settings.boolean('pre-vote'),
    autoCompaction,
    initialCorruptCheck: settings.isGateOpen('InitialCorruptCheck'),
    leaseCheckpoint: settings.isGateOpen('LeaseCheckpoint'),
    compactHashCheck: settings.isGateOpen('CompactHashCheck'),
    grpcEngine: settings.text('grpc-engine') === 'grpc-js' ? 'grpc-js' : 'fast',
    logLevel: logLevelOf(settings.text('log-level')),
    logFormat: settings.text('log-format') === 'console' ? 'console' : 'json',
    logOutputs: urlsOf('log-outputs', defaults.logOutputs),
  };
}

/**
 * A name given alone makes a cluster of one under that name (embed/config.go,
 * UpdateDefaultClusterFromName).
 */
function initialClusterText(
  settings: Settings,
  name: string,
  advertised: readonly string[],
): string {
  const text = settings.text('initial-cluster');
  const defaults = defaultServerConfig();
  const isDefault = text === formatInitialCluster(defaults.initialCluster);
  if (!isDefault || name === defaults.name) return text;
  const own = name === '' ? defaults.name : name;
  return formatInitialCluster(advertised.map((peerUrl) => ({ name: own, peerUrl })));
}

/** Listening everywhere while advertising the default means: advertise this machine's address. */
function reachable(
  advertised: readonly string[],
  byDefault: readonly string[],
  listened: readonly string[],
  defaultHost: () => string | undefined,
): readonly string[] {
  const first = mustParseUrl(listened[0] as string);
  if (first.host !== '0.0.0.0' || advertised.join() !== byDefault.join()) return advertised;
  const host = defaultHost();
  return host === undefined ? advertised : [`http://${host}:${first.port}`];
}

type Numbers = Pick<
  ServerConfig,
  { [K in keyof ServerConfig]: ServerConfig[K] extends number ? K : never }[keyof ServerConfig]
>;

function numbersOf(settings: Settings, defaults: ServerConfig): Numbers {
  // For these etcd writes 0 where it means its default.
  const orDefault = (flag: string, byDefault: number): number =>
    settings.number(flag) === 0 ? byDefault : settings.number(flag);
  return {
    heartbeatIntervalMs: settings.number('heartbeat-interval'),
    electionTimeoutMs: settings.number('election-timeout'),
    snapshotCatchupEntries: settings.number('snapshot-catchup-entries'),
    quotaBackendBytes: settings.number('quota-backend-bytes'),
    backendBatchIntervalMs: orDefault('backend-batch-interval', defaults.backendBatchIntervalMs),
    backendBatchLimit: orDefault('backend-batch-limit', defaults.backendBatchLimit),
    compactionBatchLimit: settings.number('compaction-batch-limit'),
    compactionSleepIntervalMs: orDefault(
      'compaction-sleep-interval',
      defaults.compactionSleepIntervalMs,
    ),
    corruptCheckTimeMs: settings.number('corrupt-check-time'),
    compactHashCheckTimeMs: settings.number('compact-hash-check-time'),
    maxTxnOps: settings.number('max-txn-ops'),
    maxRequestBytes: settings.number('max-request-bytes'),
    maxConcurrentStreams: settings.number('max-concurrent-streams'),
    grpcKeepAliveMinTimeMs: settings.number('grpc-keepalive-min-time'),
    grpcKeepAliveIntervalMs: settings.number('grpc-keepalive-interval'),
    grpcKeepAliveTimeoutMs: settings.number('grpc-keepalive-timeout'),
    maxLearners: settings.number('max-learners'),
    warningApplyDurationMs: settings.number('warning-apply-duration'),
    watchProgressNotifyIntervalMs: settings.number('watch-progress-notify-interval'),
  };
}

function logLevelOf(text: string): LogLevelName {
  switch (text) {
    case 'debug':
    case 'info':
    case 'warn':
    case 'error':
    case 'panic':
    case 'fatal':
      return text;
    default:
      return 'panic';
  }
}
