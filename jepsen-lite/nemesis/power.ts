import type { Slot } from '../db/slot.ts';
import {
  between,
  shuffled,
  victim,
  type Fault,
  type Nemesis,
  type Underway,
  type World,
} from './types.ts';

/** The plug is pulled: of what was not synced, any part may be gone, and any order of it may have reached the disk. */
async function unplugged(
  world: World,
  slots: readonly Slot[],
  { holdMs, isNothingLeft = false }: { readonly holdMs: number; readonly isNothingLeft?: boolean },
): Promise<Underway> {
  const { preloads, random } = world;
  await Promise.all(slots.map((slot) => slot.kill()));
  const left = slots.map((slot) => {
    const lost = isNothingLeft
      ? preloads.loseUnsynced(slot, random)
      : preloads.losePower(slot, random);
    return { name: slot.name, lost };
  });
  const names = slots.map(({ name }) => name).toSorted();
  const isAlike = new Set(left.map(({ lost }) => lost)).size === 1;
  const told = isAlike
    ? (left[0]?.lost ?? '')
    : left.map(({ name, lost }) => `${name}: ${lost}`).join('; ');
  return {
    what: `${names.join(' and ')} ${names.length > 1 ? 'lose' : 'loses'} power (${told})`,
    members: names,
    holdMs,
    end: () => {
      const dead = slots.filter((slot) => !slot.isRunning);
      for (const slot of dead) if (slot.isMember) world.cluster.launch(slot);
      const proof = `${dead.length} of ${slots.length} data dirs made anew from the record`;
      return Promise.resolve(dead.length > 0 ? { proof } : { nothing: 'they ran on' });
    },
  };
}

export const unplugOne: Fault = {
  name: 'unplug one',
  begin: async (world) => {
    const holdMs = between(world.random, 50, 3_000);
    const slot = await victim(world);
    return slot === undefined ? undefined : unplugged(world, [slot], { holdMs });
  },
};

/** The whole room goes dark, or most of it. */
export const unplugMany: Fault = {
  name: 'unplug many',
  begin: async (world) => {
    const holdMs = between(world.random, 50, 1_000);
    const order = shuffled(world.random, world.cluster.members);
    const least = Math.floor(order.length / 2) + 1;
    const count = least + world.random.below(order.length - least + 1);
    return unplugged(world, order.slice(0, count), { holdMs });
  },
};

/** All at once, and of what was not synced nothing is left. */
export const unplugAll: Fault = {
  name: 'unplug all',
  begin: (world) => {
    const holdMs = between(world.random, 50, 1_000);
    return unplugged(world, world.cluster.members, { holdMs, isNothingLeft: true });
  },
};

export const power: Nemesis = {
  name: 'power',
  about: 'power loss of one member, of most or of all: what was not synced may be gone',
  faults: [unplugOne, unplugMany],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['trace'],
};

/** A test of the harness: what a disk does that lies is found, by the members themselves as a rule. */
export const liar: Nemesis = {
  name: 'liar',
  about: 'power loss with disks that acknowledge syncs and do not do them: this has to fail',
  faults: [unplugMany],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['trace', 'faults'],
  diskRules: ['sync * skip'],
  mustFail: true,
};

/** The same where no member can notice: all of them begin anew, and only clients know what they were told before. */
export const amnesia: Nemesis = {
  name: 'amnesia',
  about:
    'disks that lie, and a power loss of all that leaves nothing: what clients were told must show it',
  faults: [unplugAll],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['trace', 'faults'],
  diskRules: ['sync * skip'],
  mustFail: true,
};
