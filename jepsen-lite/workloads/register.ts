import { replay } from '../checkers/replay.ts';
import { wgl } from '../checkers/wgl.ts';
import { answerOf, cas, get, put, remove } from '../client/requests.ts';
import type { Workload } from '../types.ts';
import { Archive } from './archive.ts';
import { runWorkers, type Worker } from './workers.ts';

/** A few registers, read, written, deleted, and changed from one value to another; judged by search and by replay. */

const keys = 5;
const settings = { workers: 9, paceMs: 10 };
const [readPerCent, writePerCent, casPerCent] = [45, 25, 25];

export function registerWorkload(): Workload {
  let archive: Archive | undefined;
  return {
    name: 'register',
    checkers: [wgl, replay],
    async run(context) {
      archive = new Archive(context);
      const known = new Map<string, string>();
      const read = (worker: Worker): Promise<void> => readOne(worker, known);
      await runWorkers(context, settings, (worker) => step(worker, known), read);
    },
    async finish() {
      await archive?.finish();
    },
  };
}

/** `known`: the value that somebody saw last, a good guess for what to change. */
async function step(worker: Worker, known: Map<string, string>): Promise<void> {
  const key = `r${worker.random.below(keys)}`;
  const value = worker.uniqueValue();
  const kind = worker.random.below(100);
  if (kind < readPerCent) await readOne(worker, known);
  else if (kind < readPerCent + writePerCent) {
    const { outcome } = await worker.kv('put', put(key, value));
    if (outcome === 'ok') known.set(key, value);
  } else if (kind < readPerCent + writePerCent + casPerCent) {
    const operation = await worker.kv('cas', cas(key, known.get(key) ?? 'none', value));
    const answer = answerOf(operation);
    const seen = answer?.succeeded === true ? value : answer?.results[0]?.kvs?.[0]?.value;
    if (seen !== undefined) known.set(key, seen);
  } else await worker.kv('delete', remove(key));
}

async function readOne(worker: Worker, known: Map<string, string>): Promise<void> {
  const key = `r${worker.random.below(keys)}`;
  const operation = await worker.kv('get', get(key));
  const seen = answerOf(operation)?.results[0]?.kvs?.[0]?.value;
  if (seen !== undefined) known.set(key, seen);
}
