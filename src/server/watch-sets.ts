import { assert } from '../base/assert.ts';
import type { KeyRange, WatcherId } from '../mvcc/types.ts';
import { WatchGroups } from '../mvcc/watch-groups.ts';
import { WatchedKeys, WatchSide } from '../mvcc/watched-keys.ts';
import type { WatchQueue } from './watch-queue.ts';
import { WatcherTable } from './watcher-table.ts';

/** All watches of a member, and those that are not over by the keys they watch and by whether they are up to date. */
export class WatcherSets {
  readonly table = new WatcherTable();
  private readonly keys = new WatchedKeys();
  readonly synced = new WatchGroups(this.keys, WatchSide.front);
  readonly unsynced = new WatchGroups(this.keys, WatchSide.back);
  private readonly behind = new Map<WatchQueue, Set<WatcherId>>();

  /** The unsynced watches of each stream that has any. */
  get streamsBehind(): Iterable<readonly [WatchQueue, ReadonlySet<WatcherId>]> {
    return this.behind;
  }

  isBehind(queue: WatchQueue): boolean {
    return this.behind.has(queue);
  }

  add(watcher: WatcherId, range: KeyRange): void {
    if (this.table.stateOf(watcher) === 'synced') {
      this.synced.add(range, watcher);
      this.table.queueOf(watcher).syncedWatchers++;
    } else {
      this.unsynced.add(range, watcher);
      this.addBehind(watcher);
    }
  }

  /** The watch is over. */
  remove(watcher: WatcherId): void {
    const { table } = this;
    const state = table.stateOf(watcher);
    assert(state !== 'over', 'a watch ended twice');
    if (state === 'synced') {
      this.synced.remove(watcher);
      table.queueOf(watcher).syncedWatchers--;
    } else {
      this.unsynced.remove(watcher);
      this.removeBehind(watcher);
    }
    table.setState(watcher, 'over');
  }

  /** A synced watch could not be told of `revision`. */
  fallBehind(watcher: WatcherId, revision: number): void {
    const { table } = this;
    this.unsynced.takeFrom(this.synced, watcher);
    table.queueOf(watcher).syncedWatchers--;
    table.setState(watcher, 'unsynced');
    table.setNextRevision(watcher, revision);
    this.addBehind(watcher);
  }

  /** An unsynced watch was told of everything below `nextRevision`, which is still to come. */
  catchUp(watcher: WatcherId, nextRevision: number): void {
    const { table } = this;
    this.synced.takeFrom(this.unsynced, watcher);
    this.removeBehind(watcher);
    table.queueOf(watcher).syncedWatchers++;
    table.setState(watcher, 'synced');
    table.setNextRevision(watcher, nextRevision);
  }

  private addBehind(watcher: WatcherId): void {
    const queue = this.table.queueOf(watcher);
    const watchers = this.behind.get(queue);
    if (watchers === undefined) this.behind.set(queue, new Set([watcher]));
    else watchers.add(watcher);
  }

  private removeBehind(watcher: WatcherId): void {
    const queue = this.table.queueOf(watcher);
    const watchers = this.behind.get(queue);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.behind.delete(queue);
  }
}
