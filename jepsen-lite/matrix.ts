import type { Random } from '../src/base/random.ts';
import type { Target } from './db/types.ts';
import { shuffled, type Nemesis } from './nemesis/types.ts';
import type { Workload } from './types.ts';

/** Which workload is run under which nemesis, and how often: the fault matrix as data. */

export interface Cell {
  readonly workload: Workload;
  readonly nemesis: Nemesis;
}

/** How often a cell comes in one round. */
type Weight = 0 | 1 | 3;

/** For any workload that the table below does not name. */
const ordinary: Readonly<Record<string, Weight>> = {
  none: 0,
  kill: 3,
  pause: 3,
  partition: 3,
  mix: 3,
  'mix-all': 3,
};

/** Where a workload differs from that; 0: that nemesis says nothing about it, or breaks it by design. */
const special: Readonly<Record<string, Readonly<Record<string, Weight>>>> = {
  register: { members: 3, power: 3 },
  large: { compact: 3, members: 3, kill: 1, pause: 1 },
  append: { members: 3, power: 3 },
  'revision-replay': { slow: 3, members: 3, compact: 3, power: 3, disk: 3, leader: 3 },
  set: { kill: 1, pause: 1, partition: 1, power: 3 },
  watch: { slow: 3, members: 3, compact: 3, leader: 3 },
  // A lease is counted by the monotonic clock: one that goes ahead ends it early.
  fragments: { partition: 1, mix: 1, 'mix-all': 1, slow: 3, compact: 3 },
  lease: { kill: 1, clock: 3, disk: 3, leader: 3, monotonic: 0 },
  lock: { kill: 1, pause: 3, partition: 1, monotonic: 0 },
  'lock-service': { kill: 1, partition: 1, monotonic: 0 },
  election: { kill: 1, partition: 1, monotonic: 0 },
  kubernetes: { pause: 1, compact: 3 },
};

export function weightOf(workload: string, nemesis: string): Weight {
  return special[workload]?.[nemesis] ?? ordinary[nemesis] ?? 1;
}

/** One round in a random order. Tests of the harness itself are no part of it. */
export function roundOf(
  random: Random,
  target: Target,
  lists: { readonly workloads: readonly Workload[]; readonly nemeses: readonly Nemesis[] },
): readonly Cell[] {
  const fitting = lists.nemeses.filter(
    ({ targets, mustFail }) => targets.includes(target) && mustFail !== true,
  );
  const cells = lists.workloads.flatMap((workload) =>
    fitting.flatMap((nemesis) =>
      Array.from({ length: weightOf(workload.name, nemesis.name) }, () => ({ workload, nemesis })),
    ),
  );
  return shuffled(random, cells);
}
