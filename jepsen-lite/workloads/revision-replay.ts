import type { Random } from '../../src/base/random.ts';
import { replay } from '../checkers/replay.ts';
import { answerOf, type Action, type Compare, type Request } from '../client/requests.ts';
import type { Workload } from '../types.ts';
import { Archive } from './archive.ts';
import { runWorkers, type Worker } from './workers.ts';

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

export function revisionReplayWorkload(): Workload {
  let archive: Archive | undefined;
  return {
    name: 'revision-replay',
    checkers: [replay],
    async run(context) {
      archive = new Archive(context);
      const seen = { revision: 1 };
      await runWorkers(context, settings, (worker) => step(worker, seen));
    },
    async finish() {
      await archive?.finish();
    },
  };
}

async function step(worker: Worker, seen: { revision: number }): Promise<void> {
  const [f, request] = chooseRequest(worker, seen.revision);
  const operation = await worker.kv(f, request);
  seen.revision = Math.max(seen.revision, answerOf(operation)?.revision ?? 0);
}

function chooseRequest(worker: Worker, revision: number): readonly [string, Request] {
  const { random } = worker;
  const key = chooseKey(random);
  const kind = random.below(100);
  if (kind < 20) return ['get', { success: [{ op: 'get', key }] }];
  if (kind < 28) return ['get of a member', { success: [{ op: 'get', key }], serializable: true }];
  if (kind < 36)
    return ['range', { success: [{ op: 'get', key: prefix, end, ...chooseLimit(random) }] }];
  if (kind < 44) {
    const past = Math.max(1, revision - random.below(pastMax));
    return ['past', { success: [{ op: 'get', key: prefix, end, limit: 5, revision: past }] }];
  }
  if (kind < 66) return ['put', { success: [{ op: 'put', key, value: worker.uniqueValue() }] }];
  if (kind < 74) return ['delete', { success: [{ op: 'delete', key }] }];
  if (kind < 77) {
    return ['delete range', { success: [{ op: 'delete', key, end: `${key}~` }] }];
  }
  return ['txn', chooseTxn(worker, revision)];
}

function chooseKey(random: Random): string {
  return `${prefix}${String(random.below(keys)).padStart(2, '0')}`;
}

function chooseLimit(random: Random): { readonly limit?: number } {
  return random.below(2) === 0 ? { limit: 1 + random.below(10) } : {};
}

/** A key comes once only: etcd refuses a transaction that puts it twice. */
function chooseTxn(worker: Worker, revision: number): Request {
  const { random } = worker;
  const names = [...new Set(Array.from({ length: 1 + random.below(3) }, () => chooseKey(random)))];
  const compare = names.slice(0, random.below(names.length + 1)).map((key) => {
    return chooseCompare(random, key, revision);
  });
  const act = (key: string): Action => {
    const kind = random.below(4);
    if (kind === 0) return { op: 'get', key };
    return kind === 1 ? { op: 'delete', key } : { op: 'put', key, value: worker.uniqueValue() };
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
