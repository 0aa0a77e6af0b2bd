import { append as checker } from '../checkers/append.ts';
import { CallError } from '../client/outcome.ts';
import { getPrefix, type Compare, type Kv, type Request } from '../client/requests.ts';
import type { Json, Workload, WorkloadContext } from '../types.ts';
import { recordUntilOk, runWorkers, type Worker } from './workers.ts';

/**
 * Transactions that read lists and append to them, over several keys: a list is one value, and a transaction that
 * appends reads what it touches first, then writes if nothing of it has changed. Judged by the cycles in what they
 * saw of each other (Kingsbury and Alvaro, "Elle", VLDB 2020).
 */

const prefix = 'append/';
const activeKeys = 4;
/** Then a new key takes its place, so that lists stay short. */
const appendsPerKey = 24;
const settings = { workers: 9, paceMs: 12 };
/** Of the transaction whose comparison failed: it certainly did not happen. */
const conflict = { code: 9, text: 'somebody else changed what was read' };

/** `['append', key, element]`, or `['r', key, elements]`, null in what is asked for. */
export type ListAction =
  readonly ['append', string, string] | readonly ['r', string, readonly string[] | null];

export function appendWorkload(): Workload {
  return {
    name: 'append',
    checkers: [checker],
    async run(context) {
      const keys = new Keys();
      const read = (worker: Worker): Promise<void> => step(worker, keys, 0);
      await runWorkers(context, settings, (worker) => step(worker, keys), read);
    },
    async finish(context: WorkloadContext) {
      await recordUntilOk(context, 'final lists', getPrefix(prefix));
    },
  };
}

class Keys {
  private readonly numbers = Array.from({ length: activeKeys }, (_, i) => i);
  private readonly appends = new Map<number, number>();
  private next = activeKeys;

  choose(worker: Worker): string {
    return nameOf(this.numbers[worker.random.below(activeKeys)] ?? 0);
  }

  appended(key: string): void {
    const number = Number(key.slice(prefix.length));
    const count = (this.appends.get(number) ?? 0) + 1;
    this.appends.set(number, count);
    const place = this.numbers.indexOf(number);
    if (count >= appendsPerKey && place >= 0) this.numbers[place] = this.next++;
  }
}

function nameOf(number: number): string {
  return `${prefix}${String(number).padStart(6, '0')}`;
}

async function step(worker: Worker, keys: Keys, appendPerCent = 50): Promise<void> {
  const actions = Array.from({ length: 1 + worker.random.below(4) }, (): ListAction => {
    const key = keys.choose(worker);
    if (worker.random.below(100) >= appendPerCent) return ['r', key, null];
    keys.appended(key);
    return ['append', key, worker.uniqueValue()];
  });
  await worker.record('txn', actions as unknown as Json, () => transact(worker, actions));
}

async function transact(worker: Worker, actions: readonly ListAction[]): Promise<Json> {
  const names = [...new Set(actions.map(([, key]) => key))];
  const read = await worker.client.kv({ success: names.map((key) => ({ op: 'get', key })) });
  const kvs = new Map<string, Kv>();
  for (const kv of read.results.flatMap((result) => result.kvs ?? [])) kvs.set(kv.key, kv);
  const lists = new Map(names.map((key) => [key, elementsOf(kvs.get(key)?.value ?? '')]));
  const changed = new Set<string>();
  const done = actions.map((action): ListAction => {
    const [, key] = action;
    const list = lists.get(key) ?? [];
    if (action[0] === 'r') return ['r', key, list];
    lists.set(key, [...list, action[2]]);
    changed.add(key);
    return action;
  });
  if (changed.size === 0) return done as unknown as Json;
  const request: Request = {
    compare: names.map((key): Compare => {
      return { key, target: 'mod', is: '=', to: kvs.get(key)?.mod ?? 0 };
    }),
    success: [...changed].map((key) => ({
      op: 'put',
      key,
      value: (lists.get(key) ?? []).join(' '),
    })),
  };
  const { succeeded } = await worker.client.kv(request);
  if (!succeeded) throw new CallError(conflict, true);
  return done as unknown as Json;
}

export function elementsOf(value: string): readonly string[] {
  return value === '' ? [] : value.split(' ');
}
