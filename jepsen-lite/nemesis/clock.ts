import { setTimeout as sleep } from 'node:timers/promises';
import type { Slot } from '../db/slot.ts';
import { moveLeader } from './leader.ts';
import {
  between,
  oneOf,
  victim,
  type Effect,
  type Fault,
  type Nemesis,
  type World,
} from './types.ts';

/** Clocks that are wrong. What a member promises must hang on none but the length of its own monotonic second. */

const hourMs = 3_600_000;
const jumpsMs = [-24 * hourMs, -hourMs, -5_000, -200, 200, 5_000, hourMs, 24 * hourMs];

/** A wrong clock that its process did not read has done nothing; a skip is read within so much. */
const readWithinMs = 200;

/** Answers what tells, later, how often the clocks were read while they were wrong. */
function readingsFrom({ preloads }: World, slots: readonly Slot[], clock: 'wall' | 'monotonic') {
  const count = (): number =>
    slots.reduce((sum, slot) => sum + preloads.wrongReadings(slot)[clock], 0);
  const before = count();
  return (): Effect => {
    const times = count() - before;
    return times > 0
      ? { proof: `it was read ${times} times while it was wrong` }
      : { nothing: 'nobody read the clock while it was wrong' };
  };
}

/** Members read the clock on the wall for their logs alone: a change of leadership makes all of them write. */
async function stir(world: World): Promise<void> {
  const moved = await moveLeader.begin(world);
  await moved?.end();
}

export const wallJump: Fault = {
  name: 'wall jump',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 500, 6_000);
    const jumpMs = oneOf(random, jumpsMs);
    const isEverywhere = random.below(3) === 0;
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const slots = isEverywhere ? cluster.members : [slot];
    const effect = readingsFrom(world, slots, 'wall');
    for (const each of slots) preloads.setWall(each, jumpMs);
    await stir(world);
    const names = slots.map(({ name }) => name);
    return {
      what: `the clock of ${names.join(' and ')} jumps by ${jumpMs / 1_000} s, and back`,
      members: names,
      holdMs,
      end: () => {
        for (const each of slots) preloads.setWall(each, 0);
        return Promise.resolve(effect());
      },
    };
  },
};

/** Killed, and started while its clock is wrong: what is numbered by the time must not come twice. */
export const wrongStart: Fault = {
  name: 'start under a wrong clock',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 1_000, 5_000);
    const jumpMs = oneOf(random, jumpsMs);
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const effect = readingsFrom(world, [slot], 'wall');
    preloads.setWall(slot, jumpMs);
    await slot.kill();
    if (slot.isMember) cluster.launch(slot);
    return {
      what: `${slot.name} is killed, and starts with a clock that is wrong by ${jumpMs / 1_000} s`,
      members: [slot.name],
      holdMs,
      end: () => {
        preloads.setWall(slot, 0);
        return Promise.resolve(effect());
      },
    };
  },
};

/** To and fro, again and again. */
export const wallStrobe: Fault = {
  name: 'wall strobe',
  begin: async (world) => {
    const { random, preloads } = world;
    const times = between(random, 10, 60);
    const pauseMs = between(random, 5, 50);
    const jumpMs = oneOf(random, jumpsMs);
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const effect = readingsFrom(world, [slot], 'wall');
    let stirred = Promise.resolve();
    for (let i = 0; i < times; i++) {
      preloads.setWall(slot, i % 2 === 0 ? jumpMs : 0);
      // Whoever leads next begins to count leases while the clock is beside itself.
      if (i === 2) stirred = stir(world);
      await sleep(pauseMs);
    }
    await stirred;
    preloads.setWall(slot, 0);
    return {
      what: `the clock of ${slot.name} jumps by ${jumpMs / 1_000} s and back, ${times} times`,
      members: [slot.name],
      holdMs: 0,
      end: () => Promise.resolve(effect()),
    };
  },
};

/** As after a machine has stood still without its processes noticing. A lease is counted by this clock. */
export const monotonicSkip: Fault = {
  name: 'monotonic skip',
  begin: async (world) => {
    const skipMs = oneOf(world.random, [50, 300, 1_000, 3_000, 30_000]);
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const effect = readingsFrom(world, [slot], 'monotonic');
    world.preloads.skip(slot, skipMs);
    return {
      what: `the monotonic clock of ${slot.name} goes ahead by ${skipMs / 1_000} s`,
      members: [slot.name],
      holdMs: readWithinMs,
      end: () => Promise.resolve(effect()),
    };
  },
};

export const clock: Nemesis = {
  name: 'clock',
  about: 'the clock on the wall jumps, once or to and fro, or is wrong when a member starts',
  faults: [wallJump, wrongStart, wallStrobe],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['clock'],
};

export const monotonic: Nemesis = {
  name: 'monotonic',
  about:
    'monotonic clocks go ahead, as after a machine stood still; leases end early by that, by design',
  faults: [monotonicSkip],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['clock'],
};
