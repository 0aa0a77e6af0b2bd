import { setTimeout as sleep } from 'node:timers/promises';
import type { Slot } from '../db/slot.ts';
import {
  between,
  oneOf,
  victim,
  type Effect,
  type Fault,
  type Nemesis,
  type World,
} from './types.ts';

/** Disks that fail, fill up or take their time. A member that cannot write its log has to stop, and says so. */

interface Failure {
  readonly what: string;
  readonly rule: string;
}

const failures: readonly Failure[] = [
  { what: 'cannot sync (EIO)', rule: 'sync * EIO' },
  { what: 'fails in one sync (EIO)', rule: 'sync * EIO after 3 times 1' },
  { what: 'cannot write (EIO)', rule: 'write * EIO' },
  { what: 'is full (ENOSPC)', rule: 'write * ENOSPC' },
  { what: 'fills up in the middle of a write', rule: 'write * short after 20 times 1' },
];

/** Answers what tells, later, how often the disks of these members did what they were told to. */
function metFrom({ preloads }: World, slots: readonly Slot[]): () => Effect {
  const count = (): number => slots.reduce((sum, slot) => sum + preloads.diskFaultsMet(slot), 0);
  const before = count();
  return () => {
    const times = count() - before;
    return times > 0
      ? { proof: `${times} calls of the disk met it` }
      : { nothing: 'no call of the disk met it' };
  };
}

export const failing: Fault = {
  name: 'failing disk',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 500, 4_000);
    const { what, rule } = oneOf(random, failures);
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const effect = metFrom(world, [slot]);
    slot.allowEnd();
    preloads.setDiskFaults(slot, [rule]);
    return {
      what: `the disk of ${slot.name} ${what}; it is started again afterwards`,
      members: [slot.name],
      holdMs,
      end: async () => {
        await slot.kill();
        preloads.setDiskFaults(slot, []);
        slot.forbidEnd();
        if (slot.isMember) cluster.launch(slot);
        return effect();
      },
    };
  },
};

export const slowDisk: Fault = {
  name: 'slow disk',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 1_000, 6_000);
    const syncMs = oneOf(random, [20, 100, 500, 2_000]);
    const isEverywhere = random.below(4) === 0;
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const slots = isEverywhere ? cluster.members : [slot];
    const effect = metFrom(world, slots);
    for (const each of slots) preloads.setDiskFaults(each, [`sync * delay ${syncMs}`]);
    const names = slots.map(({ name }) => name);
    return {
      what: `a sync takes ${syncMs} ms longer on ${names.join(' and ')}`,
      members: names,
      holdMs,
      end: () => {
        for (const each of slots) preloads.setDiskFaults(each, []);
        return Promise.resolve(effect());
      },
    };
  },
};

/**
 * The leader's disk takes every sync, and each of them so long that nothing comes of it: it must not lead on because
 * its network is well (etcd issue 15247). What it had begun ends some time after the disk is well again.
 */
export const hangingLeader: Fault = {
  name: 'hanging leader',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 4_000, 8_000);
    const syncMs = oneOf(random, [1_500, 3_000]);
    const slot = await cluster.leader();
    if (slot === undefined) return undefined;
    const effect = metFrom(world, [slot]);
    preloads.setDiskFaults(slot, [`sync * delay ${syncMs}`]);
    return {
      what: `the disk of the leader ${slot.name} hangs: a sync takes ${syncMs} ms longer`,
      members: [slot.name],
      holdMs,
      end: async () => {
        const heir = await cluster.leader();
        preloads.setDiskFaults(slot, []);
        await sleep(syncMs);
        const { proof, nothing } = effect();
        const led = heir === slot ? 'it led on' : `${heir?.name ?? 'nobody'} led in the end`;
        return nothing === undefined ? { proof: `${proof ?? ''}; ${led}` } : { nothing };
      },
    };
  },
};

export const disk: Nemesis = {
  name: 'disk',
  about: 'full disks, failing writes and syncs, slow syncs',
  faults: [failing, failing, slowDisk],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['faults'],
};

export const stuck: Nemesis = {
  name: 'stuck',
  about: 'the disk of the leader hangs for seconds, and its network is well',
  faults: [hangingLeader],
  atOnceMax: 1,
  targets: ['quorate'],
  needs: ['faults'],
};
