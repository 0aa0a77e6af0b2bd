import type { Bytes } from '../base/bytes.ts';
import type { MvccStore } from '../mvcc/store.ts';
import type { VersionId } from '../mvcc/version-table.ts';
import { WatchEvent } from '../mvcc/watch-event.ts';
import type { WatcherId } from '../mvcc/types.ts';
import type { WatchResponses } from './watch-responses.ts';
import type { WatcherSets } from './watch-sets.ts';
import { is, type WatcherTable } from './watcher-table.ts';

/**
 * Brings unsynced watches up to date from the store, in steps that each end with whole revisions, save within a very
 * long one, of which nobody is told before it was gathered whole. Watches of one key
 * follow the versions of that key. The others are served together by passes over the change log: matched in memory,
 * only rows that someone watches are read. What a few steps have gathered is told together, for a response costs more
 * than an event. A pass goes over a stretch of the log; near and far ones take turns, so that who is a little behind
 * does not wait for who is far behind.
 */
export class WatchCatchUp {
  private readonly sets: WatcherSets;
  private readonly table: WatcherTable;
  private readonly responses: WatchResponses;
  private store: MvccStore;
  /** Keys with watches of their own that are to be served before the next pass. */
  private keysToServe: Bytes[] = [];
  private pass: Pass | undefined;
  private isNearNext = false;
  /** Kept from step to step, so that a change nobody watches makes no garbage. */
  private readonly found: WatcherId[] = [];
  /** Watches for which something is gathered, each once. */
  private readonly gathered: WatcherId[] = [];
  /** Events gathered, their revisions, and the bytes of those that are not the same. */
  private gatheredEvents = 0;
  private gatheredRevisions = 0;
  private gatheredRevision = 0;
  private gatheredBytes = 0;
  private isTelling = false;

  constructor(store: MvccStore, sets: WatcherSets, responses: WatchResponses) {
    this.store = store;
    this.sets = sets;
    this.table = sets.table;
    this.responses = responses;
  }

  /** Ends the pass under way where it stands; its watches go on from there. */
  endPass(): void {
    const { pass } = this;
    if (pass === undefined) return;
    this.pass = undefined;
    if (pass.sub === undefined) this.tell(Infinity);
    else this.giveUp();
    for (const watcher of pass.watchers) {
      if (this.table.is(watcher, is.inPass)) this.leave(watcher, pass.revision);
    }
  }

  /** A received snapshot has taken the place of the store. */
  replaceStore(store: MvccStore): void {
    this.endPass();
    this.store = store;
  }

  /** One small piece of work; true when there is none. */
  step(): boolean {
    const key = this.keysToServe.pop();
    if (key !== undefined) this.serveKey(key);
    else if (this.isTelling) this.tell(watchersPerStep);
    else if (this.pass !== undefined) this.advance(this.pass);
    else return !this.maybeBegin();
    return false;
  }

  /** Looks for who is behind and takes what it is told; false when there is nobody. */
  private maybeBegin(): boolean {
    const { sets, table } = this;
    const { compactRevision } = this.store;
    const together: WatcherId[] = [];
    const keys = new Map<number, Bytes>();
    const lost: WatcherId[] = [];
    for (const [queue, watchers] of sets.streamsBehind) {
      if (!queue.isReady) continue;
      for (const watcher of watchers) {
        const key = sets.unsynced.keyNumberOf(watcher);
        if (table.nextRevisionOf(watcher) < compactRevision) lost.push(watcher);
        else if (key === 0 || table.is(watcher, is.inNeedOfPass)) together.push(watcher);
        else if (!keys.has(key)) keys.set(key, sets.unsynced.keyOf(watcher));
      }
    }
    for (const watcher of lost) this.cancel(watcher, compactRevision);
    this.keysToServe = [...keys.values()];
    if (together.length > 0) this.pass = this.beginPass(together);
    return lost.length > 0 || keys.size > 0 || together.length > 0;
  }

  /** What it was to be told of next is compacted. */
  private cancel(watcher: WatcherId, compactRevision: number): void {
    const watchId = this.table.idOf(watcher);
    this.sets.remove(watcher);
    this.table.queueOf(watcher).add({ type: 'canceled', watchId, revision: 0, compactRevision });
  }

  private serveKey(key: Bytes): void {
    const { table } = this;
    const { compactRevision } = this.store;
    const unsynced: WatcherId[] = [];
    this.sets.unsynced.collectOfKey(key, unsynced);
    const watchers = unsynced.filter(
      (watcher) =>
        !table.is(watcher, is.inNeedOfPass) &&
        table.queueOf(watcher).isReady &&
        table.nextRevisionOf(watcher) >= compactRevision,
    );
    for (const watcher of watchers) table.set(watcher, is.inPass, true);
    if (watchers.length === 0) return;
    const isCrowd = watchers.length > keyWatchersMax;
    const ids = isCrowd ? undefined : this.versionsFrom(key, this.lowestNext(watchers));
    if (ids === undefined) {
      for (const watcher of watchers) {
        table.set(watcher, is.inNeedOfPass, true);
        table.set(watcher, is.inPass, false);
      }
      return;
    }
    let next = this.store.revision + 1;
    let last = 0;
    while (ids.length > 0) {
      const event = WatchEvent.ofVersion(this.store, key, ids.pop() as VersionId);
      // One transaction may delete a key and put it: both are one revision, which is not split.
      const isFull = this.gatheredEvents >= keyEventsPerStep || this.isBatchFull;
      if (isFull && event.modRevision !== last) {
        next = event.modRevision;
        this.keysToServe.push(key);
        break;
      }
      last = event.modRevision;
      this.takeAll(watchers, event);
    }
    this.tell(Infinity);
    for (const watcher of watchers) {
      if (table.is(watcher, is.inPass)) this.leave(watcher, next);
    }
  }

  /** The versions of a key from a revision on, the oldest last; undefined when they are too many to hold. */
  private versionsFrom(key: Bytes, revision: number): VersionId[] | undefined {
    const { keys, tree, versions } = this.store.index;
    const handle = tree.find(key);
    const ids: VersionId[] = [];
    if (handle === 0) return ids;
    let id = keys.newestOf(handle);
    while (id !== 0 && versions.modRevisionOf(id) >= revision) {
      if (ids.length === chainVersionsMax) return undefined;
      ids.push(id);
      id = versions.olderOf(id);
    }
    return ids;
  }

  private beginPass(behind: readonly WatcherId[]): Pass {
    const { table } = this;
    const { changes, versions } = this.store.index;
    const revisionAt = (position: number): number => versions.modRevisionOf(changes.at(position));
    const nearPosition = changes.end - changesPerPass;
    let revision = this.lowestNext(behind);
    const isFar = changes.firstAfter(revision - 1) < nearPosition;
    if (isFar && this.isNearNext) {
      const nearRevision = revisionAt(nearPosition);
      const near = behind.filter((watcher) => table.nextRevisionOf(watcher) >= nearRevision);
      if (near.length > 0) revision = this.lowestNext(near);
    }
    this.isNearNext = !this.isNearNext;
    const until = changes.firstAfter(revision - 1) + changesPerPass;
    const lastRevision = until < changes.end ? revisionAt(until) : this.store.revision;
    const watchers = behind.filter((watcher) => {
      const next = table.nextRevisionOf(watcher);
      return next >= revision && next <= lastRevision;
    });
    for (const watcher of watchers) table.set(watcher, is.inPass, true);
    return { watchers, revision, lastRevision, compactRevision: this.store.compactRevision };
  }

  private lowestNext(watchers: readonly WatcherId[]): number {
    let lowest = Infinity;
    for (const watcher of watchers) lowest = Math.min(lowest, this.table.nextRevisionOf(watcher));
    return lowest;
  }

  /** Gathers the next changes, up to the end of a revision. */
  private advance(pass: Pass): void {
    // What a compaction gave up since the last step may be gone from the log.
    if (this.store.compactRevision !== pass.compactRevision) return this.endPass();
    const { changes, keys, versions } = this.store.index;
    const eventsBefore = this.gatheredEvents;
    let looked = 0;
    let revision = 0;
    let nextRevision = pass.lastRevision + 1;
    let mustTell = false;
    const { sub } = pass;
    if (sub !== undefined) ({ revision } = pass);
    pass.sub = undefined;
    let at =
      sub === undefined ? changes.firstAfter(pass.revision - 1) : changes.firstAfter(revision, sub);
    for (; at < changes.end; at++) {
      const id = changes.at(at);
      const next = versions.modRevisionOf(id);
      if (next > pass.lastRevision) break;
      const work = looked + this.gatheredEvents - eventsBefore;
      const isFull = work >= workPerStep || (next !== revision && this.isBatchFull);
      // What is whole is told before a long revision is begun: that one may have to be given up.
      mustTell = next !== revision && this.gathered.length > 0 && this.isLong(at, next);
      if (isFull || mustTell) {
        if (next === revision) pass.sub = versions.modSubOf(id) - 1;
        nextRevision = next;
        break;
      }
      revision = next;
      looked++;
      this.match(keys.keyOf(versions.keyOf(id)), id);
    }
    pass.revision = nextRevision;
    if (pass.sub !== undefined) return;
    this.isTelling = mustTell || this.isBatchFull || pass.revision > pass.lastRevision;
  }

  /** Whether the revision that begins here does not fit into a step. */
  private isLong(at: number, revision: number): boolean {
    const { changes, versions } = this.store.index;
    const last = at + workPerStep;
    return last < changes.end && versions.modRevisionOf(changes.at(last)) === revision;
  }

  private get isBatchFull(): boolean {
    return (
      this.gatheredBytes >= batchBytes ||
      this.gatheredEvents >= batchEventsMax ||
      this.gatheredRevisions >= batchRevisionsMax
    );
  }

  private match(key: Bytes, id: VersionId): void {
    const { found } = this;
    found.length = 0;
    this.sets.unsynced.collect(key, found);
    if (found.length > 0) this.takeAll(found, WatchEvent.ofVersion(this.store, key, id));
  }

  private takeAll(watchers: readonly WatcherId[], event: WatchEvent): void {
    let bytes = 0;
    for (const watcher of watchers) bytes = Math.max(bytes, this.take(watcher, event));
    if (bytes === 0) return;
    this.gatheredBytes += bytes;
    if (this.gatheredRevision !== event.modRevision) this.gatheredRevisions++;
    this.gatheredRevision = event.modRevision;
  }

  /** Answers how many bytes the watch was given. */
  private take(watcher: WatcherId, event: WatchEvent): number {
    const { table } = this;
    const { modRevision } = event;
    if (!table.is(watcher, is.inPass) || !table.wants(watcher, event)) return 0;
    const queue = table.queueOf(watcher);
    if (table.lastRevisionOf(watcher) !== modRevision && !queue.hasRoom) {
      this.leave(watcher, modRevision);
      return 0;
    }
    if (!table.isGathering(watcher)) this.gathered.push(watcher);
    const bytes = table.gather(watcher, event);
    queue.reserve(bytes);
    this.gatheredEvents++;
    return bytes;
  }

  /** Queues what was gathered, for so many watches; when it is done, a pass that is over ends. */
  private tell(watchersMax: number): void {
    const { table } = this;
    for (const watcher of this.gathered.splice(0, watchersMax)) {
      table.queueOf(watcher).reserve(-table.gatheredBytes(watcher));
      // The client may have cancelled it meanwhile.
      if (table.stateOf(watcher) === 'over') this.letGo(watcher);
      else this.responses.add(watcher, this.store.revision);
    }
    if (this.gathered.length > 0) return;
    this.beginGathering();
    const { pass } = this;
    if (pass !== undefined && pass.revision > pass.lastRevision) this.endPass();
  }

  /** A revision cannot be gathered to its end: nobody is told of its beginning. */
  private giveUp(): void {
    const { table } = this;
    for (const watcher of this.gathered.splice(0)) {
      table.queueOf(watcher).reserve(-table.gatheredBytes(watcher));
      this.letGo(watcher);
    }
    this.beginGathering();
  }

  private letGo(watcher: WatcherId): void {
    this.table.takeGathered(watcher);
    this.table.maybeFree(watcher);
  }

  private beginGathering(): void {
    this.gatheredEvents = 0;
    this.gatheredRevisions = 0;
    this.gatheredRevision = 0;
    this.gatheredBytes = 0;
    this.isTelling = false;
  }

  /** It has been told of everything below `nextRevision`. */
  private leave(watcher: WatcherId, nextRevision: number): void {
    const { table } = this;
    table.set(watcher, is.inPass, false);
    if (table.maybeFree(watcher)) return;
    const next = Math.max(table.nextRevisionOf(watcher), nextRevision);
    table.setNextRevision(watcher, next);
    if (table.stateOf(watcher) !== 'unsynced' || next <= this.store.revision) return;
    table.set(watcher, is.inNeedOfPass, false);
    this.sets.catchUp(watcher, next);
  }
}

interface Pass {
  readonly watchers: readonly WatcherId[];
  /** Its watches have been told of everything below, from where they began. */
  revision: number;
  /** Within that revision: the last of its changes that was gathered. */
  sub?: number | undefined;
  /** The pass ends with it. */
  readonly lastRevision: number;
  readonly compactRevision: number;
}

/** Changes looked at and events gathered in one step. */
const workPerStep = 512;
/** Events of one key gathered in one step: its versions need not be looked for. */
const keyEventsPerStep = 2048;
/** Watches told in one step. */
const watchersPerStep = 256;
/** What is gathered before it is told. */
const batchBytes = 256 * 1024;
const batchEventsMax = 256 * 1024;
/** Also what one response holds at most; as in etcd (watcher_group.go, watchBatchMaxRevs). */
const batchRevisionsMax = 1000;
/** The stretch of the change log that one pass goes over. */
const changesPerPass = 16_384;
/** A key with more versions to tell of than this, or more watches, is served by passes. */
const chainVersionsMax = 16_384;
const keyWatchersMax = 64;
