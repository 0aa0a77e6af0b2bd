import { workloadAbout } from '../workloads/about.ts';
import { nemeses } from '../nemesis/index.ts';
import type { History } from '../types.ts';

/** What the words of a report mean, for someone who reads one for the first time. */

/** A word and what it means. */
export type Entry = readonly [string, string];

/** What clients did and what went wrong with the world, in a line each. */
export function whatWasDone({ workload, nemesis }: History): readonly string[] {
  const about = workloadAbout[workload] ?? 'see its file in jepsen-lite/workloads';
  const fault = nemeses.find(({ name }) => name === nemesis)?.about ?? 'see jepsen-lite/nemesis';
  return [
    `The workload ${workload}: ${about}.`,
    `The nemesis ${nemesis}, which does harm while clients work: ${fault}.`,
  ];
}

/** In the order in which they are met. */
export const legend: readonly Entry[] = [
  ['#845', 'an operation: the 845th question that a client asked in the test, from 0'],
  [
    'client 12 at n1',
    'a client has one question under way at a time and asks one member; after an answer that never came ' +
      'another client takes its place; those from 1000000 on watch',
  ],
  ['n1, n2, n3', 'the members of the cluster'],
  [
    'revision',
    'the store counts its changes; the revision of an answer says how many of them the member knew of',
  ],
  ['14-87', 'a value: written by client 14 as its 87th, from 0; no two writes have the same'],
  ['cas', 'compare and set: a put that is done only if the value is as expected'],
  [
    '14-87@70..72#3',
    'a value with the revisions at which its key was created and written, and its version',
  ],
  ['acknowledged, confirmed', 'a client got the answer that it was done'],
  [
    'ok / failed / unknown (info)',
    'it happened / it certainly did not / nobody knows, it may happen still',
  ],
  ['checker', 'a program that looks in what was written down for what no correct store can answer'],
  [
    'wgl',
    'the checker that looks, key by key, for an order of the operations that explains all answers',
  ],
  [
    'replay',
    'the checker that does all writes again by revision, and compares every answer with that',
  ],
  ['Reliable', 'of watchers: they are told of every change that they asked for'],
  [
    'Bookmarkable',
    'of watchers: a progress notice says that all up to its revision has been told, and that is true',
  ],
  ['HashKV', 'a checksum over all that a member holds up to a revision'],
];
