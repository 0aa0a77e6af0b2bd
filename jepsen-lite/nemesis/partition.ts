import type { LinkFault } from '../net/links.ts';
import { bothWays, memberNames, onWays, waysBetween, type Way } from './link-fault.ts';
import { between, oneOf, shuffled, type Fault, type Nemesis, type World } from './types.ts';

/** Cuts between members. Clients reach every member all the time: they are on its side of the cut. */

const holdMs = { least: 500, most: 8_000 };

const drawCut = ({ random }: World): LinkFault => ({
  cut: oneOf(random, ['hold', 'hold', 'refuse'] as const),
});

const drawHold = ({ random }: World): number => between(random, holdMs.least, holdMs.most);

const describeCut = ({ cut }: LinkFault): string =>
  cut === 'refuse' ? 'connections are refused' : 'packets vanish';

export const halves: Fault = {
  name: 'halves',
  begin: async (world) => {
    const cut = drawCut(world);
    const order = shuffled(world.random, memberNames(world));
    const minority = order.slice(0, Math.max(1, Math.floor(order.length / 2))).toSorted();
    const majority = order.slice(minority.length).toSorted();
    const what = `cut between ${minority.join(', ')} and ${majority.join(', ')} (${describeCut(cut)})`;
    const told = { what, members: minority, holdMs: drawHold(world) };
    return onWays(world, bothWays(minority, majority), cut, told);
  },
};

/** What one member says reaches nobody, or what the others say does not reach it. */
export const oneWay: Fault = {
  name: 'one way',
  begin: async (world) => {
    const held = drawHold(world);
    const isDeaf = world.random.below(2) === 0;
    const [one, ...others] = shuffled(world.random, memberNames(world));
    if (one === undefined) return undefined;
    const ways = isDeaf ? waysBetween(others, [one]) : waysBetween([one], others);
    const what = isDeaf ? `${one} hears nobody (one-way cut)` : `nobody hears ${one} (one-way cut)`;
    return onWays(world, ways, { cut: 'hold' }, { what, members: [one], holdMs: held });
  },
};

/** Everybody sees a majority, and no two the same one; of three members two see the third alone. */
export const ring: Fault = {
  name: 'ring',
  begin: async (world) => {
    const cut = drawCut(world);
    const order = shuffled(world.random, memberNames(world));
    const ways = waysAcross(order);
    const what = `ring ${order.join(' - ')}: those who are not neighbours are cut (${describeCut(cut)})`;
    return onWays(world, ways, cut, { what, members: order, holdMs: drawHold(world) });
  },
};

/** Between those who are not neighbours; a line's ends are none. */
export function waysAcross(order: readonly string[]): readonly Way[] {
  const isClosed = order.length > 3;
  return order.flatMap((one, i) =>
    order.slice(i + 2).flatMap((other, j) => {
      const isLastPair = i === 0 && i + 2 + j === order.length - 1;
      return isClosed && isLastPair ? [] : bothWays([one], [other]);
    }),
  );
}

export const leaderAlone: Fault = {
  name: 'leader alone',
  begin: async (world) => {
    const cut = drawCut(world);
    const held = drawHold(world);
    const leader = await world.cluster.leader();
    if (leader === undefined) return undefined;
    const others = memberNames(world).filter((name) => name !== leader.name);
    const what = `the leader ${leader.name} is cut off from all others (${describeCut(cut)})`;
    const told = { what, members: [leader.name], holdMs: held };
    return onWays(world, bothWays([leader.name], others), cut, told);
  },
};

export const partition: Nemesis = {
  name: 'partition',
  about: 'cuts between members: halves, one way, ring, the leader alone',
  faults: [halves, oneWay, ring, leaderAlone],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
