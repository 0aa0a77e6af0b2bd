import { fallBehind } from './behind.ts';
import { compactNow } from './compaction.ts';
import { over, victim, type Fault, type Nemesis } from './types.ts';

/** Old revisions go away, members defragment, and those who were away come back to a log that is gone. */

const slowCallMs = 20_000;

export const defragmentOne: Fault = {
  name: 'defragment',
  begin: async (world) => {
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const answer = await world.cluster.call(slot, 'Maintenance.Defragment', {}, slowCallMs);
    const effect = answer.ok ? { proof: 'acknowledged' } : { nothing: `refused: ${answer.text}` };
    return over(`${slot.name} defragments`, [slot.name], effect);
  },
};

export const takeSnapshot: Fault = {
  name: 'take a snapshot',
  begin: async (world) => {
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const answer = await world.cluster.call(slot, 'Maintenance.Snapshot', {}, slowCallMs);
    const effect = answer.ok
      ? { proof: `${answer.raw.length} bytes` }
      : { nothing: `refused: ${answer.text}` };
    return over(`a snapshot of ${slot.name} is taken`, [slot.name], effect);
  },
};

export const compact: Nemesis = {
  name: 'compact',
  about: 'compactions, defragmentation, snapshots taken, members so far behind that they need one',
  faults: [compactNow, compactNow, compactNow, defragmentOne, takeSnapshot, fallBehind],
  atOnceMax: 2,
  targets: ['quorate', 'etcd'],
};
