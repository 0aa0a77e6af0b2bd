import type { Action, Answer, Compare, Kv, Request, Result } from '../client/requests.ts';
import type { ArchivedEvent } from './events.ts';

/** The key space at one revision, as etcd would have it: the model that a replay holds answers against. */

export class KeySpace {
  private readonly kvs = new Map<string, Kv>();
  /** Ascending, where it is known: made anew when a range is read. */
  private sorted: readonly string[] | undefined;
  revision = 1;
  /** What happened at or before this revision is not all known. */
  gapRevision = 0;

  apply(revision: number, events: readonly ArchivedEvent[]): void {
    this.revision = revision;
    for (const event of events) {
      if (event.type === 'delete') {
        if (this.kvs.delete(event.key)) this.sorted = undefined;
        continue;
      }
      if (!this.kvs.has(event.key)) this.sorted = undefined;
      this.kvs.set(event.key, event);
    }
  }

  /** A revision that nobody told of. */
  skip(revision: number): void {
    this.revision = revision;
    this.gapRevision = revision;
  }

  get(key: string): Kv | undefined {
    return this.kvs.get(key);
  }

  range(key: string, end: string | undefined): readonly Kv[] {
    if (end === undefined) {
      const kv = this.kvs.get(key);
      return kv === undefined ? [] : [kv];
    }
    this.sorted ??= [...this.kvs.keys()].sort();
    const found: Kv[] = [];
    for (let i = lowerBound(this.sorted, key); i < this.sorted.length; i++) {
      const name = this.sorted[i];
      const kv = name === undefined ? undefined : this.kvs.get(name);
      if (kv === undefined || kv.key >= end) break;
      found.push(kv);
    }
    return found;
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a request would have done and answered at the state `space`. */
export interface Expected {
  readonly succeeded: boolean;
  readonly results: readonly Result[];
  /** In key order of their first change; the last change of a key counts. */
  readonly events: readonly ArchivedEvent[];
}

/** `base` is the state before; the request's own writes come on top of it, at the revision behind it. */
export function execute(base: KeySpace, request: Request): Expected {
  const succeeded = (request.compare ?? []).every((compare) => holds(base, compare));
  const actions = succeeded ? request.success : (request.failure ?? []);
  const overlay = new Map<string, Kv | undefined>();
  const results = actions.map((action) => perform(base, overlay, action));
  const events: ArchivedEvent[] = [];
  for (const [key, kv] of overlay) {
    if (kv !== undefined) events.push({ type: 'put', ...kv });
    else if (base.get(key) !== undefined) {
      events.push({ type: 'delete', key, mod: base.revision + 1 });
    }
  }
  return { succeeded, results, events };
}

function perform(base: KeySpace, overlay: Map<string, Kv | undefined>, action: Action): Result {
  if (action.op === 'put') {
    const { key, value, lease } = action;
    const before = overlay.has(key) ? overlay.get(key) : base.get(key);
    const mod = base.revision + 1;
    const [create, version] = before === undefined ? [mod, 1] : [before.create, before.version + 1];
    const attached = lease === undefined || lease === '0' ? {} : { lease };
    overlay.set(key, { key, value, mod, create, version, ...attached });
    return action.prevKv === true ? { prevKvs: before === undefined ? [] : [before] } : {};
  }
  const kvs = readThrough(base, overlay, action);
  if (action.op === 'get') {
    return resultOf(action, kvs);
  }
  for (const { key } of kvs) overlay.set(key, undefined);
  return { deleted: kvs.length, ...(action.prevKv === true ? { prevKvs: kvs } : {}) };
}

/** Of all that is in the range, what was asked for. */
function resultOf(
  { limit = 0, counts, only }: Extract<Action, { readonly op: 'get' }>,
  kvs: readonly Kv[],
): Result {
  const count = kvs.length;
  if (only === 'count') return { kvs: [], count };
  const isMore = limit > 0 && count > limit;
  const shown = isMore ? kvs.slice(0, limit) : kvs;
  return {
    kvs: only === 'keys' ? shown.map((kv) => ({ ...kv, value: '' })) : shown,
    ...(isMore ? { more: true } : {}),
    ...(counts === true ? { count } : {}),
  };
}

function readThrough(
  base: KeySpace,
  overlay: ReadonlyMap<string, Kv | undefined>,
  { key, end }: { readonly key: string; readonly end?: string },
): readonly Kv[] {
  const found = base.range(key, end);
  if (overlay.size === 0) return found;
  const kvs = new Map(found.map((kv) => [kv.key, kv]));
  for (const [name, kv] of overlay) {
    if (end === undefined ? name !== key : name < key || name >= end) continue;
    if (kv === undefined) kvs.delete(name);
    else kvs.set(name, kv);
  }
  return [...kvs.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function holds(base: KeySpace, { key, target, is, to }: Compare): boolean {
  const kv = base.get(key);
  // Without a value, a comparison of values fails whatever it asks (etcd server/etcdserver/txn/txn.go).
  if (target === 'value' && kv === undefined) return false;
  const of = { value: kv?.value ?? '', mod: kv?.mod ?? 0, create: kv?.create ?? 0 };
  const have = target === 'version' ? (kv?.version ?? 0) : of[target];
  switch (is) {
    case '=':
      return have === to;
    case '!=':
      return have !== to;
    case '<':
      return have < to;
    case '>':
      return have > to;
  }
}

/** Whether everything that the request looks at is known. */
export function isKnown(space: KeySpace, request: Request): boolean {
  if (space.gapRevision === 0) return true;
  const isKeyKnown = (key: string): boolean => (space.get(key)?.mod ?? 0) > space.gapRevision;
  const actions = [...request.success, ...(request.failure ?? [])];
  return (
    (request.compare ?? []).every(({ key }) => isKeyKnown(key)) &&
    actions.every(({ key, ...action }) => {
      const isRange = 'end' in action && action.end !== undefined;
      return !isRange && isKeyKnown(key);
    })
  );
}

/** The first difference, as a clause; undefined where there is none. */
export function differenceOf(answer: Answer, expected: Expected): string | undefined {
  if (answer.succeeded !== expected.succeeded) {
    return `its comparison ${answer.succeeded ? 'succeeded' : 'failed'}, and should not have`;
  }
  for (const [i, result] of answer.results.entries()) {
    const [got, due] = [describeResult(result), describeResult(expected.results[i] ?? {})];
    if (got !== due) return `it was answered ${got}, where there was ${due}`;
  }
  return undefined;
}

export function describeResult({ kvs, deleted, more, count, prevKvs }: Result): string {
  const before = prevKvs === undefined ? '' : `, before: ${describeKvs(prevKvs)}`;
  if (deleted !== undefined) return `${deleted} keys deleted${before}`;
  if (kvs === undefined) return `nothing${before}`;
  const counted = count === undefined ? '' : `, ${count} in all`;
  return describeKvs(kvs) + (more === true ? ' and more' : '') + counted;
}

function describeKvs(kvs: readonly Kv[]): string {
  if (kvs.length === 0) return 'no key';
  const versions = kvs.map(
    ({ key, value, mod, create, version, lease }) =>
      `${key} = ${value} (revision ${mod}, created at ${create}, version ${version}` +
      `${lease === undefined ? '' : `, lease ${lease}`})`,
  );
  return versions.join(', ');
}
