import { assert } from '../base/assert.ts';
import { WatchGroups } from '../mvcc/watch-groups.ts';
import type { WatchQueue } from './watch-queue.ts';
import type { Watcher } from './watcher.ts';

/** All watches of a member that are not over, by the keys they watch and by whether they are up to date. */
export class WatcherSets {
  readonly synced = new WatchGroups<Watcher>();
  readonly unsynced = new WatchGroups<Watcher>();
  private readonly all = new Set<Watcher>();
  private readonly behind = new Map<WatchQueue, Set<Watcher>>();

  /** The unsynced watches of each stream that has any. */
  get streamsBehind(): Iterable<readonly [WatchQueue, ReadonlySet<Watcher>]> {
    return this.behind;
  }

  isBehind(queue: WatchQueue): boolean {
    return this.behind.has(queue);
  }

  list(): readonly Watcher[] {
    return [...this.all];
  }

  add(watcher: Watcher): void {
    this.all.add(watcher);
    if (watcher.state === 'synced') this.addSynced(watcher);
    else this.addBehind(watcher);
  }

  /** The watch is over. */
  remove(watcher: Watcher): void {
    assert(this.all.delete(watcher), 'a watch ended twice');
    if (watcher.state === 'synced') this.removeSynced(watcher);
    else this.removeBehind(watcher);
    watcher.state = 'over';
  }

  /** A synced watch could not be told of `revision`. */
  fallBehind(watcher: Watcher, revision: number): void {
    this.removeSynced(watcher);
    watcher.state = 'unsynced';
    watcher.nextRevision = revision;
    this.addBehind(watcher);
  }

  /** An unsynced watch was told of everything below `nextRevision`, which is still to come. */
  catchUp(watcher: Watcher, nextRevision: number): void {
    this.removeBehind(watcher);
    watcher.state = 'synced';
    watcher.nextRevision = nextRevision;
    this.addSynced(watcher);
  }

  private addSynced(watcher: Watcher): void {
    this.synced.add(watcher.keys, watcher);
    watcher.queue.syncedWatchers++;
  }

  private removeSynced(watcher: Watcher): void {
    this.synced.remove(watcher.keys, watcher);
    watcher.queue.syncedWatchers--;
  }

  private addBehind(watcher: Watcher): void {
    this.unsynced.add(watcher.keys, watcher);
    const watchers = this.behind.get(watcher.queue);
    if (watchers === undefined) this.behind.set(watcher.queue, new Set([watcher]));
    else watchers.add(watcher);
  }

  private removeBehind(watcher: Watcher): void {
    this.unsynced.remove(watcher.keys, watcher);
    const watchers = this.behind.get(watcher.queue);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.behind.delete(watcher.queue);
  }
}
