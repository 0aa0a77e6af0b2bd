import type { WireObject } from '../../test/members/protocol.ts';
import { between, oneOf, over, victim, type Fault, type Nemesis, type Underway } from './types.ts';

/** Old revisions go away, members defragment, and those who were away come back to a log that is gone. */

const anyKey = Buffer.from('\0');
const slowCallMs = 20_000;

export const compactNow: Fault = {
  name: 'compact',
  begin: async (world) => {
    const { cluster, random } = world;
    const back = oneOf(random, [0, 1, 20, 200]);
    const physical = random.below(2) === 0;
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const read = await cluster.call(slot, 'KV.Range', { key: anyKey });
    if (!read.ok) return undefined;
    const newest = Number((read.message['header'] as WireObject)['revision']);
    const revision = Math.max(1, newest - back);
    const answer = await cluster.call(slot, 'KV.Compact', { revision, physical }, slowCallMs);
    const kind = physical ? 'compaction, waited for,' : 'compaction';
    const what = `${kind} at revision ${revision} of ${newest} by ${slot.name}`;
    const effect = answer.ok ? { proof: 'acknowledged' } : { nothing: `refused: ${answer.text}` };
    return over(what, [slot.name], { ...effect, compactRevision: revision });
  },
};

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

/** A follower is away so long that the others have dropped from their logs what it misses. */
export const fallBehind: Fault = {
  name: 'fall behind',
  begin: async (world): Promise<Underway | undefined> => {
    const { cluster, random } = world;
    const holdMs = between(random, 3_000, 8_000);
    const at = random.below(0x1_0000);
    const leader = await cluster.leader();
    const followers = cluster.members.filter((slot) => slot.isRunning && slot !== leader);
    const slot = followers[at % Math.max(1, followers.length)];
    if (slot === undefined) return undefined;
    await slot.kill();
    return {
      what: `${slot.name} is away (kill -9), so long that it needs a snapshot`,
      members: [slot.name],
      holdMs,
      end: async () => {
        const compaction = await compactNow.begin(world);
        const { compactRevision } = (await compaction?.end()) ?? {};
        if (slot.isMember && !slot.isRunning) cluster.launch(slot);
        return compactRevision === undefined ? {} : { compactRevision };
      },
    };
  },
};

export const compact: Nemesis = {
  name: 'compact',
  about: 'compactions, defragmentation, snapshots taken, members so far behind that they need one',
  faults: [compactNow, compactNow, compactNow, defragmentOne, takeSnapshot, fallBehind],
  atOnceMax: 2,
  targets: ['quorate', 'etcd'],
};
