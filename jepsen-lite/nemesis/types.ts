import type { Random } from '../../src/base/random.ts';
import type { TestCluster } from '../db/cluster.ts';
import type { Slot } from '../db/slot.ts';
import type { Target } from '../db/types.ts';
import type { Need, Preloads } from '../preload/preloads.ts';

/** What faults act on. */
export interface World {
  readonly cluster: TestCluster;
  /** Draws from the test's seed. */
  readonly random: Random;
  readonly preloads: Preloads;
}

/** What is known of a fault when it is over: that it happened, or that it came to nothing. */
export interface Effect {
  /** What shows that it happened. */
  readonly proof?: string;
  /** Why it came to nothing. */
  readonly nothing?: string;
  /** It asked for a compaction up to there. */
  readonly compactRevision?: number;
}

/** A fault that has begun. */
export interface Underway {
  /** For the report, in words that need no code: `kill -9 of n2`. */
  readonly what: string;
  readonly members: readonly string[];
  /** How long it lasts before it is ended; 0 for what is over when it has begun. */
  readonly holdMs: number;
  /** Answers what came of it, where that can be seen. */
  end(): Promise<Effect | void>;
}

export interface Fault {
  readonly name: string;
  /** Undefined: it cannot be done now, for want of a leader or of members. */
  begin(world: World): Promise<Underway | undefined>;
}

/** What goes wrong in a test, as in Jepsen. */
export interface Nemesis {
  readonly name: string;
  /** A line for `--list`. */
  readonly about: string;
  readonly faults: readonly Fault[];
  /** How many at a time. */
  readonly atOnceMax: number;
  readonly targets: readonly Target[];
  /** What has to be preloaded into the members. */
  readonly needs?: readonly Need[];
  /** How every disk behaves from the beginning. */
  readonly diskRules?: readonly string[];
  /** A test of the harness itself: a run in which nothing is found has failed. */
  readonly mustFail?: boolean;
}

/** One that is over when it has begun, and what came of it. */
export function over(what: string, members: readonly string[], effect: Effect = {}): Underway {
  return { what, members, holdMs: 0, end: () => Promise.resolve(effect) };
}

/** Milliseconds between the bounds, both included. */
export function between(random: Random, leastMs: number, mostMs: number): number {
  return leastMs + random.below(mostMs - leastMs + 1);
}

/** @throws on an empty list. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  const chosen = list[random.below(list.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

/** In a random order. */
export function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  const left = [...list];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.below(left.length), 1));
  return drawn;
}

/** Half of the time the leader, if there is one: it is where most can go wrong. Draws as often either way. */
export async function victim({ cluster, random }: World): Promise<Slot | undefined> {
  const wantsLeader = random.below(2) === 0;
  const other = random.below(0x1_0000);
  const up = cluster.members.filter((slot) => slot.isRunning && !slot.isPaused);
  const leader = wantsLeader ? await cluster.leader() : undefined;
  return leader ?? up[other % Math.max(up.length, 1)];
}
