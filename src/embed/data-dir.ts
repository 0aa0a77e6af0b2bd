import type { ServerConfig } from '../config/server-config.ts';
import { verifyBootstrap } from '../config/verify-bootstrap.ts';
import { randomId } from '../host/random.ts';
import { systemScheduler } from '../host/scheduler.ts';
import { AppliedStateLoader } from '../server/applied-state.ts';
import { inspectDataDir } from '../storage/data-dir-files.ts';
import { createDataDir, openDataDir } from '../storage/data-dir-open.ts';
import { machineDisk } from '../storage/machine-disk.ts';
import type { DataDir } from '../storage/types.ts';
import { bootstrapCluster } from './bootstrap.ts';

export interface OpenedDataDir {
  readonly dataDir: DataDir;
  readonly loader: AppliedStateLoader;
}

/**
 * Opens the data dir, or makes it for a first member of a new cluster. One that exists says by itself who the
 * member is; the initial cluster of the configuration is then not looked at, as in etcd.
 */
export async function openOrCreateDataDir(
  config: ServerConfig,
  fatal: (error: Error) => void,
): Promise<OpenedDataDir> {
  const options = { path: config.dataDir, disk: machineDisk, scheduler: systemScheduler, fatal };
  const found = inspectDataDir(machineDisk.fs, config.dataDir);
  if (found.kind === 'refused') throw found.error;
  if (found.kind !== 'ours') {
    // Compared as text: the type has more values once members can join.
    const state: string = config.initialClusterState;
    if (state !== 'new') throw new Error(describeNotNew(config));
    const mismatch = await verifyBootstrap(config);
    if (mismatch !== undefined) throw new Error(mismatch);
    const { name, initialCluster, initialClusterToken } = config;
    const { memberId, clusterId, entries, hardState } = bootstrapCluster(
      name,
      initialCluster,
      initialClusterToken,
    );
    const identity = { clusterId, memberId, incarnation: randomId() };
    await createDataDir({ ...options, identity, entries, hardState });
  }
  const loader = new AppliedStateLoader();
  const dataDir = await openDataDir({
    ...options,
    onRows: (rows, state) => loader.feed(rows, state),
  });
  if (dataDir.provenLoss === undefined) return { dataDir, loader };
  // A member that has lost what it acknowledged must neither vote nor acknowledge: it does not run at all.
  await new Promise<void>((resolve) => dataDir.close(resolve));
  throw new Error(
    `${dataDir.provenLoss} This member has lost what it had acknowledged, and must not take part any more. ` +
      `Stop it, remove the data dir ${config.dataDir}, remove the member from the cluster and add it again ` +
      'as a new one.',
  );
}

function describeNotNew({ dataDir, initialClusterState }: ServerConfig): string {
  return (
    `--initial-cluster-state=${initialClusterState} is refused: ${dataDir} does not hold the data of a member, and ` +
    'joining a running cluster is not built. A member that has its data dir starts with either state.'
  );
}
