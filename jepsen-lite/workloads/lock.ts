import { lock as checker } from '../checkers/lock.ts';
import { answerOf, get, isRecord, put, type Request } from '../client/requests.ts';
import type { Json, Operation, Workload } from '../types.ts';
import { Archive } from './archive.ts';
import { recordUntilOk, runWorkers, type Worker } from './workers.ts';

/**
 * etcd's lock: a key under a lease, held by whoever's key is oldest. Its holder counts a number up, which nobody
 * else may do meanwhile. The lock alone is not safe, since its lease may end while its holder believes in it; with
 * the key's revision as the fencing token it is: a write that names the token happens only while the lock is held.
 */

const prefix = 'lock/';
const lockEnd = 'lock0';
export const counterKey = 'fenced/counter';
const settings = { workers: 6, paceMs: 5 };
const ttlSeconds = 2;
const pollMs = 40;
const pollsMax = 250;
/** Longer than the lease: such a holder no longer holds it, and does not know. */
const longPauseMs = (ttlSeconds + 1) * 1000;
const longPausePerCent = 3;
const workMs = 10;

/** What whoever holds a lock has in hand. */
export interface Held {
  readonly key: string;
  /** The revision at which that key came to be: it fences. */
  readonly token: number;
}

/** How a lock is got and given back. The lease is of the client. */
export interface Manner {
  /** Undefined: it was not to be had. */
  acquire(worker: Worker, lease: string): Promise<Held | undefined>;
  /** What a holder does before it counts up. */
  hold?(worker: Worker, lease: string, held: Held): Promise<void>;
  /** Before the lease is given back. */
  release?(worker: Worker, lease: string, held: Held): Promise<void>;
}

/** By the clients themselves. */
export function lockWorkload(): Workload {
  return workloadOfLock('lock', { acquire });
}

export function workloadOfLock(name: string, manner: Manner): Workload {
  let archive: Archive | undefined;
  return {
    name,
    checkers: [checker],
    async run(context) {
      archive = new Archive(context);
      await recordUntilOk(context, 'start', put(counterKey, '0'));
      await runWorkers(context, settings, (worker) => holdOnce(worker, manner));
    },
    async finish() {
      await archive?.finish();
    },
  };
}

async function holdOnce(worker: Worker, manner: Manner): Promise<void> {
  const granted = await worker.record('grant', { ttlSeconds }, () => {
    return worker.client.grant(ttlSeconds);
  });
  const id = isRecord(granted.output) ? granted.output['id'] : undefined;
  if (granted.outcome !== 'ok' || typeof id !== 'string') return;
  const held = await manner.acquire(worker, id);
  if (held !== undefined) {
    await manner.hold?.(worker, id, held);
    await work(worker, held);
    await manner.release?.(worker, id, held);
  }
  const input = { id, token: held?.token ?? null };
  await worker.record('release', input, () => worker.client.revoke(id));
}

/** Answers the revision of its key once no older one is there: the fencing token. */
async function acquire(worker: Worker, id: string): Promise<Held | undefined> {
  const key = `${prefix}${id}`;
  const entered = await worker.kv('enter', {
    compare: [{ key, target: 'create', is: '=', to: 0 }],
    success: [{ op: 'put', key, value: worker.uniqueValue(), lease: id }],
  });
  const token = answerOf(entered)?.revision;
  if (token === undefined) return undefined;
  for (let i = 0; i < pollsMax && !worker.isOver; i++) {
    let state: 'held' | 'waiting' | 'gone' = 'waiting';
    const operation = await worker.record('acquire', { id, token }, async (): Promise<Json> => {
      const answer = await worker.client.kv({
        success: [{ op: 'get', key: prefix, end: lockEnd }],
      });
      const kvs = answer.results[0]?.kvs ?? [];
      // Waiting must end when the own key is gone with its lease (etcd issue 11408).
      if (!kvs.some((kv) => kv.key === key)) state = 'gone';
      else if (kvs.every(({ create }) => create >= token)) state = 'held';
      return { state, revision: answer.revision };
    });
    if (isState(operation, 'held')) return { key, token };
    if (operation.outcome !== 'ok' || isState(operation, 'gone')) return undefined;
    if (i % 10 === 9) {
      await worker.record('keep-alive', { id }, () => worker.client.keepAlive(id));
    }
    await worker.pause(pollMs);
  }
  return undefined;
}

function isState({ outcome, output }: Operation, state: string): boolean {
  return outcome === 'ok' && isRecord(output) && output['state'] === state;
}

/** Counts up, as one who believes in the lock. */
async function work(worker: Worker, { key, token }: Held): Promise<void> {
  const read = await worker.kv('read', get(counterKey));
  const value = answerOf(read)?.results[0]?.kvs?.[0]?.value;
  if (value === undefined) return;
  const isLong = worker.random.below(100) < longPausePerCent;
  await worker.pause(isLong ? longPauseMs : workMs);
  const count = Number(value.split(' ')[0]) + 1;
  const request: Request = {
    compare: [{ key, target: 'create', is: '=', to: token }],
    success: [{ op: 'put', key: counterKey, value: `${count} ${token} ${worker.uniqueValue()}` }],
  };
  await worker.kv('fenced write', request);
}
