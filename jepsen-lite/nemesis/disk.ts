import { between, oneOf, victim, type Fault, type Nemesis } from './types.ts';

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

export const failing: Fault = {
  name: 'failing disk',
  begin: async (world) => {
    const { cluster, random, preloads } = world;
    const holdMs = between(random, 500, 4_000);
    const { what, rule } = oneOf(random, failures);
    const slot = await victim(world);
    if (slot === undefined) return undefined;
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
    for (const each of slots) preloads.setDiskFaults(each, [`sync * delay ${syncMs}`]);
    const names = slots.map(({ name }) => name);
    return {
      what: `a sync takes ${syncMs} ms longer on ${names.join(' and ')}`,
      members: names,
      holdMs,
      end: () => {
        for (const each of slots) preloads.setDiskFaults(each, []);
        return Promise.resolve();
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
