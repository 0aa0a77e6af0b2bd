import { assert } from '../base/assert.ts';
import { binaryString } from '../base/bytes.ts';
import { IntervalTree, type Interval } from './interval-tree.ts';
import type { KeyRange } from './types.ts';

/** The keys that a watch is about, as text of one character a byte: made once, compared often. */
export interface WatchedKeys extends Interval {
  readonly isSingle: boolean;
}

export function watchedKeys({ from, to }: KeyRange): WatchedKeys {
  const first = binaryString(from);
  const end = to && binaryString(to);
  return { from: first, to: end, isSingle: end === `${first}\0` };
}

/**
 * Who watches which keys (etcd server/storage/mvcc/watcher_group.go). Watches of one key are found by its hash,
 * those of ranges in an interval tree, so that a key nobody watches costs the same however many others are watched.
 */
export class WatchGroups<W> {
  private readonly byKey = new Map<string, Set<W>>();
  private readonly byRange = new IntervalTree<W>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Once for each watcher. */
  add(keys: WatchedKeys, watcher: W): void {
    this.count++;
    if (!keys.isSingle) {
      this.byRange.add(keys, watcher);
      return;
    }
    const watchers = this.byKey.get(keys.from);
    if (watchers === undefined) this.byKey.set(keys.from, new Set([watcher]));
    else watchers.add(watcher);
  }

  remove(keys: WatchedKeys, watcher: W): void {
    this.count--;
    if (!keys.isSingle) {
      this.byRange.remove(keys, watcher);
      return;
    }
    const watchers = this.byKey.get(keys.from);
    assert(watchers?.delete(watcher) === true, 'a watcher to remove does not watch that key');
    if (watchers.size === 0) this.byKey.delete(keys.from);
  }

  /** Appends those that watch `key`, each once; answers how many places that took looking at. */
  collect(key: string, found: W[]): number {
    const watchers = this.byKey.get(key);
    if (watchers !== undefined) for (const watcher of watchers) found.push(watcher);
    return 1 + this.byRange.stab(key, found);
  }

  /** Those that watch this one key and no other. */
  watchersOfKey(key: string): Iterable<W> {
    return this.byKey.get(key) ?? [];
  }
}
