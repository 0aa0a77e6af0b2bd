import type { Bytes } from '../base/bytes.ts';
import { handleOf, type InnerNode, type LeafNode } from './index-node.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';

/**
 * One descent of the index tree towards a key. Whatever lies between two keys begins with what both
 * share with the key sought, so comparing starts behind it (Manber and Myers, "Suffix arrays", 1993,
 * section 2): keys with long prefixes in common cost little more than short ones.
 */
export class KeySearch {
  readonly key: Bytes;
  private readonly arena: KeyArena;
  /** How many bytes the key shares with the nearest keys known to be below and above it. */
  private sharedBelow = 0;
  private sharedAbove = 0;

  constructor(arena: KeyArena, key: Bytes) {
    this.arena = arena;
    this.key = key;
  }

  /** The first position whose key is at or above the key sought. */
  lowerBound(leaf: LeafNode): number {
    let low = 0;
    let high = leaf.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBelow(handleOf(leaf.entries[middle] as number), false)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last child that begins at or below the key sought; the first child when none does. */
  childIndex(node: InnerNode): number {
    let low = 1;
    let high = node.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBelow(node.mins[middle] as number, true)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private isBelow(handle: KeyHandle, orEqual: boolean): boolean {
    const shared = Math.min(this.sharedBelow, this.sharedAbove);
    const order = this.arena.compare(handle, this.key, shared);
    if (order < 0 || (orEqual && order === 0)) {
      this.sharedBelow = this.arena.shared;
      return true;
    }
    this.sharedAbove = this.arena.shared;
    return false;
  }
}
