import { setTimeout as sleep } from 'node:timers/promises';
import { between, oneOf, victim, type Fault, type Nemesis } from './types.ts';

/** Clocks that are wrong. What a member promises must hang on none but the length of its own monotonic second. */

const hourMs = 3_600_000;
const jumpsMs = [-24 * hourMs, -hourMs, -5_000, -200, 200, 5_000, hourMs, 24 * hourMs];

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
    for (const each of slots) preloads.setWall(each, jumpMs);
    const names = slots.map(({ name }) => name);
    return {
      what: `the clock of ${names.join(' and ')} jumps by ${jumpMs / 1_000} s, and back`,
      members: names,
      holdMs,
      end: () => {
        for (const each of slots) preloads.setWall(each, 0);
        return Promise.resolve();
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
    for (let i = 0; i < times; i++) {
      preloads.setWall(slot, i % 2 === 0 ? jumpMs : 0);
      await sleep(pauseMs);
    }
    preloads.setWall(slot, 0);
    return {
      what: `the clock of ${slot.name} jumps by ${jumpMs / 1_000} s and back, ${times} times`,
      members: [slot.name],
      holdMs: 0,
      end: () => Promise.resolve(),
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
    world.preloads.skip(slot, skipMs);
    return {
      what: `the monotonic clock of ${slot.name} goes ahead by ${skipMs / 1_000} s`,
      members: [slot.name],
      holdMs: 0,
      end: () => Promise.resolve(),
    };
  },
};

export const clock: Nemesis = {
  name: 'clock',
  about: 'the clock on the wall jumps, once or to and fro',
  faults: [wallJump, wallJump, wallStrobe],
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
