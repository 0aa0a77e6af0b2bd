/**
 * What watchers were told, and what truly happened: the material of the checks beside this file. Nothing here
 * knows how it was recorded, so that members in memory and real processes are judged by the same rules.
 */

/** One version of a key, as an event or a previous value carries it. */
export interface Version {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** Of a delete, only the revision says something. */
  readonly kv: Version;
  readonly prev: Version | undefined;
}

/** What was asked for. Keys are compared as text: the recorders use ASCII. */
export interface WatchRequest {
  readonly key: string;
  /** Undefined: `key` alone; empty: to the end of the key space. */
  readonly rangeEnd: string | undefined;
  /** 0: from now on. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

/** One answer to a watch. `revision` is that of the response's header. */
export type WatchNotice =
  | { readonly type: 'created'; readonly revision: number }
  | {
      readonly type: 'events';
      readonly revision: number;
      readonly events: readonly WatchEvent[];
      /** The rest of these events follows. */
      readonly isFragment: boolean;
      /** The highest revision that a compaction had been asked for by then. */
      readonly compactedMax: number;
    }
  /** Asked for or by itself: everything up to `revision` has been told. */
  | { readonly type: 'progress'; readonly revision: number }
  | { readonly type: 'canceled'; readonly revision: number; readonly compactRevision: number };

/** One watch at one member: its request and all that came of it, in order. */
export interface Watch {
  readonly request: WatchRequest;
  readonly notices: readonly WatchNotice[];
  /** It was open when everything up to this revision must have arrived; undefined: it was cut off at some moment. */
  readonly settledRevision: number | undefined;
}

/** One client's watches of the same keys, each resumed where the one before it was cut off. */
export interface Watcher {
  readonly name: string;
  readonly watches: readonly Watch[];
}

export function eventsOf(watch: Watch): readonly WatchEvent[] {
  return watch.notices.flatMap((notice) => (notice.type === 'events' ? notice.events : []));
}

/** Whether the request asks for events of this key, whatever their type. */
export function isInRange({ key: from, rangeEnd }: WatchRequest, key: string): boolean {
  if (rangeEnd === undefined) return key === from;
  return key >= from && (rangeEnd === '' || key < rangeEnd);
}

export function isWanted(request: WatchRequest, { type, key }: WatchEvent): boolean {
  if (type === 'put' ? request.noPut : request.noDelete) return false;
  return isInRange(request, key);
}

/** The revision from which on a watch must be told everything: undefined before it is created. */
export function firstRevision({ request, notices }: Watch): number | undefined {
  if (request.startRevision > 0) return request.startRevision;
  const [created] = notices;
  return created?.type === 'created' ? created.revision + 1 : undefined;
}

/** Where a watcher goes on: behind the last whole revision that it was told of, or that progress vouched for. */
export function resumeRevision(watch: Watch): number | undefined {
  let next = firstRevision(watch);
  let partial: number | undefined;
  for (const notice of watch.notices) {
    if (notice.type === 'progress') next = notice.revision + 1;
    if (notice.type !== 'events') continue;
    const last = notice.events.at(-1)?.kv.modRevision;
    if (last === undefined) continue;
    // What a fragment ends with may go on in the next one.
    partial = notice.isFragment ? last : undefined;
    next = partial ?? last + 1;
  }
  return next;
}

/** Whether a watch is told of every event. */
function isComplete({ key, rangeEnd, noPut, noDelete }: WatchRequest): boolean {
  return key <= '\0' && rangeEnd === '' && !noPut && !noDelete;
}

/**
 * Everything that happened, by revision. Every revision of the store changes something, so that one without
 * an event is one that nobody saw: nothing is concluded from it.
 */
export class EventHistory {
  readonly lastRevision: number;
  /** What observers told differently. */
  readonly conflicts: readonly string[];
  private readonly byRevision: ReadonlyMap<number, readonly WatchEvent[]>;
  /** Ascending. */
  private readonly byKey = new Map<string, WatchEvent[]>();
  /** At each revision, the newest one before it that nobody saw. */
  private readonly gapBefore: number[] = [];

  private constructor(
    byRevision: ReadonlyMap<number, readonly WatchEvent[]>,
    conflicts: readonly string[],
  ) {
    this.byRevision = byRevision;
    this.conflicts = conflicts;
    this.lastRevision = [...byRevision.keys()].reduce((a, b) => Math.max(a, b), 1);
    let gap = 0;
    for (let revision = 2; revision <= this.lastRevision; revision++) {
      this.gapBefore[revision] = gap;
      const events = byRevision.get(revision);
      if (events === undefined) gap = revision;
      for (const event of events ?? []) {
        const ofKey = this.byKey.get(event.key);
        if (ofKey === undefined) this.byKey.set(event.key, [event]);
        else ofKey.push(event);
      }
    }
  }

  static of(events: readonly WatchEvent[]): EventHistory {
    return new EventHistory(groupByRevision(events), []);
  }

  /** Puts together what watches of all keys were told, on whichever members. */
  static seenBy(watchers: readonly Watcher[]): EventHistory {
    const known = new Map<number, readonly WatchEvent[]>();
    const conflicts: string[] = [];
    for (const { name, watches } of watchers) {
      for (const watch of watches) {
        if (!isComplete(watch.request)) continue;
        const wholeBelow = resumeRevision(watch) ?? 0;
        for (const [revision, events] of groupByRevision(eventsOf(watch))) {
          if (revision >= wholeBelow) continue;
          const others = known.get(revision);
          if (others === undefined) known.set(revision, events);
          else if (describeAll(others) !== describeAll(events)) {
            conflicts.push(
              `revision ${revision} is ${describeAll(others)}, and to ${name} ${describeAll(events)}`,
            );
          }
        }
      }
    }
    return new EventHistory(known, conflicts);
  }

  at(revision: number): readonly WatchEvent[] | undefined {
    return this.byRevision.get(revision);
  }

  /** The events of these revisions that the request asks for; revisions that nobody saw give none. */
  wanted(request: WatchRequest, from: number, to: number): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    for (let revision = from; revision <= Math.min(to, this.lastRevision); revision++) {
      for (const event of this.at(revision) ?? []) {
        if (isWanted(request, event)) events.push(event);
      }
    }
    return events;
  }

  /** The version of `key` before `revision`; 'unknown' where nobody saw what was between. */
  before(key: string, revision: number): Version | 'none' | 'unknown' {
    const events = this.byKey.get(key) ?? [];
    const event = events.findLast(({ kv }) => kv.modRevision < revision);
    const gap = this.gapBefore[Math.min(revision, this.lastRevision)] ?? 0;
    if (gap > (event?.kv.modRevision ?? 0)) return 'unknown';
    return event?.type === 'put' ? event.kv : 'none';
  }
}

function groupByRevision(events: readonly WatchEvent[]): Map<number, readonly WatchEvent[]> {
  const groups = new Map<number, WatchEvent[]>();
  for (const event of events) {
    const group = groups.get(event.kv.modRevision);
    if (group === undefined) groups.set(event.kv.modRevision, [event]);
    else group.push(event);
  }
  return groups;
}

/** Without the previous values, which a watch may not have asked for. */
export function describeEvent({ type, key, kv }: WatchEvent): string {
  return type === 'put' ? `put ${key} ${describeVersion(kv)}` : `delete ${key} @${kv.modRevision}`;
}

function describeAll(events: readonly WatchEvent[]): string {
  return `[${events.map(describeEvent).join(', ')}]`;
}

export function describeVersion(version: Version | undefined): string {
  if (version === undefined) return 'nothing';
  const { value, createRevision, modRevision, version: count, lease } = version;
  return `${value}@${createRevision}..${modRevision}#${count}${lease === 0n ? '' : `~${lease}`}`;
}
