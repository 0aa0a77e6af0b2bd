import { setTimeout as sleep } from 'node:timers/promises';
import type { WireObject } from '../../test/members/protocol.ts';
import { idOfSlot } from '../db/membership.ts';
import type { TestCluster } from '../db/cluster.ts';
import type { Slot } from '../db/slot.ts';
import { commonFlags, type Db } from '../db/types.ts';
import { compactNow } from './compaction.ts';
import { between, type Effect, type Fault, type Nemesis, type Underway } from './types.ts';

/**
 * A follower is away until the others have dropped from their logs what it misses, so that it has to be sent the
 * whole store. That this came to pass the sender's log has to say: without it the fault came to nothing.
 */

const noKey = Buffer.from('\0jepsen-lite/filler');
/** As many proposals as are sure to be dropped behind it, some more than the flags of the members ask for. */
const missedMin = 100 + sumOfFlags(['snapshot-count', 'snapshot-catchup-entries']);
const fillersAtOnce = 32;
const fillersMax = 4 * missedMin;
const fillerDeadlineMs = 2_000;
const fillingMsMax = 10_000;
const sentMsMax = 15_000;
const pollMs = 100;

function sumOfFlags(names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const flag = commonFlags.find((each) => each.startsWith(`--${name}=`));
    return sum + Number(flag?.split('=')[1] ?? 0);
  }, 0);
}

export const fallBehind: Fault = {
  name: 'fall behind',
  begin: async (world): Promise<Underway | undefined> => {
    const { cluster, random } = world;
    const holdMs = between(random, 500, 4_000);
    const at = random.below(0x1_0000);
    const leader = await cluster.leader();
    // Without a quorum nothing is added to the logs.
    if (!cluster.members.every((slot) => slot.isRunning && !slot.isPaused)) return undefined;
    const followers = cluster.members.filter((slot) => slot !== leader);
    const slot = followers[at % Math.max(1, followers.length)];
    if (slot === undefined) return undefined;
    const id = await idOfSlot(cluster, slot);
    const index = await logIndexOf(cluster, slot);
    await slot.kill();
    return {
      what: `${slot.name} is away (kill -9), until the others have no log left that it could go on with`,
      members: [slot.name],
      holdMs,
      end: async () => {
        await fillLogs(cluster, slot, index);
        const compaction = await compactNow.begin(world);
        const { compactRevision } = (await compaction?.end()) ?? {};
        const compacted = compactRevision === undefined ? {} : { compactRevision };
        const bytes = cluster.slots.map((each) => each.logBytes);
        if (!slot.isMember || slot.isRunning) return { nothing: 'it ran on', ...compacted };
        cluster.launch(slot);
        return { ...(await sentTo(cluster, { id, bytes })), ...compacted };
      },
    };
  },
};

/** The last entry that it has; undefined: it does not say. */
async function logIndexOf(cluster: TestCluster, slot: Slot): Promise<number | undefined> {
  const status = await cluster.status(slot);
  const index = status?.['raftIndex'];
  return index === undefined ? undefined : Number(index);
}

/** Proposals that change nothing, as many as workloads have left to be done: deletions of a key that never is. */
async function fillLogs(
  cluster: TestCluster,
  absent: Slot,
  from: number | undefined,
): Promise<void> {
  const deadlineMs = performance.now() + fillingMsMax;
  for (let sent = 0; sent < fillersMax && performance.now() < deadlineMs; sent += fillersAtOnce) {
    const leader = await cluster.leader();
    const index = leader === undefined ? undefined : await logIndexOf(cluster, leader);
    if (index !== undefined && from !== undefined && index - from > missedMin) return;
    const via = leader ?? cluster.members.find((each) => each !== absent && each.isRunning);
    if (via === undefined || via.isPaused) return;
    await Promise.all(
      Array.from({ length: fillersAtOnce }, () =>
        cluster.call(via, 'KV.DeleteRange', { key: noKey } satisfies WireObject, fillerDeadlineMs),
      ),
    );
  }
}

/** Waits until a member's log says, behind the given numbers of bytes, that it has sent a snapshot to that one. */
async function sentTo(
  cluster: TestCluster,
  { id, bytes }: { readonly id: string | undefined; readonly bytes: readonly number[] },
): Promise<Effect> {
  if (id === undefined) return { nothing: 'nobody tells its id, so that no log speaks of it' };
  const hex = BigInt(id).toString(16);
  const deadlineMs = performance.now() + sentMsMax;
  for (;;) {
    for (const [i, slot] of cluster.slots.entries()) {
      if (tellsOfSnapshot(slot.logSince(bytes[i] ?? 0), { db: cluster.db, hex })) {
        return { proof: `${slot.name} logged that it had sent it a snapshot` };
      }
    }
    if (performance.now() > deadlineMs) {
      return { nothing: `no member logged in ${sentMsMax} ms that it had sent it a snapshot` };
    }
    await sleep(pollMs);
  }
}

/** Whether a log says that a snapshot was sent, whole, to the member of that id. */
export function tellsOfSnapshot(
  log: string,
  { db, hex }: { readonly db: Pick<Db, 'snapshotSent'>; readonly hex: string },
): boolean {
  return log.split('\n').some((line) => db.snapshotSent.exec(line)?.[1] === hex);
}

export const behind: Nemesis = {
  name: 'behind',
  about:
    'members that are away until only a snapshot can bring them back, as the log of the sender shows',
  faults: [fallBehind],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
