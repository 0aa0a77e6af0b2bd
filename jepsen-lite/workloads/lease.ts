import { setTimeout as sleep } from 'node:timers/promises';
import { lease as checker } from '../checkers/lease.ts';
import { answerOf, getPrefix, isRecord, remove, type Request } from '../client/requests.ts';
import type { Json, Operation, Workload, WorkloadContext } from '../types.ts';
import { Archive } from './archive.ts';
import { recordUntilOk, runWorkers, type Worker } from './workers.ts';

/**
 * Leases that are granted, attached to keys, kept alive for a while, revoked or left to die, while somebody looks
 * whether their keys are there. Judged by I33-I36: no lease ends early, comes back, or takes foreign keys with it.
 */

const prefix = 'lease/';
const settings = { workers: 8, paceMs: 20 };
const keysPerLease = 3;
const ttlMaxSeconds = 3;
const keepAliveMs = 300;
const keepAlivesMax = 10;
const revokedPerCent = 25;
const detachedPerCent = 15;
/** The last leases are left to die. */
const lingerMs = (ttlMaxSeconds + 1) * 1000;

export function leaseWorkload(): Workload {
  let archive: Archive | undefined;
  return {
    name: 'lease',
    checkers: [checker],
    async run(context) {
      archive = new Archive(context);
      await runWorkers(context, settings, live);
    },
    async finish(context) {
      await sleep(lingerMs);
      await untilAllEnded(context);
      await archive?.finish();
    },
  };
}

/** All must have ended by then: a leader that has just come gives each its whole time once more. */
const endedMsMax = 15_000;
const endedPollMs = 500;

/** Looks for keys with a lease, which nobody keeps alive any more, until there are none or the time is over. */
async function untilAllEnded(context: WorkloadContext): Promise<void> {
  const deadlineMs = performance.now() + endedMsMax;
  for (;;) {
    const operation = await recordUntilOk(context, 'last leases', getPrefix(prefix));
    const kvs = operation === undefined ? undefined : answerOf(operation)?.results[0]?.kvs;
    if (kvs === undefined || kvs.every(({ lease }) => lease === undefined)) return;
    if (performance.now() > deadlineMs) return;
    await sleep(endedPollMs);
  }
}

/** The life of one lease. */
async function live(worker: Worker): Promise<void> {
  const ttlSeconds = 1 + worker.random.below(ttlMaxSeconds);
  const granted = await worker.record('grant', { ttlSeconds }, () =>
    worker.client.grant(ttlSeconds),
  );
  const id = fieldOf(granted, 'id');
  if (typeof id !== 'string') return;
  await attach(worker, id);
  for (let i = worker.random.below(keepAlivesMax); i > 0 && !worker.isOver; i--) {
    const isThere = await keepAlive(worker, id);
    if (!isThere) return;
    await worker.kv('read', readOf(id));
    await worker.pause(keepAliveMs);
  }
  const kind = worker.random.below(100);
  if (kind < revokedPerCent) {
    await worker.record('revoke', { id }, () => worker.client.revoke(id));
    await worker.kv('read', readOf(id));
    await keepAlive(worker, id);
  } else await watchDying(worker, id, ttlSeconds);
}

async function attach(worker: Worker, id: string): Promise<void> {
  for (let i = 0; i < keysPerLease; i++) {
    const key = `${prefix}${id}/${i}`;
    const value = worker.uniqueValue();
    await worker.kv('attach', { success: [{ op: 'put', key, value, lease: id }] });
  }
  if (worker.random.below(100) >= detachedPerCent) return;
  // Without a lease from now on: it must stay when the lease ends.
  const key = `${prefix}${id}/0`;
  const value = worker.uniqueValue();
  await worker.kv('detach', { success: [{ op: 'put', key, value }] });
  if (worker.random.below(2) === 0) await worker.kv('delete', remove(key));
}

/** Whether the lease may still be there. */
async function keepAlive(worker: Worker, id: string): Promise<boolean> {
  const operation = await worker.record('keep-alive', { id }, () => worker.client.keepAlive(id));
  return fieldOf(operation, 'ttlSeconds') !== 0;
}

/** Asks now and then whether it is still there. */
async function watchDying(worker: Worker, id: string, ttlSeconds: number): Promise<void> {
  const until = performance.now() + (ttlSeconds + 1) * 1000;
  while (performance.now() < until && !worker.isOver) {
    const operation = await worker.record('time-to-live', { id }, () => {
      return worker.client.timeToLive(id);
    });
    if (Number(fieldOf(operation, 'ttlSeconds')) < 0) break;
    const read = await worker.kv('read', readOf(id));
    if (answerOf(read)?.results[0]?.kvs?.length === 0) break;
    await worker.pause(keepAliveMs / 2);
  }
}

function readOf(id: string): Request {
  return { success: [{ op: 'get', key: `${prefix}${id}/`, end: `${prefix}${id}0` }] };
}

function fieldOf({ outcome, output }: Operation, name: string): Json | undefined {
  return outcome === 'ok' && isRecord(output) ? output[name] : undefined;
}
