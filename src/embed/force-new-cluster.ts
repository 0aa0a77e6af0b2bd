import { emptyBytes } from '../base/bytes.ts';
import type { Logger } from '../host/logger.ts';
import { randomId } from '../host/random.ts';
import { planForcedStart } from '../server/forced-start.ts';
import { replaceIdentity } from '../storage/data-dir-files.ts';
import { openDataDir, type DataDirOptions } from '../storage/data-dir-open.ts';
import { FatalUntilEnd } from '../storage/fatal-until-end.ts';
import type { DataDir } from '../storage/types.ts';
import { extendLineage } from '../wire/lineage.ts';

/**
 * `--force-new-cluster`: the data of one member becomes a cluster of one, for when the others are lost for good. The
 * lineage is written first: a member that stops in between can talk with nobody, and is forced again.
 */
export async function forceNewCluster(options: DataDirOptions, logger: Logger): Promise<void> {
  const forcing = new FatalUntilEnd(options.fatal);
  const dataDir = await openDataDir({ ...options, fatal: (error) => forcing.failed(error) });
  try {
    if (dataDir.provenLoss !== undefined) return;
    await Promise.race([force(dataDir, options, logger), forcing.failure]);
  } finally {
    forcing.end();
    await new Promise<void>((resolve) => dataDir.close(resolve));
  }
}

async function force(dataDir: DataDir, options: DataDirOptions, logger: Logger): Promise<void> {
  const { identity, store, log } = dataDir;
  const plan = planForcedStart({
    self: identity.memberId,
    rows: store.spaces.get('members') ?? [],
    state: store.state,
    log,
    hardState: log.hardState,
  });
  if (plan.kind === 'refused') throw new Error(`--force-new-cluster is refused: ${plan.reason}`);
  if (plan.kind === 'unneeded') {
    const msg = '--force-new-cluster: this member is alone already; take the flag away';
    return logger.log('warn', msg);
  }
  const { entries, hardState, fork, removed } = plan.start;
  const dropped = Math.max(0, log.lastIndex() - fork.index);
  const lineage = extendLineage(identity.lineage ?? emptyBytes, { ...fork, id: randomLineageId() });
  await replaceIdentity(options.disk.fs, options.path, { ...identity, lineage });
  await new Promise<void>((resolve) => log.append({ hardState, entries }, resolve));
  logger.log('warn', 'forcing restart member', {
    'cluster-id': identity.clusterId.toString(16),
    'local-member-id': identity.memberId.toString(16),
    'commit-index': fork.index,
    'dropped-uncommitted-entries': dropped,
    'removed-members': removed.map((id) => id.toString(16)),
    advice: 'start it without --force-new-cluster from now on, and add new members',
  });
}

/** 128 bits. */
function randomLineageId(): string {
  return [randomId(), randomId()].map((half) => half.toString(16).padStart(16, '0')).join('');
}
