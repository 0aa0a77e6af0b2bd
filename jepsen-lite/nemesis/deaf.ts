import type { Slot } from '../db/slot.ts';
import { allWays, memberNames, onWays, waysBetween, type Way } from './link-fault.ts';
import {
  between,
  type Effect,
  type Fault,
  type Nemesis,
  type Underway,
  type World,
} from './types.ts';

/**
 * Leaders of whom the others hear and who hear nobody, and the reverse; and a world that comes back without the one
 * who led before. A leader has to give up what it cannot lead (CheckQuorum), and the others have to notice.
 */

/** Long enough for the others to elect one of them. */
const holdMs = { least: 1_500, most: 6_000 };

async function leaderAndOthers(
  world: World,
): Promise<{ readonly leader: Slot; readonly others: readonly string[] } | undefined> {
  const leader = await world.cluster.leader();
  if (leader === undefined) return undefined;
  return { leader, others: memberNames(world).filter((name) => name !== leader.name) };
}

/** Says at the end who led then, as most of the members see it. */
function tellingWhoLeads({ cluster }: World, old: Slot, fault: Underway): Underway {
  return {
    ...fault,
    end: async (): Promise<Effect> => {
      const now = await cluster.leader();
      const { proof, nothing } = (await fault.end()) ?? {};
      if (nothing !== undefined) return { nothing };
      const led = now === old ? 'it led on' : `${now?.name ?? 'nobody'} led in the end`;
      return { proof: `${proof ?? ''}; ${led}` };
    },
  };
}

export const deafLeader: Fault = {
  name: 'deaf leader',
  begin: async (world) => {
    const held = between(world.random, holdMs.least, holdMs.most);
    const found = await leaderAndOthers(world);
    if (found === undefined) return undefined;
    const { leader, others } = found;
    const what = `the leader ${leader.name} is deaf: it is heard, and hears nobody`;
    const told = { what, members: [leader.name], holdMs: held };
    const ways = waysBetween(others, [leader.name]);
    return tellingWhoLeads(world, leader, onWays(world, ways, { cut: 'hold' }, told));
  },
};

export const muteLeader: Fault = {
  name: 'mute leader',
  begin: async (world) => {
    const held = between(world.random, holdMs.least, holdMs.most);
    const found = await leaderAndOthers(world);
    if (found === undefined) return undefined;
    const { leader, others } = found;
    const what = `the leader ${leader.name} is mute: it hears the others, and nobody hears it`;
    const told = { what, members: [leader.name], holdMs: held };
    const ways = waysBetween([leader.name], others);
    return tellingWhoLeads(world, leader, onWays(world, ways, { cut: 'hold' }, told));
  },
};

/** All are cut off from all; then a majority finds itself again, and the old leader is not in it. */
export const withoutOldLeader: Fault = {
  name: 'without the old leader',
  begin: async (world) => {
    const { cluster, random } = world;
    const alone = between(random, 500, 3_000);
    const held = between(random, holdMs.least, holdMs.most);
    const found = await leaderAndOthers(world);
    if (found === undefined) return undefined;
    const { leader, others } = found;
    const what =
      `all links are cut; ${alone} ms later ${others.join(' and ')} reach each other again, ` +
      `without the leader ${leader.name}`;
    const told = { what, members: [leader.name], holdMs: alone + held };
    const fault = onWays(world, allWays([leader.name, ...others]), { cut: 'hold' }, told);
    const timer = setTimeout(() => healAmong(cluster.links, allWays(others)), alone);
    const telling = tellingWhoLeads(world, leader, fault);
    return {
      ...telling,
      end: () => {
        clearTimeout(timer);
        return telling.end();
      },
    };
  },
};

function healAmong(links: World['cluster']['links'], ways: readonly Way[]): void {
  for (const [from, to] of ways) links.heal(from, to);
}

export const deaf: Nemesis = {
  name: 'deaf',
  about:
    'leaders who hear nobody, or whom nobody hears; a majority that comes back without the old leader',
  faults: [deafLeader, muteLeader, withoutOldLeader],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
