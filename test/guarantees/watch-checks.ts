import {
  describeEvent,
  describeVersion,
  eventsOf,
  firstRevision,
  isInRange,
  resumeRevision,
  type EventHistory,
  type Watch,
  type WatchEvent,
  type Watcher,
  type WatchNotice,
} from './history.ts';

/**
 * etcd's promises to watchers (its "API guarantees", checked there by tests/robustness/validate/watch.go), one
 * function each. An answer lists what breaks the promise; empty is good.
 */

export type Violations = readonly string[];
type WatcherCheck = (watcher: Watcher) => Violations;
type HistoryCheck = (watcher: Watcher, history: EventHistory) => Violations;

/** Ordered: events come by ascending revision, also over the watches by which one was resumed. */
export const checkOrdered: WatcherCheck = ({ name, watches }) => {
  const found: string[] = [];
  let last = 0;
  for (const event of watches.flatMap(eventsOfWhole)) {
    const { modRevision } = event.kv;
    if (modRevision < last) found.push(`${name}: ${describeEvent(event)} after revision ${last}`);
    last = modRevision;
  }
  return found;
};

/** Unique: no event comes twice, also when its watch is resumed. */
export const checkUnique: WatcherCheck = ({ name, watches }) => {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const { key, kv } of watches.flatMap(eventsOfWhole)) {
    const id = `${kv.modRevision} ${key}`;
    if (seen.has(id)) found.push(`${name}: ${key} at ${kv.modRevision} comes twice`);
    seen.add(id);
  }
  return found;
};

/** Atomic: a revision comes in one response, or in fragments that say so. */
export const checkAtomic: WatcherCheck = ({ name, watches }) => {
  const found: string[] = [];
  for (const { notices } of watches) {
    let last: number | undefined;
    let isOpen = false;
    for (const notice of notices) {
      if (notice.type !== 'events') {
        if (isOpen) found.push(`${name}: ${notice.type} between two fragments`);
        continue;
      }
      const first = notice.events[0]?.kv.modRevision;
      if (first === undefined) found.push(`${name}: events without an event`);
      if (!isOpen && first === last) found.push(`${name}: revision ${first} is split`);
      last = notice.events.at(-1)?.kv.modRevision;
      isOpen = notice.isFragment;
    }
  }
  return found;
};

/** Reliable: of the events of its range, from its start on, a watch misses none. */
export const checkReliable: HistoryCheck = ({ name, watches }, history) => {
  const found: string[] = [];
  for (const watch of watches) {
    const from = firstRevision(watch);
    if (from === undefined) continue;
    const got = new Set(eventsOf(watch).map(identify));
    const to = Math.max((resumeRevision(watch) ?? from) - 1, watch.settledRevision ?? 0);
    for (const event of history.wanted(watch.request, from, to)) {
      if (!got.has(identify(event))) found.push(`${name}: misses ${describeEvent(event)}`);
    }
  }
  return found;
};

/** Resumable: a watch begins with the first event at or behind the revision that it asked for. */
export const checkResumable: HistoryCheck = ({ name, watches }, history) => {
  const found: string[] = [];
  watches.forEach((watch, i) => {
    const { startRevision } = watch.request;
    const [first] = eventsOf(watch);
    if (startRevision === 0 || first === undefined) return;
    if (history.at(first.kv.modRevision) === undefined) return;
    const [expected] = history.wanted(watch.request, startRevision, history.lastRevision);
    if (expected !== undefined && identify(expected) !== identify(first)) {
      const how = i === 0 ? 'started' : 'resumed';
      found.push(
        `${name}: ${how} at ${startRevision} with ${describeEvent(first)}, not ${describeEvent(expected)}`,
      );
    }
  });
  return found;
};

/** Bookmarkable: what progress speaks for has been told before it, and nothing of it is told after. */
export const checkBookmarkable: HistoryCheck = ({ name, watches }, history) => {
  const found: string[] = [];
  for (const watch of watches) {
    const got = new Set<string>();
    let bookmark = 0;
    let last = 0;
    let told = firstRevision(watch) ?? Infinity;
    for (const notice of watch.notices) {
      for (const event of notice.type === 'events' ? notice.events : []) {
        got.add(identify(event));
        last = event.kv.modRevision;
        if (last <= bookmark) {
          found.push(`${name}: ${describeEvent(event)} after progress at ${bookmark}`);
        }
      }
      if (notice.type !== 'progress') continue;
      const { revision } = notice;
      if (revision < Math.max(bookmark, last)) {
        found.push(`${name}: progress at ${revision}, behind ${Math.max(bookmark, last)}`);
      }
      for (const event of history.wanted(watch.request, told, revision)) {
        if (!got.has(identify(event))) {
          found.push(`${name}: progress at ${revision} without ${describeEvent(event)}`);
        }
      }
      told = Math.max(told, revision + 1);
      bookmark = Math.max(bookmark, revision);
    }
  }
  return found;
};

/** Previous values are those that the history has, and are left out only for what is new or compacted. */
export const checkPrevKv: HistoryCheck = ({ name, watches }, history) =>
  watches.flatMap(({ request, notices }) =>
    notices.flatMap((notice) => {
      if (notice.type !== 'events') return [];
      return notice.events.flatMap((event) => {
        const wrong = wrongPrev(event, { history, notice, isAskedFor: request.prevKv });
        return wrong === undefined ? [] : [`${name}: ${describeEvent(event)} ${wrong}`];
      });
    }),
  );

interface PrevContext {
  readonly history: EventHistory;
  readonly notice: { readonly compactedMax: number };
  readonly isAskedFor: boolean;
}

function wrongPrev(event: WatchEvent, context: PrevContext): string | undefined {
  const { prev, kv, key } = event;
  if (!context.isAskedFor) {
    return prev === undefined ? undefined : 'has a previous value that nobody asked for';
  }
  const before = context.history.before(key, kv.modRevision);
  if (before === 'unknown') return undefined;
  const expected = before === 'none' ? undefined : before;
  if (describeVersion(prev) === describeVersion(expected)) return undefined;
  // It is looked up at the revision before the event's when the event is sent (etcd server/etcdserver/api/v3rpc).
  if (prev === undefined && kv.modRevision - 1 < context.notice.compactedMax) return undefined;
  return `after ${describeVersion(prev)}, not ${describeVersion(expected)}`;
}

/** Filter: nothing comes from outside the range, and nothing of a type that is filtered out. */
export const checkFilter: WatcherCheck = ({ name, watches }) =>
  watches.flatMap((watch) =>
    eventsOf(watch)
      .filter(({ type, key }) => {
        if (!isInRange(watch.request, key)) return true;
        return type === 'put' ? watch.request.noPut : watch.request.noDelete;
      })
      .map((event) => `${name}: did not ask for ${describeEvent(event)}`),
  );

/** IsCreate: create revision, version, value and lease are those of the history. */
export const checkVersions: HistoryCheck = ({ name, watches }, history) => {
  const found: string[] = [];
  for (const event of watches.flatMap(eventsOf)) {
    const known = history.at(event.kv.modRevision);
    if (known === undefined) continue;
    const same = known.find(({ key }) => key === event.key);
    if (same === undefined) found.push(`${name}: ${describeEvent(event)} never happened`);
    else if (describeEvent(same) !== describeEvent(event)) {
      found.push(`${name}: ${describeEvent(event)} was ${describeEvent(same)}`);
    }
  }
  return found;
};

/** Compaction: a watch that falls behind one is cancelled with its revision, and only then, and says nothing more. */
export const checkCompaction: WatcherCheck = ({ name, watches }) => {
  const found: string[] = [];
  for (const watch of watches) {
    const at = watch.notices.findIndex(({ type }) => type === 'canceled');
    const canceled = watch.notices[at];
    if (canceled?.type !== 'canceled') continue;
    if (at < watch.notices.length - 1) found.push(`${name}: goes on after it was cancelled`);
    const { compactRevision, revision } = canceled;
    if (compactRevision === 0) continue;
    if (revision !== 0) found.push(`${name}: cancelled by compaction with a revision`);
    const next = resumeRevision(watch);
    if (next !== undefined && next >= compactRevision) {
      found.push(`${name}: cancelled for ${compactRevision}, and wanted only ${next}`);
    }
  }
  return found;
};

/** Start: created comes first and once, and a watch of the future is told nothing earlier. */
export const checkStart: WatcherCheck = ({ name, watches }) => {
  const found: string[] = [];
  for (const watch of watches) {
    const from = firstRevision(watch);
    watch.notices.forEach((notice, i) => {
      if ((notice.type === 'created') !== (i === 0)) {
        found.push(`${name}: ${notice.type} is answer number ${i + 1}`);
      }
      const revision = earliest(notice);
      if (revision === undefined || from === undefined) return;
      // Watching from now on, progress may say that nothing has happened yet.
      const least =
        notice.type === 'progress' && watch.request.startRevision === 0 ? from - 1 : from;
      if (revision < least) found.push(`${name}: ${notice.type} of ${revision}, wanted ${from}`);
    });
  }
  return found;
};

function earliest(notice: WatchNotice): number | undefined {
  if (notice.type === 'progress') return notice.revision;
  return notice.type === 'events' ? notice.events[0]?.kv.modRevision : undefined;
}

/** Header: its revision is not below any event's that comes with it. */
export const checkHeader: WatcherCheck = ({ name, watches }) =>
  watches.flatMap(({ notices }) =>
    notices.flatMap((notice) => {
      if (notice.type !== 'events') return [];
      const newest = Math.max(...notice.events.map(({ kv }) => kv.modRevision));
      return newest > notice.revision ? [`${name}: ${newest} under header ${notice.revision}`] : [];
    }),
  );

/** History: it has no two opinions, and versions and create revisions follow from one another. */
export function checkHistory(history: EventHistory): Violations {
  const found = [...history.conflicts];
  for (let revision = 2; revision <= history.lastRevision; revision++) {
    for (const event of history.at(revision) ?? []) {
      const before = history.before(event.key, revision);
      if (before === 'unknown') continue;
      const { version, createRevision } = event.kv;
      if (event.type === 'delete') {
        if (before === 'none') found.push(`${describeEvent(event)}: there was nothing`);
        continue;
      }
      const [count, created] =
        before === 'none' ? [1, revision] : [before.version + 1, before.createRevision];
      if (version !== count || createRevision !== created) {
        found.push(`${describeEvent(event)}: should be version ${count} of ${created}`);
      }
    }
  }
  return found;
}

/** A write that a client was told of, and its revision. `value` undefined deleted the key. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: number;
}

/** Acknowledged: what a client was told is written is an event at that revision. */
export function checkAcknowledged(
  history: EventHistory,
  writes: readonly Acknowledged[],
): Violations {
  const found: string[] = [];
  for (const { key, value, revision } of writes) {
    const events = history.at(revision);
    if (events === undefined) continue;
    const event = events.find((each) => each.key === key);
    const told = event?.type === 'put' ? event.kv.value : undefined;
    if (event === undefined || told !== value) {
      found.push(`${key} was acknowledged as ${value} at ${revision}, which is ${told}`);
    }
  }
  return found;
}

/** All of them, each violation under the name of the promise that it breaks. */
export function checkWatchers(watchers: readonly Watcher[], history: EventHistory): Violations {
  const found = name('History', checkHistory(history));
  for (const watcher of watchers) {
    for (const [promise, check] of Object.entries(watchChecks)) {
      found.push(...name(promise, check(watcher, history)));
    }
  }
  return found;
}

export const watchChecks: Readonly<Record<string, HistoryCheck>> = {
  Ordered: checkOrdered,
  Unique: checkUnique,
  Atomic: checkAtomic,
  Reliable: checkReliable,
  Resumable: checkResumable,
  Bookmarkable: checkBookmarkable,
  PrevKv: checkPrevKv,
  Filter: checkFilter,
  IsCreate: checkVersions,
  Compaction: checkCompaction,
  Start: checkStart,
  Header: checkHeader,
};

function name(promise: string, violations: Violations): string[] {
  return violations.map((violation) => `${promise}: ${violation}`);
}

function identify({ type, key, kv }: WatchEvent): string {
  return `${type} ${kv.modRevision} ${key}`;
}

/** Fragments whose rest never came count for nothing when their watch is resumed: they come again, whole. */
function eventsOfWhole(watch: Watch): readonly WatchEvent[] {
  const wholeBelow = resumeRevision(watch) ?? 0;
  const events = eventsOf(watch);
  const last = watch.notices.at(-1);
  const isTorn = last?.type === 'events' && last.isFragment;
  return isTorn ? events.filter(({ kv }) => kv.modRevision < wholeBelow) : events;
}
