import { assert } from '../base/assert.ts';
import { binaryString } from '../base/bytes.ts';
import { IntervalTree, type Interval } from './interval-tree.ts';
import type { KeyRange } from './types.ts';

/** The keys that a watch is about, as text of one character a byte: made once, compared often. */
export type WatchedKeys =
  { readonly isSingle: true; readonly from: string } | ({ readonly isSingle: false } & Interval);

export function watchedKeys({ from, to }: KeyRange): WatchedKeys {
  const first = binaryString(from);
  const end = to && binaryString(to);
  // Most watches are of a single key, and there may be very many: what is not needed of them is not kept.
  if (end === `${first}\0`) return { isSingle: true, from: first };
  return { isSingle: false, from: first, to: end };
}

/**
 * Who watches which keys (etcd server/storage/mvcc/watcher_group.go). Watches of one key are found by its hash,
 * those of ranges in an interval tree, so that a key nobody watches costs the same however many others are watched.
 */
export class WatchGroups<W extends object> {
  /** A set only where more than one watches the key. */
  private readonly byKey = new Map<string, W | Set<W>>();
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
    if (watchers === undefined) this.byKey.set(keys.from, watcher);
    else if (watchers instanceof Set) watchers.add(watcher);
    else this.byKey.set(keys.from, new Set([watchers, watcher]));
  }

  remove(keys: WatchedKeys, watcher: W): void {
    this.count--;
    if (!keys.isSingle) {
      this.byRange.remove(keys, watcher);
      return;
    }
    const watchers = this.byKey.get(keys.from);
    const isThere = watchers instanceof Set ? watchers.delete(watcher) : watchers === watcher;
    assert(isThere, 'a watcher to remove does not watch that key');
    if (!(watchers instanceof Set) || watchers.size === 0) this.byKey.delete(keys.from);
  }

  /** Appends those that watch `key`, each once; answers how many places that took looking at. */
  collect(key: string, found: W[]): number {
    const watchers = this.byKey.get(key);
    if (watchers instanceof Set) for (const watcher of watchers) found.push(watcher);
    else if (watchers !== undefined) found.push(watchers);
    return 1 + this.byRange.stab(key, found);
  }

  /** Those that watch this one key and no other. */
  watchersOfKey(key: string): Iterable<W> {
    const watchers = this.byKey.get(key);
    if (watchers === undefined) return [];
    return watchers instanceof Set ? watchers : [watchers];
  }
}
