import type { Slot } from '../db/slot.ts';
import { readFileSync } from 'node:fs';
import { between, shuffled, victim, type Nemesis, type Underway, type World } from './types.ts';

/** SIGSTOP: a process stands still with its connections open, as under a virtual machine that is moved. */
function paused(slots: readonly Slot[], holdMs: number): Underway {
  for (const slot of slots) slot.pause();
  const names = slots.map(({ name }) => name).toSorted();
  return {
    what: `${names.join(' and ')} ${names.length > 1 ? 'stand' : 'stands'} still (SIGSTOP)`,
    members: names,
    holdMs,
    end: () => {
      const still = slots.filter(({ pid }) => pid !== undefined && standsStill(pid));
      for (const slot of slots) slot.resume();
      const proof = `${still.length} of ${slots.length} processes stood still to the end`;
      return Promise.resolve(still.length > 0 ? { proof } : { nothing: 'they ran on' });
    },
  };
}

/** proc(5): the state stands behind the name, which stands in parentheses. */
function standsStill(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

export const pauseOne = {
  name: 'pause one',
  begin: async (world: World): Promise<Underway | undefined> => {
    const holdMs = between(world.random, 200, 8_000);
    const slot = await victim(world);
    return slot === undefined ? undefined : paused([slot], holdMs);
  },
};

/** For less than an election and for more. */
export const pauseMost = {
  name: 'pause most',
  begin: ({ cluster, random }: World): Promise<Underway | undefined> => {
    const holdMs = between(random, 100, 3_000);
    const order = shuffled(random, cluster.members);
    const most = order.slice(0, Math.floor(order.length / 2) + 1 + random.below(2));
    return Promise.resolve(paused(most, holdMs));
  },
};

export const pause: Nemesis = {
  name: 'pause',
  about: 'SIGSTOP of one member or of most, and SIGCONT',
  faults: [pauseOne, pauseOne, pauseMost],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
