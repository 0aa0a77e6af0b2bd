import { get, isRecord } from '../client/requests.ts';
import type { Json, Operation, Workload } from '../types.ts';
import { workloadOfLock, type Held, type Manner } from './lock.ts';
import type { Worker } from './workers.ts';

/**
 * The same with the members' own lock (v3lock) and election (v3election): the call that asks for either is answered
 * when its turn has come, and the client has to keep its lease alive meanwhile.
 */

const lockName = 'lock';
const electionName = 'election';
/** Below what a workload gets to end. */
const waitMsMax = 8_000;
const keepAliveMs = 400;
const leaderPerCent = 40;
const proclaimPerCent = 40;
const resignPerCent = 60;

export function lockServiceWorkload(): Workload {
  return workloadOfLock('lock-service', lockService);
}

export function electionWorkload(): Workload {
  return workloadOfLock('election', election);
}

const lockService: Manner = {
  async acquire(worker, lease) {
    const input = { id: lease, name: lockName };
    const called = worker.record('lock', input, () => {
      return worker.client.lock(lockName, lease, waitMsMax);
    });
    const key = textIn(await keptAlive(worker, lease, called), 'key');
    if (key === undefined) return undefined;
    // The answer has the key alone: what fences is the revision at which it came to be.
    let token: number | undefined;
    await worker.record('token', { id: lease, key }, async (): Promise<Json> => {
      const answer = await worker.client.kv(get(key));
      token = answer.results[0]?.kvs?.[0]?.create;
      return { token: token ?? null, revision: answer.revision };
    });
    return token === undefined ? undefined : { key, token };
  },
  async release(worker, lease, { key, token }) {
    if (worker.random.below(100) >= resignPerCent) return;
    await worker.record('unlock', { id: lease, key, token }, () => worker.client.unlock(key));
  },
};

const election: Manner = {
  async acquire(worker, lease) {
    await maybeAskLeader(worker);
    const value = worker.uniqueValue();
    const input = { id: lease, name: electionName, value };
    const called = worker.record('campaign', input, () => {
      return worker.client.campaign({ name: electionName, lease, value }, waitMsMax);
    });
    const won = await keptAlive(worker, lease, called);
    const key = textIn(won, 'key');
    if (key === undefined || !isRecord(won.output)) return undefined;
    return { key, token: Number(won.output['token']) };
  },
  async hold(worker, lease, held) {
    if (worker.random.below(100) < proclaimPerCent) {
      const value = worker.uniqueValue();
      await worker.record('proclaim', { id: lease, token: held.token, value }, () => {
        return worker.client.proclaim(leaderOf(lease, held), value);
      });
    }
    await maybeAskLeader(worker);
  },
  async release(worker, lease, held) {
    if (worker.random.below(100) >= resignPerCent) return;
    await worker.record('resign', { id: lease, token: held.token }, () => {
      return worker.client.resign(leaderOf(lease, held));
    });
  },
};

function leaderOf(lease: string, { key, token }: Held) {
  return { name: electionName, key, rev: String(token), lease };
}

async function maybeAskLeader(worker: Worker): Promise<void> {
  if (worker.random.below(100) >= leaderPerCent) return;
  await worker.record('leader', { name: electionName }, () => worker.client.leader(electionName));
}

/** Keeps the lease alive until the call is answered. */
async function keptAlive(worker: Worker, id: string, call: Promise<Operation>): Promise<Operation> {
  const state = { isWaiting: true };
  const answered = call.finally(() => {
    state.isWaiting = false;
  });
  await worker.pause(keepAliveMs, answered);
  while (state.isWaiting && !worker.isOver) {
    await worker.recordBeside('keep-alive', { id }, () => worker.client.keepAlive(id));
    await worker.pause(keepAliveMs, answered);
  }
  return answered;
}

function textIn({ outcome, output }: Operation, name: string): string | undefined {
  const text = outcome === 'ok' && isRecord(output) ? output[name] : undefined;
  return typeof text === 'string' ? text : undefined;
}
