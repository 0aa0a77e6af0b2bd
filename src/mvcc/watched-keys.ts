import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { Records } from '../base/records.ts';
import { IndexTree } from './index-tree.ts';
import { KeyArena } from './key-arena.ts';
import type { WatcherId } from './types.ts';

// A watcher's record: the handle of its key, 0 while it is not here, and those that watch the same, in a ring.
const recordFloats = 2;
const keyWord = 0;
const nextWord = 1;
const previousWord = 2;

/**
 * Who watches which single key. Keys lie in an arena and are found as those of the index are, in a tree of which
 * nothing is an object but its nodes; a key's record names the first of its watchers (`newest`, key-arena.ts).
 */
export class WatchedKeys {
  private readonly arena = new KeyArena();
  private readonly tree = new IndexTree(this.arena);
  private readonly records = new Records(recordFloats);

  add(key: Bytes, watcher: WatcherId): void {
    const { arena, records } = this;
    records.reserve(watcher);
    let handle = this.tree.find(key);
    if (handle === 0) {
      handle = arena.add(key);
      this.tree.insert(handle, key, true);
    }
    const first = arena.newestOf(handle);
    if (first === 0) arena.setNewest(handle, watcher);
    this.link(first === 0 ? watcher : records.word(first, previousWord), watcher);
    this.link(watcher, first === 0 ? watcher : first);
    records.setWord(watcher, keyWord, handle);
  }

  remove(watcher: WatcherId): void {
    const { arena, records } = this;
    const handle = records.word(watcher, keyWord);
    assert(handle !== 0, 'a watcher to remove watches no key');
    records.setWord(watcher, keyWord, 0);
    const next = records.word(watcher, nextWord);
    if (next === watcher) {
      this.tree.remove(arena.keyOf(handle));
      arena.free(handle);
      return;
    }
    this.link(records.word(watcher, previousWord), next);
    if (arena.newestOf(handle) === watcher) arena.setNewest(handle, next);
  }

  /** Appends those that watch `key`, in the order in which they were added. */
  collect(key: Bytes, found: WatcherId[]): void {
    const handle = this.tree.find(key);
    if (handle === 0) return;
    const first = this.arena.newestOf(handle);
    let watcher = first;
    do {
      found.push(watcher);
      watcher = this.records.word(watcher, nextWord);
    } while (watcher !== first);
  }

  /** The same number for all that watch the same key, for as long as one of them does. */
  keyNumberOf(watcher: WatcherId): number {
    return this.records.word(watcher, keyWord);
  }

  /** A copy of what the watcher watches. */
  keyOf(watcher: WatcherId): Bytes {
    return this.arena.keyOf(this.keyNumberOf(watcher));
  }

  private link(previous: WatcherId, next: WatcherId): void {
    this.records.setWord(previous, nextWord, next);
    this.records.setWord(next, previousWord, previous);
  }
}
