import { binaryString, latin1Bytes, type Bytes } from '../base/bytes.ts';
import type { MvccStore } from '../mvcc/store.ts';
import type { VersionId } from '../mvcc/version-table.ts';
import { WatchEvent } from '../mvcc/watch-event.ts';
import type { WatchResponses } from './watch-responses.ts';
import type { WatcherSets } from './watch-sets.ts';
import { gather, isFiltered, type Watcher } from './watcher.ts';

/**
 * Brings unsynced watches up to date from the store, in steps that each end with whole revisions. Watches of one key
 * follow the versions of that key. The others are served together by passes over the change log: matched in memory,
 * only rows that someone watches are read. A pass goes over a stretch of the log; near and far ones take turns, so
 * that who is a little behind does not wait for who is far behind.
 */
export class WatchCatchUp {
  private readonly sets: WatcherSets;
  private readonly responses: WatchResponses;
  private store: MvccStore;
  /** Keys with watches of their own that are to be served before the next pass. */
  private keysToServe: string[] = [];
  private pass: Pass | undefined;
  private isNearNext = false;
  /** Kept from step to step, so that a change nobody watches makes no garbage. */
  private readonly found: Watcher[] = [];
  /** Watches that were told something in this step. */
  private told: Watcher[] = [];
  private gatheredBytes = 0;

  constructor(store: MvccStore, sets: WatcherSets, responses: WatchResponses) {
    this.store = store;
    this.sets = sets;
    this.responses = responses;
  }

  /** Ends the pass under way where it stands; its watches go on from there. */
  endPass(): void {
    const { pass } = this;
    if (pass === undefined) return;
    this.pass = undefined;
    for (const watcher of pass.watchers) if (watcher.isInPass) this.leave(watcher, pass.revision);
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
    else if (this.pass !== undefined) this.advance(this.pass);
    else return !this.maybeBegin();
    return false;
  }

  /** Looks for who is behind and takes what it is told; false when there is nobody. */
  private maybeBegin(): boolean {
    const { compactRevision } = this.store;
    const together: Watcher[] = [];
    const keys = new Set<string>();
    const lost: Watcher[] = [];
    for (const [queue, watchers] of this.sets.streamsBehind) {
      if (!queue.isReady) continue;
      for (const watcher of watchers) {
        if (watcher.nextRevision < compactRevision) lost.push(watcher);
        else if (watcher.keys.isSingle && !watcher.isLong) keys.add(watcher.keys.from);
        else together.push(watcher);
      }
    }
    for (const watcher of lost) this.cancel(watcher, compactRevision);
    this.keysToServe = [...keys];
    if (together.length > 0) this.pass = this.beginPass(together);
    return lost.length > 0 || keys.size > 0 || together.length > 0;
  }

  /** What it was to be told of next is compacted. */
  private cancel(watcher: Watcher, compactRevision: number): void {
    const { id: watchId, queue } = watcher;
    this.sets.remove(watcher);
    queue.add({ type: 'canceled', watchId, revision: 0, compactRevision });
  }

  private serveKey(key: string): void {
    const { compactRevision } = this.store;
    const watchers: Watcher[] = [];
    let from = Number.MAX_SAFE_INTEGER;
    for (const watcher of this.sets.unsynced.watchersOfKey(key)) {
      if (watcher.isLong || !watcher.queue.isReady) continue;
      if (watcher.nextRevision < compactRevision) continue;
      watcher.isInPass = true;
      watchers.push(watcher);
      from = Math.min(from, watcher.nextRevision);
    }
    if (watchers.length === 0) return;
    const bytes = latin1Bytes(key);
    const ids = this.versionsFrom(bytes, from);
    if (ids === undefined) {
      for (const watcher of watchers) {
        watcher.isLong = true;
        watcher.isInPass = false;
      }
      return;
    }
    let next = this.store.revision + 1;
    let last = 0;
    for (let told = 0; ids.length > 0; told++) {
      const event = WatchEvent.ofVersion(this.store, bytes, ids.pop() as VersionId);
      // One transaction may delete a key and put it: both are one revision, which is not split.
      const isFull = told >= versionsPerStep || this.gatheredBytes >= bytesPerStep;
      if (isFull && event.modRevision !== last) {
        next = event.modRevision;
        this.keysToServe.push(key);
        break;
      }
      last = event.modRevision;
      for (const watcher of watchers) this.take(watcher, event);
    }
    this.tell();
    for (const watcher of watchers) if (watcher.isInPass) this.leave(watcher, next);
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

  private beginPass(behind: readonly Watcher[]): Pass {
    const { changes, versions } = this.store.index;
    const revisionAt = (position: number): number => versions.modRevisionOf(changes.at(position));
    const lowest = (watchers: readonly Watcher[]): number =>
      watchers.reduce((least, { nextRevision }) => Math.min(least, nextRevision), Infinity);
    const nearPosition = changes.end - changesPerPass;
    let revision = lowest(behind);
    const isFar = changes.firstAfter(revision - 1) < nearPosition;
    if (isFar && this.isNearNext) {
      const nearRevision = revisionAt(nearPosition);
      const near = behind.filter(({ nextRevision }) => nextRevision >= nearRevision);
      if (near.length > 0) revision = lowest(near);
    }
    this.isNearNext = !this.isNearNext;
    const until = changes.firstAfter(revision - 1) + changesPerPass;
    const lastRevision = until < changes.end ? revisionAt(until) : this.store.revision;
    const watchers = behind.filter(
      ({ nextRevision }) => nextRevision >= revision && nextRevision <= lastRevision,
    );
    for (const watcher of watchers) watcher.isInPass = true;
    return { watchers, revision, lastRevision, compactRevision: this.store.compactRevision };
  }

  /** Tells of the next changes, up to the end of a revision. */
  private advance(pass: Pass): void {
    // What a compaction gave up since the last step may be gone from the log.
    if (this.store.compactRevision !== pass.compactRevision) return this.endPass();
    const { changes, keys, versions } = this.store.index;
    let looked = 0;
    let revision = 0;
    let nextRevision = pass.lastRevision + 1;
    for (let at = changes.firstAfter(pass.revision - 1); at < changes.end; at++) {
      const id = changes.at(at);
      const next = versions.modRevisionOf(id);
      if (next > pass.lastRevision) break;
      const isFull = looked >= changesPerStep || this.gatheredBytes >= bytesPerStep;
      if (isFull && next !== revision) {
        nextRevision = next;
        break;
      }
      revision = next;
      looked++;
      this.match(keys.keyOf(versions.keyOf(id)), id);
    }
    pass.revision = nextRevision;
    this.tell();
    if (pass.revision > pass.lastRevision) this.endPass();
  }

  private match(key: Bytes, id: VersionId): void {
    const { found } = this;
    found.length = 0;
    this.sets.unsynced.collect(binaryString(key), found);
    if (found.length === 0) return;
    const event = WatchEvent.ofVersion(this.store, key, id);
    for (const watcher of found) this.take(watcher, event);
  }

  private take(watcher: Watcher, event: WatchEvent): void {
    const { modRevision } = event;
    if (!watcher.isInPass || modRevision < watcher.nextRevision) return;
    if (isFiltered(watcher, event)) return;
    if (watcher.lastRevision !== modRevision && !watcher.queue.hasRoom) {
      this.leave(watcher, modRevision);
      return;
    }
    if (watcher.events.length === 0) this.told.push(watcher);
    const { length } = gather(watcher, event);
    watcher.queue.reserve(length);
    this.gatheredBytes += length;
  }

  /** Queues what was gathered in this step. */
  private tell(): void {
    const { told } = this;
    this.told = [];
    this.gatheredBytes = 0;
    for (const watcher of told) {
      watcher.queue.reserve(-watcher.eventBytes);
      this.responses.add(watcher, this.store.revision);
    }
  }

  /** It has been told of everything below `nextRevision`. */
  private leave(watcher: Watcher, nextRevision: number): void {
    watcher.isInPass = false;
    watcher.nextRevision = Math.max(watcher.nextRevision, nextRevision);
    if (watcher.state !== 'unsynced' || watcher.nextRevision <= this.store.revision) return;
    watcher.isLong = false;
    this.sets.catchUp(watcher, watcher.nextRevision);
  }
}

interface Pass {
  readonly watchers: readonly Watcher[];
  /** Its watches have been told of everything below, from where they began. */
  revision: number;
  /** The pass ends with it. */
  readonly lastRevision: number;
  readonly compactRevision: number;
}

/** What one step looks at and gathers, beside the rest of a revision that it began. */
const changesPerStep = 128;
const versionsPerStep = 128;
const bytesPerStep = 256 * 1024;
/** The stretch of the change log that one pass goes over. */
const changesPerPass = 16_384;
/** A key with more versions than this to tell of is served by a pass. */
const chainVersionsMax = 16_384;
