import type { Random } from '../../src/base/random.ts';
import { replay } from '../checkers/replay.ts';
import { answerOf, type Action, type Compare, type Request } from '../client/requests.ts';
import type { Workload } from '../types.ts';
import { Archive } from './archive.ts';
import { runWorkers, type Worker, type WorkersSettings } from './workers.ts';

/**
 * Everything that the key-value store can do, mixed: ranges, transactions over several keys with comparisons of
 * every kind, reads of the past and of one member alone. Judged by the revisions in the answers.
 */

const prefix = 'k/';
const keys = 40;
const end = 'k0';
const settings = { workers: 12, paceMs: 10 };
/** How far back reads of the past go. */
const pastMax = 50;
/** So many neighbours does a deletion take at most. */
const deletedMax = 6;

/** The same with large values: answers of more than a mebibyte, snapshots of several chunks. */
const large = { workers: 9, paceMs: 25, paddedPerCent: 30, hugePerCent: 8 };
const paddedBytesMax = 64 * 1024;
const [hugeBytesMin, hugeBytesMax] = [128 * 1024, 400 * 1024];

export function revisionReplayWorkload(): Workload {
  return workloadOf('revision-replay', settings, (worker) => worker.uniqueValue());
}

export function largeWorkload(): Workload {
  return workloadOf('large', large, (worker) => {
    const { random } = worker;
    const kind = random.below(100);
    const value = worker.uniqueValue();
    if (kind < large.hugePerCent) {
      return `${value}+${hugeBytesMin + random.below(hugeBytesMax - hugeBytesMin)}`;
    }
    const isPadded = kind < large.hugePerCent + large.paddedPerCent;
    return isPadded ? `${value}+${random.below(paddedBytesMax)}` : value;
  });
}

function workloadOf(
  name: string,
  pace: WorkersSettings,
  valueOf: (worker: Worker) => string,
): Workload {
  let archive: Archive | undefined;
  return {
    name,
    checkers: [replay],
    async run(context) {
      archive = new Archive(context);
      const world: Writing = { revision: 1, valueOf };
      const read = (worker: Worker): Promise<void> => step(worker, world, readsBelow);
      await runWorkers(context, pace, (worker) => step(worker, world), read);
    },
    async finish() {
      await archive?.finish();
    },
  };
}

interface Writing {
  /** The newest that anybody has seen. */
  revision: number;
  readonly valueOf: (worker: Worker) => string;
}

/** Of a hundred kinds of requests those below are chosen from. */
async function step(worker: Worker, seen: Writing, kinds = 100): Promise<void> {
  const [f, request] = chooseRequest(worker, seen, kinds);
  const operation = await worker.kv(f, request);
  seen.revision = Math.max(seen.revision, answerOf(operation)?.revision ?? 0);
}

/** The first ones only read. */
const readsBelow = 44;

function chooseRequest(
  worker: Worker,
  writing: Writing,
  kinds: number,
): readonly [string, Request] {
  const { revision, valueOf } = writing;
  const { random } = worker;
  const key = chooseKey(random);
  const kind = random.below(kinds);
  if (kind < 20) return ['get', { success: [{ op: 'get', key }] }];
  if (kind < 28) return ['get of a member', { success: [{ op: 'get', key }], serializable: true }];
  if (kind < 36) return ['range', { success: [chooseRange(random)] }];
  if (kind < readsBelow) {
    const past = Math.max(1, revision - random.below(pastMax));
    return ['past', { success: [{ ...chooseRange(random), limit: 5, revision: past }] }];
  }
  const before = random.below(3) === 0 ? { prevKv: true as const } : {};
  if (kind < 66) {
    return ['put', { success: [{ op: 'put', key, value: valueOf(worker), ...before }] }];
  }
  if (kind < 72) return ['delete', { success: [{ op: 'delete', key, ...before }] }];
  if (kind < 76) return ['delete range', { success: [{ ...chooseDeletion(random), ...before }] }];
  return ['txn', chooseTxn(worker, writing)];
}

/** The whole of it or a part, with a limit or without, counted, without values, or nothing but counted. */
function chooseRange(random: Random): Extract<Action, { readonly op: 'get' }> {
  const key = random.below(2) === 0 ? prefix : chooseKey(random);
  const kind = random.below(6);
  return {
    op: 'get',
    key,
    end,
    ...chooseLimit(random),
    ...(random.below(2) === 0 ? { counts: true as const } : {}),
    ...(kind === 0 ? { only: 'keys' as const } : {}),
    ...(kind === 1 ? { only: 'count' as const } : {}),
  };
}

/** Some neighbours, and now and then all keys there are. */
function chooseDeletion(random: Random): Extract<Action, { readonly op: 'delete' }> {
  if (random.below(10) === 0) return { op: 'delete', key: prefix, end };
  const first = random.below(keys);
  return { op: 'delete', key: keyOf(first), end: keyOf(first + 1 + random.below(deletedMax)) };
}

function chooseKey(random: Random): string {
  return keyOf(random.below(keys));
}

function keyOf(number: number): string {
  return `${prefix}${String(number).padStart(2, '0')}`;
}

function chooseLimit(random: Random): { readonly limit?: number } {
  return random.below(2) === 0 ? { limit: 1 + random.below(10) } : {};
}

/** A key comes once only: etcd refuses a transaction that puts it twice. */
function chooseTxn(worker: Worker, { revision, valueOf }: Writing): Request {
  const { random } = worker;
  const names = [...new Set(Array.from({ length: 1 + random.below(3) }, () => chooseKey(random)))];
  const compare = names.slice(0, random.below(names.length + 1)).map((key) => {
    return chooseCompare(random, key, revision);
  });
  const act = (key: string): Action => {
    const kind = random.below(4);
    if (kind === 0) return { op: 'get', key };
    if (kind === 1) return { op: 'delete', key, prevKv: true };
    return { op: 'put', key, value: valueOf(worker) };
  };
  return { compare, success: names.map(act), failure: names.map(act) };
}

function chooseCompare(random: Random, key: string, revision: number): Compare {
  const near = Math.max(0, revision - random.below(4 * keys));
  const choices: readonly Compare[] = [
    { key, target: 'create', is: '=', to: 0 },
    { key, target: 'create', is: '!=', to: 0 },
    { key, target: 'mod', is: '>', to: near },
    { key, target: 'mod', is: '<', to: near },
    { key, target: 'version', is: '>', to: random.below(4) },
    { key, target: 'value', is: '!=', to: 'none' },
  ];
  return choices[random.below(choices.length)] ?? { key, target: 'create', is: '=', to: 0 };
}
