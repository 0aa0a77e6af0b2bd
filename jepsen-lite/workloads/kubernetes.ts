import { kubernetes as checker } from '../checkers/kubernetes.ts';
import { replay } from '../checkers/replay.ts';
import { answerOf, type Action, type Kv, type Request } from '../client/requests.ts';
import type { Operation, Workload } from '../types.ts';
import { Archive } from './archive.ts';
import { Reflector } from './reflector.ts';
import { runWorkers, type Worker } from './workers.ts';

/**
 * What Kubernetes does with its store: objects created and changed on condition of the revision that was seen last,
 * lists in pages of one revision, and caches fed by a list and a watch, held against the store at each bookmark.
 */

const prefix = '/registry/pods/';
const end = '/registry/pods0';
const objects = 30;
const namespaces = 3;
const settings = { workers: 9, paceMs: 12 };
const pageSize = 7;
const pagesMax = 20;

export function kubernetesWorkload(): Workload {
  let archive: Archive | undefined;
  let reflectors: readonly Reflector[] = [];
  return {
    name: 'kubernetes',
    checkers: [checker, replay],
    async run(context) {
      archive = new Archive(context);
      reflectors = context.endpoints.map((endpoint, i) => {
        return new Reflector({ context, endpoint, number: i, key: prefix, end });
      });
      const runs = reflectors.map((reflector) => reflector.run());
      const seen = new Map<string, Kv | undefined>();
      await runWorkers(context, settings, (worker) => step(worker, seen));
      for (const reflector of reflectors) reflector.stop();
      await Promise.all(runs);
    },
    async finish() {
      await archive?.finish();
    },
  };
}

/** `seen`: what somebody saw of an object last; a controller's cache, always a little old. */
async function step(worker: Worker, seen: Map<string, Kv | undefined>): Promise<void> {
  const { random } = worker;
  const kind = random.below(100);
  if (kind < 8) {
    await listInPages(worker);
    return;
  }
  const namespace = random.below(namespaces);
  const key = `${prefix}ns${namespace}/pod-${String(random.below(objects)).padStart(2, '0')}`;
  const known = seen.get(key);
  const read: Action = { op: 'get', key };
  if (kind < 20) {
    note(await worker.kv('get', { success: [read] }), key, seen);
    return;
  }
  const isDelete = known !== undefined && kind < 32;
  const change: Action = isDelete
    ? { op: 'delete', key }
    : { op: 'put', key, value: worker.uniqueValue() };
  const f = known === undefined ? 'create' : isDelete ? 'delete' : 'update';
  const request: Request = {
    compare: [{ key, target: 'mod', is: '=', to: known?.mod ?? 0 }],
    success: [change],
    failure: [read],
  };
  const operation = await worker.kv(f, request);
  const answer = answerOf(operation);
  if (answer?.succeeded !== true) {
    note(operation, key, seen);
    return;
  }
  const { revision: mod } = answer;
  const kv =
    change.op === 'put' ? { key, value: change.value, mod, create: 0, version: 0 } : undefined;
  seen.set(key, kv);
}

function note(operation: Operation, key: string, seen: Map<string, Kv | undefined>): void {
  const kvs = answerOf(operation)?.results[0]?.kvs;
  if (kvs !== undefined) seen.set(key, kvs[0]);
}

/** The first page says of which revision the others are. */
async function listInPages(worker: Worker): Promise<void> {
  let from = prefix;
  let revision: number | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const of: { readonly revision?: number } = revision === undefined ? {} : { revision };
    const operation = await worker.kv(page === 0 ? 'list' : 'next page', {
      success: [{ op: 'get', key: from, end, limit: pageSize, ...of }],
    });
    const answer = answerOf(operation);
    const result = answer?.results[0];
    const last = result?.kvs?.at(-1);
    if (answer === undefined || result?.more !== true || last === undefined) return;
    revision ??= answer.revision;
    from = `${last.key}\0`;
  }
}
