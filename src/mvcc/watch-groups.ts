import { mustGet } from '../base/assert.ts';
import { binaryString, type Bytes } from '../base/bytes.ts';
import { IntervalTree, type Interval } from './interval-tree.ts';
import { isOneKey } from './key-range.ts';
import type { KeyRange, WatcherId } from './types.ts';
import { WatchedKeys } from './watched-keys.ts';

/**
 * Who watches which keys (etcd server/storage/mvcc/watcher_group.go). Watches of one key are found in a tree of keys,
 * those of ranges in an interval tree, so that a key nobody watches costs little however many others are watched.
 * Most watches are of a single key, and there may be very many: what these take is numbers and bytes, no objects.
 */
export class WatchGroups {
  /** From the first watch of a single key on. */
  private singles: WatchedKeys | undefined;
  private readonly byRange = new IntervalTree<WatcherId>();
  private readonly ranges = new Map<WatcherId, Interval>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Once for each watcher. */
  add(range: KeyRange, watcher: WatcherId): void {
    const { from, to } = range;
    if (isOneKey(range)) this.addKey(from, watcher);
    else this.addInterval({ from: binaryString(from), to: to && binaryString(to) }, watcher);
  }

  remove(watcher: WatcherId): void {
    this.count--;
    const interval = this.ranges.get(watcher);
    if (interval === undefined) {
      mustGet(this.singles, 'a watcher to remove watches nothing').remove(watcher);
      return;
    }
    this.ranges.delete(watcher);
    this.byRange.remove(interval, watcher);
  }

  /** Takes a watcher over from another group. */
  takeFrom(other: WatchGroups, watcher: WatcherId): void {
    const interval = other.ranges.get(watcher);
    if (interval === undefined) this.addKey(other.keyOf(watcher), watcher);
    else this.addInterval(interval, watcher);
    other.remove(watcher);
  }

  /** The same number for all that watch the same single key, while one of them does; 0 for a watcher of a range. */
  keyNumberOf(watcher: WatcherId): number {
    return this.ranges.has(watcher) ? 0 : (this.singles?.keyNumberOf(watcher) ?? 0);
  }

  /** The one key that a watcher watches. */
  keyOf(watcher: WatcherId): Bytes {
    return mustGet(this.singles, 'a watcher is asked for a key that has none').keyOf(watcher);
  }

  /** Appends those that watch this one key and no other. */
  collectOfKey(key: Bytes, found: WatcherId[]): void {
    this.singles?.collect(key, found);
  }

  /**
   * Appends those that watch `key`, each once, those of the single key first; answers how many places of the
   * interval tree that took looking at.
   */
  collect(key: Bytes, found: WatcherId[]): number {
    this.singles?.collect(key, found);
    return this.ranges.size === 0 ? 0 : this.byRange.stab(binaryString(key), found);
  }

  private addKey(key: Bytes, watcher: WatcherId): void {
    this.count++;
    this.singles ??= new WatchedKeys();
    this.singles.add(key, watcher);
  }

  private addInterval(interval: Interval, watcher: WatcherId): void {
    this.count++;
    this.ranges.set(watcher, interval);
    this.byRange.add(interval, watcher);
  }
}
