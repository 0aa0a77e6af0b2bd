import { formatDuration } from './duration.ts';
import type { Settings } from './settings.ts';
import { describeUnboundUrl, mustParseUrl } from './urls.ts';

/**
 * Checks of single values and of values against each other, in etcd's order and words
 * (embed/config.go, Validate).
 */

const electionTimeoutMaxMs = 50_000;

export function describeInvalidSettings(settings: Settings): string | undefined {
  return (
    describeLogging(settings) ??
    describeListeners(settings) ??
    describeAdvertised(settings) ??
    describeTimes(settings) ??
    describeRest(settings)
  );
}

const logLevels = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'];

function describeLogging(settings: Settings): string | undefined {
  const logger = settings.text('logger');
  const level = settings.text('log-level');
  const format = settings.text('log-format');
  if (logger !== 'zap') return `unknown logger option ${JSON.stringify(logger)}`;
  if (!logLevels.includes(level)) return `unrecognized level: ${JSON.stringify(level)}`;
  if (format !== 'json' && format !== 'console') {
    return `unknown log format: ${format}, supported values json, console`;
  }
  return undefined;
}

function describeListeners(settings: Settings): string | undefined {
  for (const flag of [
    'listen-peer-urls',
    'listen-client-urls',
    'listen-client-http-urls',
    'listen-metrics-urls',
  ]) {
    for (const url of settings.list(flag)) {
      const problem = describeUnboundUrl(url);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function describeAdvertised(settings: Settings): string | undefined {
  const form: Readonly<Record<string, string>> = {
    'initial-advertise-peer-urls': 'must be "host:port"',
    'advertise-client-urls':
      'must be in the format "host:port", "unix:/path/to/socket" or "unixs:/path/to/socket"',
  };
  for (const [flag, wanted] of Object.entries(form)) {
    const urls = settings.list(flag);
    const bad = urls.find((text) => isWithoutHost(text));
    if (bad !== undefined) {
      return `--${flag} "${urls.join(',')}" ${wanted} (unexpected empty host (${bad}))`;
    }
  }
  return undefined;
}

function isWithoutHost(text: string): boolean {
  const url = mustParseUrl(text);
  return url.socketPath === undefined && url.host === '';
}

function describeTimes(settings: Settings): string | undefined {
  const heartbeatMs = settings.number('heartbeat-interval');
  const electionMs = settings.number('election-timeout');
  if (heartbeatMs === 0) return '--heartbeat-interval must be >0 (set to 0ms)';
  if (electionMs === 0) return '--election-timeout must be >0 (set to 0ms)';
  if (5 * heartbeatMs > electionMs) {
    return (
      `--election-timeout[${electionMs}ms] should be at least as 5 times as ` +
      `--heartbeat-interval[${heartbeatMs}ms]`
    );
  }
  if (electionMs > electionTimeoutMaxMs) {
    return (
      `--election-timeout[${electionMs}ms] is too long, ` +
      `and should be set less than ${electionTimeoutMaxMs}ms`
    );
  }
  return undefined;
}

function describeRest(settings: Settings): string | undefined {
  const mode = settings.text('auto-compaction-mode');
  if (mode === '') return 'undefined auto-compaction-mode';
  if (mode !== 'periodic' && mode !== 'revision') {
    return `unknown auto-compaction-mode ${JSON.stringify(mode)}`;
  }
  const gates = settings.gates();
  if (gates.get('LeaseCheckpointPersist') === true && gates.get('LeaseCheckpoint') !== true) {
    return 'enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint';
  }
  const hashCheckMs = settings.number('compact-hash-check-time');
  if (hashCheckMs <= 0) {
    return `--compact-hash-check-time must be >0 (set to ${formatDuration(hashCheckMs)})`;
  }
  // etcd ends at this one (3.7.3).
  const corruptCheckMs = settings.number('corrupt-check-time');
  if (corruptCheckMs < 0) {
    return `--corrupt-check-time must be >=0 (set to ${formatDuration(corruptCheckMs)})`;
  }
  for (const flag of ['max-txn-ops', 'max-request-bytes', 'compaction-batch-limit']) {
    if (settings.number(flag) <= 0) return `--${flag} must be >0`;
  }
  return undefined;
}
