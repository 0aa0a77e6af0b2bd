import type { LinkFault } from '../net/links.ts';
import { allWays, bothWays, memberNames, onWays, waysBetween } from './link-fault.ts';
import { between, oneOf, type Fault, type Nemesis } from './types.ts';

/** Links that work badly: late, lossy, broken again and again, clogged. */

const holdMs = { least: 1_000, most: 8_000 };

interface Manner {
  readonly what: string;
  readonly fault: LinkFault;
}

const manners: readonly Manner[] = [
  { what: 'take 20 to 60 ms', fault: { delayMs: 20, jitterMs: 40 } },
  { what: 'take 200 to 600 ms', fault: { delayMs: 200, jitterMs: 400 } },
  { what: 'take up to 1.5 s', fault: { delayMs: 0, jitterMs: 1_500 } },
  { what: 'lose one packet in ten', fault: { lossShare: 0.1 } },
  { what: 'lose one packet in three', fault: { lossShare: 0.33, jitterMs: 20 } },
  { what: 'break again and again', fault: { resetShare: 0.02 } },
  { what: 'carry 20 KB/s', fault: { bytesPerSecond: 20_000 } },
];

export const allSlow: Fault = {
  name: 'all links',
  begin: async (world) => {
    const { what, fault } = oneOf(world.random, manners);
    const held = between(world.random, holdMs.least, holdMs.most);
    const names = memberNames(world);
    const told = { what: `all links ${what}`, members: names, holdMs: held };
    return onWays(world, allWays(names), fault, told);
  },
};

/** To and from one member, or one way alone. */
export const oneSlow: Fault = {
  name: 'links of one member',
  begin: async (world) => {
    const { what, fault } = oneOf(world.random, manners);
    const held = between(world.random, holdMs.least, holdMs.most);
    const names = memberNames(world);
    const one = oneOf(world.random, names);
    const others = names.filter((name) => name !== one);
    const isOneWay = world.random.below(2) === 0;
    const ways = isOneWay ? waysBetween([one], others) : bothWays([one], others);
    const whose = isOneWay ? `links from ${one}` : `links of ${one}`;
    return onWays(world, ways, fault, { what: `${whose} ${what}`, members: [one], holdMs: held });
  },
};

export const slow: Nemesis = {
  name: 'slow',
  about: 'delay, loss, broken connections and clogged links',
  faults: [allSlow, oneSlow, oneSlow],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
