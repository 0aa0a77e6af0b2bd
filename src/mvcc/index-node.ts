import type { KeyHandle } from './key-arena.ts';

/**
 * The nodes of the index tree (index-tree.ts): entries in order, moved, split and joined. Nodes know
 * nothing of what the keys are; comparing is the tree's business.
 */

export const leafEntriesMax = 128;
export const innerEntriesMax = 64;

/** A key's handle and, in the lowest bit, whether the key is live. */
export type LeafEntry = number;

export function leafEntry(handle: KeyHandle, isLive: boolean): LeafEntry {
  return handle * 2 + (isLive ? 1 : 0);
}

export function handleOf(entry: LeafEntry): KeyHandle {
  return entry >>> 1;
}

export function isLiveEntry(entry: LeafEntry): boolean {
  return (entry & 1) === 1;
}

export type IndexNode = LeafNode | InnerNode;

export class LeafNode {
  readonly isLeaf = true;
  readonly max = leafEntriesMax;
  count = 0;
  /** How many entries are live: always the number of lowest bits set among them. */
  live = 0;
  readonly entries = new Uint32Array(leafEntriesMax);

  /** Where the subtree begins. Only an empty root has no such key. */
  get min(): KeyHandle {
    return handleOf(this.entries[0] as number);
  }

  liveBefore(end: number): number {
    let live = 0;
    for (let i = 0; i < end; i++) live += (this.entries[i] as number) & 1;
    return live;
  }

  insertAt(at: number, entry: LeafEntry): void {
    this.entries.copyWithin(at + 1, at, this.count);
    this.entries[at] = entry;
    this.count++;
    this.live += entry & 1;
  }

  removeAt(at: number): void {
    this.live -= (this.entries[at] as number) & 1;
    this.entries.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  /** Moves the entries from `at` on into a new leaf. */
  splitAt(at: number): LeafNode {
    const right = new LeafNode();
    right.entries.set(this.entries.subarray(at, this.count));
    right.count = this.count - at;
    right.live = right.liveBefore(right.count);
    this.count = at;
    this.live -= right.live;
    return right;
  }

  /** Takes over all entries of the leaf to the right. */
  absorb(right: LeafNode): void {
    this.entries.set(right.entries.subarray(0, right.count), this.count);
    this.count += right.count;
    this.live += right.live;
  }
}

export class InnerNode {
  readonly isLeaf = false;
  readonly max = innerEntriesMax;
  count = 0;
  /** The sum of `lives`. */
  live = 0;
  /** The first key of each child's subtree. */
  readonly mins = new Uint32Array(innerEntriesMax);
  /** Each child's number of live keys. */
  readonly lives = new Uint32Array(innerEntriesMax);
  readonly children: IndexNode[] = [];

  get min(): KeyHandle {
    return this.mins[0] as number;
  }

  childAt(at: number): IndexNode {
    return this.children[at] as IndexNode;
  }

  liveBefore(end: number): number {
    let live = 0;
    for (let i = 0; i < end; i++) live += this.lives[i] as number;
    return live;
  }

  /** Takes the first key and the live count of a child that has changed. */
  refresh(at: number): void {
    const child = this.childAt(at);
    this.mins[at] = child.min;
    this.live += child.live - (this.lives[at] as number);
    this.lives[at] = child.live;
  }

  insertAt(at: number, child: IndexNode): void {
    this.mins.copyWithin(at + 1, at, this.count);
    this.lives.copyWithin(at + 1, at, this.count);
    this.children.splice(at, 0, child);
    this.mins[at] = child.min;
    this.lives[at] = child.live;
    this.count++;
    this.live += child.live;
  }

  removeAt(at: number): void {
    this.live -= this.lives[at] as number;
    this.mins.copyWithin(at, at + 1, this.count);
    this.lives.copyWithin(at, at + 1, this.count);
    this.children.splice(at, 1);
    this.count--;
  }

  /** Moves the children from `at` on into a new node. */
  splitAt(at: number): InnerNode {
    const right = new InnerNode();
    right.absorbFrom(this, at);
    this.children.length = at;
    this.count = at;
    this.live -= right.live;
    return right;
  }

  /** Takes over all children of the node to the right. */
  absorb(right: InnerNode): void {
    this.absorbFrom(right, 0);
  }

  private absorbFrom(source: InnerNode, at: number): void {
    this.mins.set(source.mins.subarray(at, source.count), this.count);
    this.lives.set(source.lives.subarray(at, source.count), this.count);
    for (let i = at; i < source.count; i++) {
      this.children.push(source.childAt(i));
      this.live += source.lives[i] as number;
    }
    this.count += source.count - at;
  }
}
