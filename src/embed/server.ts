import { createHttpHandlers } from '../api/http.ts';
import { registerMemberMetrics } from '../api/member-metrics.ts';
import { Readiness } from '../api/readiness.ts';
import { createHandlers } from '../api/services.ts';
import { mustGet } from '../base/assert.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../host/logger.ts';
import { createMetrics } from '../host/metrics-registry.ts';
import type { Metrics } from '../host/metrics.ts';
import { registerProcessMetrics } from '../host/process-metrics.ts';
import { randomNonce, systemRandom } from '../host/random.ts';
import { systemScheduler } from '../host/scheduler.ts';
import { describeClusterRoute, type ClusterDescription } from '../peer/cluster-query.ts';
import { PeerTransport } from '../peer/transport.ts';
import type { MemberId } from '../raft/types.ts';
import type { IndexCheckpointSettings } from '../server/index-checkpoint-parts.ts';
import type { MemberSettings } from '../server/member-parts.ts';
import { ServerMember } from '../server/member.ts';
import { openOrCreateDataDir, type OpenedDataDir } from './data-dir.ts';
import { openListeners, type Listeners } from './listeners.ts';
import { publishUntilApplied } from './publish.ts';
import { memberSettings } from './settings.ts';

/**
 * Starts a member from plain values: the one place where storage, transport, loops, services and ports are put
 * together. Nothing here ends the process, installs a signal handler or writes outside the data dir.
 */

export interface RunningServer {
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  /** Resolves when the member serves: there is a leader, and it has published itself. */
  readonly ready: Promise<void>;
  /** Resolves after `stop`; rejects with the reason when the member cannot go on. */
  readonly closed: Promise<void>;
  /** Where clients reach it, with the ports that were found for port 0. */
  readonly clientAddresses: readonly string[];
  status(): { readonly lead: MemberId; readonly isLeader: boolean };
  stop(): Promise<void>;
}

export interface ServerHost {
  readonly logger: Logger;
  /** Other than usual: so that a member of a few keys writes checkpoints too. */
  readonly indexCheckpoint?: IndexCheckpointSettings;
}

/** etcd's words, which operators look for. */
const removedText = 'the member has been permanently removed from the cluster';

/** Rejects, with nothing left behind it, when the data dir or a port is not to be had. */
export async function startServer(
  config: ServerConfig,
  { logger, indexCheckpoint }: ServerHost,
): Promise<RunningServer> {
  const closing = closedPromise();
  const metrics = createMetrics();
  const processMetrics = registerProcessMetrics(metrics);
  const opened = await openOrCreateDataDir(config, logger, closing.fail);
  const removed = (): void => {
    logger.log('warn', 'server error', { error: removedText });
    logger.log('warn', 'data-dir used by this member must be removed', {
      'data-dir': config.dataDir,
    });
    stop().catch(closing.fail);
  };
  const { member, transport } = openMember({
    config,
    settings: memberSettings(config, indexCheckpoint),
    logger,
    metrics,
    opened,
    fail: closing.fail,
    removed,
  });
  const readiness = new Readiness();
  let listeners: Listeners;
  try {
    listeners = await openPorts({ config, logger, metrics, member, transport, readiness });
  } catch (error) {
    processMetrics.close();
    await stopMember(member);
    throw error;
  }
  member.start();
  logger.log('info', 'member started', {
    'local-member-id': member.id.toString(16),
    'cluster-id': member.clusterId.toString(16),
    revision: member.revision,
  });
  const stop = async (): Promise<void> => {
    await new Promise<void>((done) => member.handOver(done));
    await listeners.closeClients();
    await new Promise<void>((done) => member.saveIndex(done));
    await stopMember(member);
    await listeners.closePeers();
    processMetrics.close();
    closing.resolve();
  };
  return {
    memberId: member.id,
    clusterId: member.clusterId,
    ready: whenReady(config, logger, member, opened).then(() => readiness.markReady()),
    closed: closing.promise,
    clientAddresses: listeners.clientAddresses,
    status: () => ({ lead: member.lead, isLeader: member.isLeader }),
    stop,
  };
}

interface MemberToOpen {
  readonly config: ServerConfig;
  readonly settings: MemberSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly opened: OpenedDataDir;
  readonly fail: (error: Error) => void;
  readonly removed: () => void;
}

function openMember(parts: MemberToOpen) {
  const { config, settings, logger, metrics, opened, fail, removed } = parts;
  let transport: PeerTransport | undefined;
  const { dataDir, loader } = opened;
  const member = new ServerMember({
    dataDir,
    loader,
    settings,
    host: {
      scheduler: systemScheduler,
      random: systemRandom,
      logger,
      metrics,
      nonce: randomNonce(),
      unixTimeMs: () => Date.now(),
    },
    openTransport: (events) => {
      transport = new PeerTransport({
        identity: dataDir.identity,
        events,
        scheduler: systemScheduler,
        random: systemRandom,
        logger,
        metrics,
        engine: config.grpcEngine,
      });
      return transport;
    },
    onFatal: (reason) => fail(new Error(reason)),
    onRemoved: removed,
  });
  registerMemberMetrics(metrics, member);
  return { member, transport: mustGet(transport, 'the member opened no transport') };
}

function openPorts(parts: {
  readonly config: ServerConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly member: ServerMember;
  readonly transport: PeerTransport;
  readonly readiness: Readiness;
}): Promise<Listeners> {
  const { config, logger, metrics, member, transport, readiness } = parts;
  const handlers = createHandlers({
    member,
    metrics,
    scheduler: systemScheduler,
    limits: { requestBytesMax: config.maxRequestBytes, txnOpsMax: config.maxTxnOps },
    electionTimeoutMs: config.electionTimeoutMs,
    readiness,
  });
  const http = createHttpHandlers({ member, metrics, logger, corsOrigins: [], hostWhitelist: [] });
  const describe = (): ClusterDescription => ({
    clusterId: member.clusterId,
    appliedIndex: member.status().raftAppliedIndex,
    members: member.record,
    lineage: member.lineage,
  });
  const peerHandlers = new Map([...transport.handlers, describeClusterRoute(describe)]);
  const beforeClients = (): Promise<void> => checkInitially(config, member);
  return openListeners({ config, handlers, peerHandlers, http, logger, beforeClients });
}

/** Rejects when the other members hold something else than this one. */
function checkInitially(config: ServerConfig, member: ServerMember): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!config.initialCorruptCheck) return resolve();
    member.checkInitially((problem) => {
      if (problem === undefined) resolve();
      else reject(new Error(problem));
    });
  });
}

function whenReady(
  config: ServerConfig,
  logger: Logger,
  member: ServerMember,
  { dataDir }: OpenedDataDir,
): Promise<void> {
  const attributes = {
    memberId: member.id,
    name: config.name,
    clientUrls: config.advertiseClientUrls,
    incarnation: dataDir.identity.incarnation,
  };
  return new Promise((resolve) => {
    publishUntilApplied(member, attributes, systemScheduler, () => {
      logger.log('info', 'published local member to cluster through raft', { name: config.name });
      logger.log('info', 'ready to serve client requests');
      resolve();
    });
  });
}

function stopMember(member: ServerMember): Promise<void> {
  return new Promise((resolve) => member.stop(resolve));
}

/** A promise that is settled from outside, once. A failure before anyone waits for it is not "unhandled". */
function closedPromise(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly fail: (error: Error) => void;
} {
  let resolve: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((fulfil, reject) => {
    resolve = fulfil;
    fail = reject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, fail };
}
