import { between, shuffled, victim, type Nemesis, type World, type Underway } from './types.ts';
import type { Slot } from '../db/slot.ts';

/** kill -9, and a start on the same data a while later. */
async function killed(world: World, slots: readonly Slot[], holdMs: number): Promise<Underway> {
  await Promise.all(slots.map((slot) => slot.kill()));
  const names = slots.map(({ name }) => name).toSorted();
  return {
    what: `kill -9 of ${names.join(' and ')}`,
    members: names,
    holdMs,
    end: () => {
      const dead = slots.filter((slot) => !slot.isRunning);
      for (const slot of dead) if (slot.isMember) world.cluster.launch(slot);
      const proof = `${dead.length} of ${slots.length} processes had ended`;
      return Promise.resolve(dead.length > 0 ? { proof } : { nothing: 'they ran on' });
    },
  };
}

export const killOne = {
  name: 'kill one',
  begin: async (world: World): Promise<Underway | undefined> => {
    const holdMs = between(world.random, 100, 4_000);
    const slot = await victim(world);
    return slot === undefined ? undefined : killed(world, [slot], holdMs);
  },
};

/** All at the same moment, or most of them. */
export const killMany = {
  name: 'kill many',
  begin: (world: World): Promise<Underway | undefined> => {
    const holdMs = between(world.random, 50, 1_500);
    const order = shuffled(world.random, world.cluster.members);
    const least = Math.floor(order.length / 2) + 1;
    const count = least + world.random.below(order.length - least + 1);
    return killed(world, order.slice(0, count), holdMs);
  },
};

export const kill: Nemesis = {
  name: 'kill',
  about: 'kill -9 of one member, of most or of all, and a start on the same data',
  faults: [killOne, killOne, killMany],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
