import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { Records } from '../base/records.ts';
import { IndexTree } from './index-tree.ts';
import { KeyArena, type KeyHandle } from './key-arena.ts';
import type { WatcherId } from './types.ts';

/** Watchers are on one of two sides, and often change. */
export const WatchSide = { front: 0, back: 1 } as const;
export type WatchSide = (typeof WatchSide)[keyof typeof WatchSide];

// A watcher's record: the handle of its key, 0 while it is not here, its neighbours in the ring of those that watch
// the same key, and its side.
const recordFloats = 2;
const keyWord = 0;
const nextWord = 1;
const previousWord = 2;
const sideWord = 3;

/**
 * Who watches which single key. Keys lie in an arena and are found as those of the index are, in a tree of which
 * nothing is an object but its nodes. A key's record names the first of its watchers (`newest`, key-arena.ts); they
 * are a ring, in which those of the front come before those of the back.
 */
export class WatchedKeys {
  private readonly arena = new KeyArena();
  private readonly tree = new IndexTree(this.arena);
  private readonly records = new Records(recordFloats);

  add(key: Bytes, watcher: WatcherId, side: WatchSide): void {
    this.records.reserve(watcher);
    let handle = this.tree.find(key);
    if (handle === 0) {
      handle = this.arena.add(key);
      this.tree.insert(handle, key, true);
    }
    this.records.setWord(watcher, keyWord, handle);
    this.enter(handle, watcher, side);
  }

  remove(watcher: WatcherId): void {
    const { arena, records } = this;
    const handle = this.keyNumberOf(watcher);
    assert(handle !== 0, 'a watcher to remove watches no key');
    records.setWord(watcher, keyWord, 0);
    this.leave(handle, watcher);
    if (arena.newestOf(handle) !== 0) return;
    this.tree.remove(arena.keyOf(handle));
    arena.free(handle);
  }

  /** Changes sides: a few numbers, the key stays where it is. */
  move(watcher: WatcherId, side: WatchSide): void {
    const handle = this.keyNumberOf(watcher);
    assert(handle !== 0, 'a watcher to move watches no key');
    this.leave(handle, watcher);
    this.enter(handle, watcher, side);
  }

  /** Appends those of a side that watch `key`. */
  collect(key: Bytes, side: WatchSide, found: WatcherId[]): void {
    const handle = this.tree.find(key);
    if (handle === 0) return;
    const first = this.arena.newestOf(handle);
    let watcher = first;
    if (side === WatchSide.back) {
      while (this.sideOf(this.previousOf(watcher)) === side) {
        watcher = this.previousOf(watcher);
        if (watcher === first) break;
      }
    }
    while (this.sideOf(watcher) === side) {
      found.push(watcher);
      watcher = this.records.word(watcher, nextWord);
      if (watcher === first) return;
    }
  }

  /** The same number for all that watch the same key, for as long as one of them does. */
  keyNumberOf(watcher: WatcherId): number {
    return this.records.word(watcher, keyWord);
  }

  /** A copy of what the watcher watches. */
  keyOf(watcher: WatcherId): Bytes {
    return this.arena.keyOf(this.keyNumberOf(watcher));
  }

  /** Behind those of its side, or of the front before the first if it cannot go there at once. */
  private enter(handle: KeyHandle, watcher: WatcherId, side: WatchSide): void {
    this.records.setWord(watcher, sideWord, side);
    const first = this.arena.newestOf(handle);
    if (first === 0) {
      this.arena.setNewest(handle, watcher);
      this.link(watcher, watcher);
      return;
    }
    const last = this.previousOf(first);
    this.link(last, watcher);
    this.link(watcher, first);
    if (side < this.sideOf(last)) this.arena.setNewest(handle, watcher);
  }

  private leave(handle: KeyHandle, watcher: WatcherId): void {
    const next = this.records.word(watcher, nextWord);
    if (next === watcher) {
      this.arena.setNewest(handle, 0);
      return;
    }
    this.link(this.previousOf(watcher), next);
    if (this.arena.newestOf(handle) === watcher) this.arena.setNewest(handle, next);
  }

  private sideOf(watcher: WatcherId): number {
    return this.records.word(watcher, sideWord);
  }

  private previousOf(watcher: WatcherId): WatcherId {
    return this.records.word(watcher, previousWord);
  }

  private link(previous: WatcherId, next: WatcherId): void {
    this.records.setWord(previous, nextWord, next);
    this.records.setWord(next, previousWord, previous);
  }
}
