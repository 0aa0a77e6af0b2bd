import { binaryString, type Bytes } from '../base/bytes.ts';
import { IntervalTree, type Interval } from './interval-tree.ts';
import { isOneKey } from './key-range.ts';
import type { KeyRange, WatcherId } from './types.ts';
import type { WatchedKeys, WatchSide } from './watched-keys.ts';

/**
 * Who watches which keys (etcd server/storage/mvcc/watcher_group.go). Watches of one key are found in a tree of keys,
 * those of ranges in an interval tree, so that a key nobody watches costs little however many others are watched.
 * Most watches are of a single key, and there may be very many: what these take is numbers and bytes, no objects.
 */
export class WatchGroups {
  private readonly singles: WatchedKeys;
  private readonly side: WatchSide;
  private readonly byRange = new IntervalTree<WatcherId>();
  private readonly ranges = new Map<WatcherId, Interval>();
  private count = 0;

  /** Two groups that share their keys, one on each side, can take watchers over from each other at little cost. */
  constructor(singles: WatchedKeys, side: WatchSide) {
    this.singles = singles;
    this.side = side;
  }

  get size(): number {
    return this.count;
  }

  /** Once for each watcher. */
  add(range: KeyRange, watcher: WatcherId): void {
    const { from, to } = range;
    this.count++;
    if (isOneKey(range)) this.singles.add(from, watcher, this.side);
    else this.addInterval({ from: binaryString(from), to: to && binaryString(to) }, watcher);
  }

  remove(watcher: WatcherId): void {
    this.count--;
    const interval = this.ranges.get(watcher);
    if (interval === undefined) {
      this.singles.remove(watcher);
      return;
    }
    this.ranges.delete(watcher);
    this.byRange.remove(interval, watcher);
  }

  /** Takes a watcher over from the group on the other side. */
  takeFrom(other: WatchGroups, watcher: WatcherId): void {
    this.count++;
    const interval = other.ranges.get(watcher);
    if (interval === undefined) {
      this.singles.move(watcher, this.side);
      other.count--;
      return;
    }
    this.addInterval(interval, watcher);
    other.remove(watcher);
  }

  /** The same number for all that watch the same single key, while one of them does; 0 for a watcher of a range. */
  keyNumberOf(watcher: WatcherId): number {
    return this.ranges.has(watcher) ? 0 : this.singles.keyNumberOf(watcher);
  }

  /** The one key that a watcher watches. */
  keyOf(watcher: WatcherId): Bytes {
    return this.singles.keyOf(watcher);
  }

  /** Appends those that watch this one key and no other. */
  collectOfKey(key: Bytes, found: WatcherId[]): void {
    this.singles.collect(key, this.side, found);
  }

  /**
   * Appends those that watch `key`, each once, those of the single key first; answers how many places of the
   * interval tree that took looking at.
   */
  collect(key: Bytes, found: WatcherId[]): number {
    this.singles.collect(key, this.side, found);
    return this.ranges.size === 0 ? 0 : this.byRange.stab(binaryString(key), found);
  }

  private addInterval(interval: Interval, watcher: WatcherId): void {
    this.ranges.set(watcher, interval);
    this.byRange.add(interval, watcher);
  }
}
