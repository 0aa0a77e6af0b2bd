import { seededRandom } from '../../src/base/random.ts';
import { isJoint } from './members.ts';
import { flipBit } from './rot.ts';
import type { SimStep } from './steps.ts';
import type { SimWorld } from './world.ts';

/** The members that have their data must stay a quorum of the voters, so that losing one is no end. */
const votersMinToLoseOne = 3;

/** What happens to processes, machines and disks. */
export async function performFault(world: SimWorld, step: SimStep): Promise<void> {
  const { machines, cluster, disks, probes } = world;
  const later = (inMs: number, act: () => void): void => world.agenda.add(world.nowMs + inMs, act);
  switch (step.do) {
    case 'crash': {
      const names = step.who === 'all' ? cluster.names : [world.nameOf(step.who)];
      for (const name of names) {
        const crash = (): void => {
          world.crash(name, step.keepsPerMille, step.seed);
          world.startLater(name, step.downMs);
        };
        if (step.isUnsynced === true) machines.beforeSync.set(name, crash);
        else crash();
      }
      return;
    }
    case 'stop': {
      const name = world.nameOf(step.who);
      cluster.stop(name);
      return world.startLater(name, step.downMs);
    }
    case 'pause': {
      const host = machines.hostOf(world.nameOf(step.who));
      if (host === undefined || host.isPaused) return;
      if (step.who === 'leader') probes.sometimes('leader stood still');
      host.pause();
      return later(step.forMs, () => {
        world.judge.note(host.name, 'goes on');
        host.resume();
      });
    }
    case 'clock':
      return machines.setRate(world.nameOf(step.who), step.rate);
    case 'slowDisk': {
      const name = world.nameOf(step.who);
      disks.slow(name, step.maxMs);
      return later(step.forMs, () => disks.slow(name, 0));
    }
    case 'failWrite': {
      const name = world.nameOf(step.who);
      if (cluster.running(name) === undefined) return;
      world.downMs.set(name, step.downMs);
      return disks.failNextWrite(name, step.isPersisted, step.isFull);
    }
    case 'fullDisk': {
      const name = world.nameOf(step.who);
      const disk = cluster.diskOf(name);
      machines.fill(name);
      disk.freeBytes = step.freeBytes;
      return later(step.forMs, () => {
        disk.freeBytes = Number.MAX_SAFE_INTEGER;
        machines.relieve(name);
      });
    }
    case 'rot':
      return rot(world, step);
    case 'wipe':
      return wipe(world, world.nameOf(step.who));
    default:
      return;
  }
}

/** A bit of one row flips, in the log or in the store, under a running member or one that is down. */
function rot(world: SimWorld, step: SimStep & { readonly do: 'rot' }): void {
  const name = world.nameOf(step.who);
  const { machines, cluster } = world;
  if (!mayLose(world, name)) return;
  const random = seededRandom(step.seed);
  const disk = cluster.diskOf(name);
  const folders = disk.databaseFolders;
  const folder = folders[random.below(folders.length)] ?? '';
  const rows = [...(disk.rowsOf(folder)?.values() ?? [])];
  const row = rows[random.below(Math.max(1, rows.length))];
  if (row === undefined || row.value.length === 0) return;
  flipBit(row, random.below(row.value.length), random.below(8));
  world.judge.note(name, `a bit flips in a row of ${folder}`);
  machines.damaged.add(name);
  machines.troubled.add(name);
  if (random.below(2) === 0) return;
  world.crash(name, 0, step.seed);
  world.startLater(name, startsAgainMs);
}

const startsAgainMs = 300;

/** Its disk is replaced by an empty one, and it is started under its old id. */
async function wipe(world: SimWorld, name: string): Promise<void> {
  const { machines, cluster } = world;
  if (!mayLose(world, name) || cluster.running(name) === undefined) return;
  machines.hostOf(name)?.resume();
  machines.damaged.add(name);
  machines.troubled.add(name);
  machines.archive.forget(name);
  world.probes.sometimes('member lost its disk');
  await cluster.wipe(name);
}

function mayLose({ machines, cluster }: SimWorld, name: string): boolean {
  const voters = cluster.leader?.record.filter(({ isLearner }) => !isLearner) ?? [];
  // Each half of a joint configuration needs its quorum.
  if (cluster.members.some(isJoint)) return false;
  const isWhole = machines.damaged.size === 0 && voters.length >= votersMinToLoseOne;
  return isWhole && !cluster.removed.includes(name) && !cluster.failed.has(name);
}
