import type { LinkFault } from '../net/links.ts';
import type { Underway, World } from './types.ts';

/** An ordered pair: what the first sends to the second. */
export type Way = readonly [from: string, to: string];

/** One fault on some ways until it is ended. */
export function onWays(
  { cluster }: World,
  ways: readonly Way[],
  fault: LinkFault,
  told: Pick<Underway, 'what' | 'members' | 'holdMs'>,
): Underway {
  const { links } = cluster;
  const met = (): number => ways.reduce((sum, [from, to]) => sum + links.met(from, to), 0);
  const before = met();
  for (const [from, to] of ways) links.set(from, to, fault);
  return {
    ...told,
    end: () => {
      for (const [from, to] of ways) links.heal(from, to);
      const times = met() - before;
      const proof = `${times} packets and calls met it`;
      return Promise.resolve(times > 0 ? { proof } : { nothing: 'nobody sent anything there' });
    },
  };
}

/** All that one side sends to the other. */
export function waysBetween(from: readonly string[], to: readonly string[]): readonly Way[] {
  return from.flatMap((each) => to.map((other): Way => [each, other]));
}

export function bothWays(some: readonly string[], others: readonly string[]): readonly Way[] {
  return [...waysBetween(some, others), ...waysBetween(others, some)];
}

/** Every way between two different members. */
export function allWays(names: readonly string[]): readonly Way[] {
  return waysBetween(names, names).filter(([from, to]) => from !== to);
}

export function memberNames({ cluster }: World): readonly string[] {
  return cluster.members.map(({ name }) => name);
}
