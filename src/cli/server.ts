import type { ConfigProblem } from '../config/assignment.ts';
import { formatServerHelp } from '../config/help.ts';
import { parseServerConfig } from '../config/parse-server-config.ts';
import { defaultServerConfig, type ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../host/logger.ts';
import { openLog, type ServerLog } from './logging.ts';
import { tellSystemd } from './systemd.ts';
import { etcdVersion, formatServerVersion, ownVersion } from './version.ts';

/** A running member as this layer sees it; src/embed/server.ts offers it. */
export interface RunningMember {
  readonly ready: Promise<void>;
  /** Resolves after `stop`; rejects with the reason when the member cannot go on. */
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}

export type StartServer = (
  config: ServerConfig,
  host: { readonly logger: Logger },
) => Promise<RunningMember>;

export interface ServerCommand {
  /** As the user calls it: `etcd`, or `quorate server`. */
  readonly program: string;
  readonly args: readonly string[];
  readonly start: StartServer;
}

/** With this in its environment, a server stops when its standard input ends: when its parent is gone. */
export const stopWithParentVariable = 'QUORATE_STOP_WITH_PARENT';

/**
 * Reads the configuration, runs a member until it is told to stop or cannot go on, and returns the
 * exit code.
 */
export async function runServer({ program, args, start }: ServerCommand): Promise<number> {
  const parsed = parseServerConfig({ args, environment: process.env });
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(formatServerHelp(program));
      return 0;
    case 'version':
      process.stdout.write(formatServerVersion());
      return 0;
    case 'problem':
      return reportProblems(program, parsed.problems);
    case 'server':
      break;
  }
  let log: ServerLog;
  try {
    log = openLog(parsed.config);
  } catch (error) {
    const text = `cannot open --log-outputs: ${String(error)}`;
    return reportProblems(program, [{ exitCode: 1, text }]);
  }
  log.logger.log('info', 'Running: ', { args: [program, ...args] });
  for (const { msg, fields } of parsed.warnings) log.logger.log('warn', msg, fields);
  const exitCode = await runMember(parsed.config, log.logger, start);
  log.close();
  return exitCode;
}

/** Misused flags are for the one at the terminal; what is refused belongs in the log as well. */
function reportProblems(program: string, problems: readonly ConfigProblem[]): number {
  const { logger } = openLog(defaultServerConfig());
  for (const { exitCode, text, hint } of problems) {
    if (exitCode === 2) {
      const hints = hint === undefined ? [] : [hint];
      const lines = [text, ...hints, `Usage: ${program} [flags], see --help`];
      process.stderr.write(`${lines.join('\n')}\n`);
      return exitCode;
    }
    const fields = hint === undefined ? { error: text } : { error: text, remedy: hint };
    logger.log('fatal', 'failed to verify flags', fields);
  }
  return 1;
}

async function runMember(
  config: ServerConfig,
  logger: Logger,
  start: StartServer,
): Promise<number> {
  endOnUncaught(logger);
  logger.log('info', 'starting a member', describeStart(config));
  let member: RunningMember;
  try {
    member = await start(config, { logger });
  } catch (error) {
    logger.log('fatal', 'failed to start', { error: describeError(error) });
    return 1;
  }
  const stopOnSignals = stopOnSignal(member, logger);
  // A member that fails before it is ready never becomes ready, and `closed` says why.
  member.ready.then(
    () => tellSystemd(logger),
    () => undefined,
  );
  try {
    await member.closed;
    logger.log('info', 'member stopped');
    return 0;
  } catch (error) {
    logger.log('fatal', 'member failed', { error: describeError(error) });
    return 1;
  } finally {
    stopOnSignals.forget();
  }
}

/** A broken invariant ends the process at once: a wrong member must not answer. */
function endOnUncaught(logger: Logger): void {
  const end = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.log('fatal', 'uncaught error', { error: describeError(error), stacktrace: stack });
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

function describeStart(config: ServerConfig): Readonly<Record<string, unknown>> {
  return {
    'etcd-version': etcdVersion,
    'quorate-version': ownVersion(),
    'node-version': process.version,
    pid: process.pid,
    name: config.name,
    'data-dir': config.dataDir,
    'listen-peer-urls': config.listenPeerUrls,
    'listen-client-urls': config.listenClientUrls,
    'initial-advertise-peer-urls': config.initialAdvertisePeerUrls,
    'advertise-client-urls': config.advertiseClientUrls,
    'initial-cluster': config.initialCluster
      .map(({ name, peerUrl }) => `${name}=${peerUrl}`)
      .join(','),
    'initial-cluster-token': config.initialClusterToken,
    'heartbeat-interval': `${config.heartbeatIntervalMs}ms`,
    'election-timeout': `${config.electionTimeoutMs}ms`,
  };
}

function stopOnSignal(member: RunningMember, logger: Logger): { forget(): void } {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    logger.log('info', 'received signal; shutting down', { signal });
    // The second one is from somebody who will not wait.
    if (stopping) process.exit(1);
    stopping = true;
    member.stop().catch((error: unknown) => {
      logger.log('fatal', 'failed to stop', { error: describeError(error) });
      process.exit(1);
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env[stopWithParentVariable] !== undefined) {
    process.stdin.once('end', () => onSignal('SIGTERM')).resume();
  }
  return {
    forget: () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
