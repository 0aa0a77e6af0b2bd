import { set as checker } from '../checkers/set.ts';
import { getPrefix, prefixEnd, put, remove, type Request } from '../client/requests.ts';
import type { Workload } from '../types.ts';
import { recordUntilOk, runWorkers, type Worker } from './workers.ts';

/**
 * A set of elements, each added once and some removed again, none ever added twice. Whatever was acknowledged must
 * be there, once, until it is removed, and never come back.
 */

const prefix = 'set/';
/** Elements stand in groups, so that a read of some of them stays small. */
const groupSize = 50;
const settings = { workers: 9, paceMs: 12 };
const recentGroups = 4;

class Elements {
  private count = 0;
  private readonly added: string[] = [];

  get groups(): number {
    return Math.ceil(this.count / groupSize);
  }

  next(): string {
    const number = this.count++;
    return `${groupName(Math.floor(number / groupSize))}${String(number).padStart(7, '0')}`;
  }

  keep(key: string): void {
    this.added.push(key);
  }

  /** One that was added and that nobody else removes. */
  takeAdded(worker: Worker): string | undefined {
    const place = worker.random.below(Math.max(1, this.added.length));
    return this.added.splice(place, 1)[0];
  }
}

function groupName(group: number): string {
  return `${prefix}${String(group).padStart(5, '0')}/`;
}

export function setWorkload(): Workload {
  return {
    name: 'set',
    checkers: [checker],
    async run(context) {
      const elements = new Elements();
      await runWorkers(context, settings, (worker) => step(worker, elements));
    },
    async finish(context) {
      await recordUntilOk(context, 'read', getPrefix(prefix));
    },
  };
}

async function step(worker: Worker, elements: Elements): Promise<void> {
  const kind = worker.random.below(100);
  if (kind < 55) {
    const key = elements.next();
    const { outcome } = await worker.kv('add', put(key, worker.uniqueValue()));
    if (outcome !== 'fail') elements.keep(key);
  } else if (kind < 70) {
    const key = elements.takeAdded(worker);
    if (key !== undefined) await worker.kv('remove', remove(key));
  } else await worker.kv('read', readOf(worker, elements.groups));
}

function readOf({ random }: Worker, groups: number): Request {
  const back = random.below(3) === 0 ? groups : Math.min(recentGroups, groups);
  const group = Math.max(0, groups - 1 - random.below(Math.max(1, back)));
  const name = groupName(group);
  return { success: [{ op: 'get', key: name, end: prefixEnd(name) }] };
}
