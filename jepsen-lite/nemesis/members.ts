import { setTimeout as sleep } from 'node:timers/promises';
import { addMember, idOfSlot, promoteMember, removeMember } from '../db/membership.ts';
import type { Slot } from '../db/slot.ts';
import {
  between,
  oneOf,
  over,
  victim,
  type Effect,
  type Fault,
  type Nemesis,
  type World,
} from './types.ts';

/** Members come and go by the cluster's own means, one at a time. */

/** A change is refused while a member that has just come is not in touch yet. */
const triesMax = 10;
const retryPauseMs = 500;

async function tried(change: () => Promise<string | undefined>): Promise<string | undefined> {
  let refusal: string | undefined;
  for (let i = 0; i < triesMax; i++) {
    refusal = await change();
    if (refusal === undefined) return undefined;
    await sleep(retryPauseMs);
  }
  return refusal;
}

async function anyOther(world: World, slot: Slot): Promise<Slot | undefined> {
  const leader = await world.cluster.leader();
  if (leader !== undefined && leader !== slot) return leader;
  return world.cluster.members.find((each) => each !== slot && each.isRunning && !each.isPaused);
}

/** One is removed, asked of itself or of another, and comes back as a new member without data. */
export const replace: Fault = {
  name: 'replace',
  begin: async (world) => {
    const { cluster, random } = world;
    const holdMs = between(random, 200, 3_000);
    const asksItself = random.below(3) === 0;
    const isLearner = random.below(2) === 0;
    const slot = await victim(world);
    if (slot === undefined || cluster.members.length < cluster.size) return undefined;
    const via = asksItself ? slot : await anyOther(world, slot);
    if (via === undefined) return undefined;
    const before = await idOfSlot(cluster, slot);
    const refusal = await removeMember(cluster, slot, via);
    const members = [slot.name];
    if (refusal !== undefined) {
      return over(`removal of ${slot.name} by ${via.name}`, members, {
        nothing: `refused: ${refusal}`,
      });
    }
    return {
      what: `${slot.name} is removed by ${via.name} and replaced by a new member without data`,
      members,
      holdMs,
      end: async (): Promise<Effect> => {
        await comeBack(world, slot, isLearner);
        const now = await idOfSlot(cluster, slot);
        const id = (text: string | undefined): string => (text === undefined ? 'none' : text);
        return before !== undefined && before === now
          ? { nothing: `the list of members still has ${before}` }
          : { proof: `its id in the list of members was ${id(before)}, and is ${id(now)}` };
      },
    };
  },
};

async function comeBack(world: World, slot: Slot, isLearner: boolean): Promise<void> {
  const { cluster } = world;
  const refusal = await tried(async () => {
    const via = await anyOther(world, slot);
    return via === undefined ? 'nobody runs' : addMember(cluster, slot, { via, isLearner });
  });
  // What could not be done now is done when the world has healed.
  if (refusal !== undefined || !isLearner) return;
  await tried(async () => {
    const via = await anyOther(world, slot);
    return via === undefined ? 'nobody runs' : promoteMember(cluster, slot, via);
  });
}

/** A spare one is added, as a voter or a learner, and later removed. */
export const grow: Fault = {
  name: 'grow',
  begin: async (world) => {
    const { cluster, random } = world;
    const holdMs = between(random, 1_000, 5_000);
    const manner = oneOf(random, ['voter', 'learner', 'learner that is promoted'] as const);
    const spare = cluster.slots.find((slot) => !slot.isMember);
    const via = spare === undefined ? undefined : await anyOther(world, spare);
    if (spare === undefined || via === undefined || cluster.members.length > cluster.size) {
      return undefined;
    }
    const isLearner = manner !== 'voter';
    const refusal = await addMember(cluster, spare, { via, isLearner });
    const members = [spare.name];
    if (refusal !== undefined) {
      return over(`addition of ${spare.name}`, members, { nothing: `refused: ${refusal}` });
    }
    if (manner === 'learner that is promoted') {
      await tried(() => promoteMember(cluster, spare, via));
    }
    const id = await idOfSlot(cluster, spare);
    return {
      what: `${spare.name} is added as a ${manner}, and removed again`,
      members,
      holdMs,
      end: async (): Promise<Effect> => {
        await tried(async () => {
          const other = await anyOther(world, spare);
          return other === undefined ? 'nobody runs' : removeMember(cluster, spare, other);
        });
        return id === undefined
          ? { nothing: 'the list of members never had it' }
          : { proof: `the list of members had it, with id ${id}` };
      },
    };
  },
};

export const members: Nemesis = {
  name: 'members',
  about: 'members are added, promoted, removed and replaced',
  faults: [replace, replace, grow],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
