import type { ServerConfig } from '../config/server-config.ts';
import { verifyBootstrap } from '../config/verify-bootstrap.ts';
import type { Logger } from '../host/logger.ts';
import { randomId } from '../host/random.ts';
import { systemScheduler } from '../host/scheduler.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import { AppliedStateLoader } from '../server/applied-state.ts';
import { inspectDataDir } from '../storage/data-dir-files.ts';
import { createDataDir, openDataDir, type DataDirCreateOptions } from '../storage/data-dir-open.ts';
import { machineDisk } from '../storage/machine-disk.ts';
import type { DataDir } from '../storage/types.ts';
import { bootstrapCluster } from './bootstrap.ts';
import { forceNewCluster } from './force-new-cluster.ts';
import { joinCluster, wasBootstrapped } from './join.ts';

export interface OpenedDataDir {
  readonly dataDir: DataDir;
  readonly loader: AppliedStateLoader;
}

/**
 * Opens the data dir, or makes it for a first member of a new cluster or one that joins. One that exists says by
 * itself who the member is; the initial cluster of the configuration is then not looked at, as in etcd.
 */
export async function openOrCreateDataDir(
  config: ServerConfig,
  logger: Logger,
  fatal: (error: Error) => void,
): Promise<OpenedDataDir> {
  const options = { path: config.dataDir, disk: machineDisk, scheduler: systemScheduler, fatal };
  const found = inspectDataDir(machineDisk.fs, config.dataDir);
  if (found.kind === 'refused') throw found.error;
  if (found.kind !== 'ours') {
    const member =
      config.initialClusterState === 'new'
        ? await firstMember(config)
        : await joiningMember(config, logger);
    await createDataDir({ ...options, ...member });
  } else if (config.forceNewCluster) await forceNewCluster(options, logger);
  const loader = new AppliedStateLoader();
  const dataDir = await openDataDir({
    ...options,
    onRows: (rows, state) => loader.feed(rows, state),
    checkpoint: loader.checkpoint,
  });
  tellCheckpoint(loader, logger);
  if (dataDir.provenLoss === undefined) return { dataDir, loader };
  // A member that has lost what it acknowledged must neither vote nor acknowledge: it does not run at all.
  await new Promise<void>((resolve) => dataDir.close(resolve));
  throw new Error(describeProvenLoss(dataDir.provenLoss, config.dataDir));
}

export function describeProvenLoss(loss: string, dataDir: string): string {
  return (
    `${loss} This member has lost what it had acknowledged, and must not take part any more. Stop it, remove the ` +
    `data dir ${dataDir}, remove the member from the cluster and add it again as a new one.`
  );
}

function tellCheckpoint({ checkpoint }: AppliedStateLoader, logger: Logger): void {
  const { content, ignoredReason: reason } = checkpoint;
  if (reason !== undefined) logger.log('warn', 'the index checkpoint was ignored', { reason });
  if (content === undefined) return;
  logger.log('info', 'the index was loaded from a checkpoint', { revision: content.revision });
}

type NewMember = Pick<DataDirCreateOptions, 'identity' | 'entries' | 'hardState'>;

async function firstMember(config: ServerConfig): Promise<NewMember> {
  const mismatch = await verifyBootstrap(config);
  if (mismatch !== undefined) throw new Error(mismatch);
  const { name, initialCluster, initialClusterToken } = config;
  const { memberId, clusterId, entries, hardState } = bootstrapCluster(
    name,
    initialCluster,
    initialClusterToken,
  );
  if (await wasBootstrapped(config, memberId)) {
    throw new Error(describeBootstrapped(config, memberId));
  }
  return { identity: { clusterId, memberId, incarnation: randomId() }, entries, hardState };
}

/** Its log is empty: the leader brings it all. */
async function joiningMember(config: ServerConfig, logger: Logger): Promise<NewMember> {
  const { clusterId, memberId, lineage } = await joinCluster({ config, logger });
  logger.log('info', 'joining a running cluster', {
    'cluster-id': clusterId.toString(16),
    'local-member-id': memberId.toString(16),
  });
  const identity = { clusterId, memberId, incarnation: randomId() };
  return {
    identity: lineage.length === 0 ? identity : { ...identity, lineage },
    entries: [],
    hardState: { term: 0, vote: noMember, commit: 0 },
  };
}

function describeBootstrapped({ dataDir }: ServerConfig, memberId: MemberId): string {
  const id = memberId.toString(16);
  return (
    `member ${id} has already been bootstrapped: the cluster knows it, but ${dataDir} does not hold its data. ` +
    `If that is lost, remove the member ("etcdctl member remove ${id}"), add it as a new one ("etcdctl member add") ` +
    'and start it with --initial-cluster-state=existing'
  );
}
