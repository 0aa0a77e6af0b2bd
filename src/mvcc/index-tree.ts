import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import {
  handleOf,
  innerEntriesMax,
  InnerNode,
  isLiveEntry,
  leafEntriesMax,
  leafEntry,
  LeafNode,
  type IndexNode,
} from './index-node.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';
import { isEmptyRange } from './key-range.ts';
import { KeySearch } from './key-search.ts';
import { hashKey, KeyTable } from './key-table.ts';
import type { KeyRange } from './types.ts';

/** Sees keys in order; false ends the walk. It may not change the tree. */
export type KeyVisitor = (handle: KeyHandle, isLive: boolean) => boolean;

/**
 * A B+tree of key handles in the order of their bytes, whose inner nodes count the live keys below
 * each child: the live keys of a range are counted in O(log n), where etcd's index walks them. A
 * deleted key stays, uncounted, until a compaction removes it.
 *
 * Every node but the root holds at least one entry. A node is joined with a neighbour when it falls
 * below a quarter and both fit into three quarters of one, so nodes on average are well filled, and
 * a removal never cascades into a split.
 */
export class IndexTree {
  /** Keys of the tree by their hash; whether all of them, `isWhole` says. */
  readonly table: KeyTable;
  private readonly arena: KeyArena;
  private isWhole = true;
  private root: IndexNode = new LeafNode();

  constructor(arena: KeyArena) {
    this.arena = arena;
    this.table = new KeyTable(arena);
  }

  get liveCount(): number {
    return this.root.live;
  }

  /** How many leaves there are: what the keys' order of arrival has made of the tree. */
  get leafCount(): number {
    return countLeaves(this.root);
  }

  /** 0 when the key is not in the tree, live or dead. */
  find(key: Bytes): KeyHandle {
    const hash = hashKey(key);
    const known = this.table.find(key, hash);
    if (known !== 0 || this.isWhole) return known;
    const handle = this.descendTo(key);
    if (handle !== 0) this.table.maybeAdd(hash, handle);
    return handle;
  }

  private descendTo(key: Bytes): KeyHandle {
    const search = this.search(key);
    let node = this.root;
    while (!node.isLeaf) node = node.childAt(search.childIndex(node));
    const at = search.lowerBound(node);
    if (at === node.count) return 0;
    const handle = handleOf(node.entries[at] as number);
    return this.arena.compare(handle, key) === 0 ? handle : 0;
  }

  /** Adds a key that is not there. */
  insert(handle: KeyHandle, key: Bytes, isLive: boolean): void {
    const right = this.insertInto(this.root, leafEntry(handle, isLive), this.search(key));
    if (!this.table.maybeAdd(hashKey(key), handle)) this.isWhole = false;
    if (right === undefined) return;
    const root = new InnerNode();
    root.insertAt(0, this.root);
    root.insertAt(1, right);
    this.root = root;
  }

  /** Fills an empty tree with keys in order, at once: nodes with some room in each. `table` may know them already. */
  build(handles: Uint32Array, isLive: (handle: KeyHandle) => boolean): void {
    assert(this.root.isLeaf && this.root.count === 0, 'only an empty tree is built');
    if (handles.length === 0) return;
    let level: IndexNode[] = [];
    let leaf = new LeafNode();
    for (const handle of handles) {
      if (leaf.count === leafEntriesBuilt) {
        level.push(leaf);
        leaf = new LeafNode();
      }
      leaf.insertAt(leaf.count, leafEntry(handle, isLive(handle)));
    }
    level.push(leaf);
    while (level.length > 1) level = parentsOf(level);
    this.root = level[0] as IndexNode;
    this.isWhole = this.table.count === handles.length;
  }

  /** Counts a dead key as live again. */
  revive(key: Bytes): void {
    const search = this.search(key);
    let node = this.root;
    while (!node.isLeaf) {
      const at = search.childIndex(node);
      node.live++;
      node.lives[at] = (node.lives[at] as number) + 1;
      node = node.childAt(at);
    }
    const at = search.lowerBound(node);
    const entry = node.entries[at] as number;
    assert(at < node.count && !isLiveEntry(entry), 'the key to revive is not a dead one');
    node.entries[at] = leafEntry(handleOf(entry), true);
    node.live++;
  }

  /** Makes the live keys of the range dead ones; `visitor` sees each, in order, and may end it after one. */
  killLive(range: KeyRange, visitor: KeyVisitor): void {
    if (isEmptyRange(range)) return;
    this.kill(this.root, this.search(range.from), { to: range.to, liveOnly: true, visitor });
  }

  /** Takes a key that is there out of the tree. Its handle is the caller's to free. */
  remove(key: Bytes): void {
    this.table.remove(key, hashKey(key));
    this.removeFrom(this.root, this.search(key));
    while (!this.root.isLeaf && this.root.count <= 1) {
      this.root = this.root.count === 0 ? new LeafNode() : this.root.childAt(0);
    }
  }

  /** The number of live keys below `key`. */
  rank(key: Bytes): number {
    let rank = 0;
    const search = this.search(key);
    let node = this.root;
    while (!node.isLeaf) {
      const at = search.childIndex(node);
      rank += node.liveBefore(at);
      node = node.childAt(at);
    }
    return rank + node.liveBefore(search.lowerBound(node));
  }

  /** The number of live keys in the range. */
  count(range: KeyRange): number {
    if (isEmptyRange(range)) return 0;
    const end = range.to === undefined ? this.liveCount : this.rank(range.to);
    return end - this.rank(range.from);
  }

  /** All keys of the range, dead ones too. */
  visit(range: KeyRange, visitor: KeyVisitor): void {
    if (isEmptyRange(range)) return;
    this.walk(this.root, this.search(range.from), { to: range.to, liveOnly: false, visitor });
  }

  /** The live keys of the range; stretches of dead ones are stepped over by whole subtrees. */
  visitLive(range: KeyRange, visitor: KeyVisitor): void {
    if (isEmptyRange(range)) return;
    this.walk(this.root, this.search(range.from), { to: range.to, liveOnly: true, visitor });
  }

  private search(key: Bytes): KeySearch {
    return new KeySearch(this.arena, key);
  }

  /** Answers the new right neighbour when the node had to be split. */
  private insertInto(node: IndexNode, entry: number, search: KeySearch): IndexNode | undefined {
    if (node.isLeaf) {
      const at = search.lowerBound(node);
      if (node.count < node.max) {
        node.insertAt(at, entry);
        return undefined;
      }
      const splitAt = splitPoint(node, at);
      const right = node.splitAt(splitAt);
      if (at < splitAt) node.insertAt(at, entry);
      else right.insertAt(at - splitAt, entry);
      return right;
    }
    const at = search.childIndex(node);
    const added = this.insertInto(node.childAt(at), entry, search);
    node.refresh(at);
    if (added === undefined) return undefined;
    if (node.count < node.max) {
      node.insertAt(at + 1, added);
      return undefined;
    }
    const splitAt = splitPoint(node, at + 1);
    const right = node.splitAt(splitAt);
    if (at + 1 < splitAt) node.insertAt(at + 1, added);
    else right.insertAt(at + 1 - splitAt, added);
    return right;
  }

  private removeFrom(node: IndexNode, search: KeySearch): void {
    if (node.isLeaf) {
      const at = search.lowerBound(node);
      const isThere = at < node.count && this.isKey(node.entries[at] as number, search.key);
      assert(isThere, 'the key to remove is not in the tree');
      node.removeAt(at);
      return;
    }
    const at = search.childIndex(node);
    const child = node.childAt(at);
    this.removeFrom(child, search);
    if (child.count === 0) {
      node.removeAt(at);
      return;
    }
    node.refresh(at);
    if (child.count >= child.max / 4) return;
    if (!maybeJoin(node, at)) maybeJoin(node, at - 1);
  }

  private isKey(entry: number, key: Bytes): boolean {
    return this.arena.compare(handleOf(entry), key) === 0;
  }

  /** Answers false once the walk is over. */
  private walk(node: IndexNode, search: KeySearch | undefined, walk: Walk): boolean {
    if (node.isLeaf) return this.walkLeaf(node, search, walk);
    const first = search?.childIndex(node) ?? 0;
    for (let i = first; i < node.count; i++) {
      if (i > first && this.isBeyond(node.mins[i] as number, walk.to)) return false;
      if (walk.liveOnly && node.lives[i] === 0) continue;
      if (!this.walk(node.childAt(i), i === first ? search : undefined, walk)) return false;
    }
    return true;
  }

  private walkLeaf(leaf: LeafNode, search: KeySearch | undefined, walk: Walk): boolean {
    const end = this.leafEnd(leaf, walk.to);
    for (let i = search?.lowerBound(leaf) ?? 0; i < end; i++) {
      const entry = leaf.entries[i] as number;
      const isLive = isLiveEntry(entry);
      if (walk.liveOnly && !isLive) continue;
      if (!walk.visitor(handleOf(entry), isLive)) return false;
    }
    return end === leaf.count;
  }

  /** Like `walk` over live keys, and corrects the counts on its way back up. */
  private kill(node: IndexNode, search: KeySearch | undefined, walk: Walk): boolean {
    if (node.isLeaf) return this.killInLeaf(node, search, walk);
    const first = search?.childIndex(node) ?? 0;
    for (let i = first; i < node.count; i++) {
      if (i > first && this.isBeyond(node.mins[i] as number, walk.to)) return false;
      if (node.lives[i] === 0) continue;
      const goesOn = this.kill(node.childAt(i), i === first ? search : undefined, walk);
      node.refresh(i);
      if (!goesOn) return false;
    }
    return true;
  }

  private killInLeaf(leaf: LeafNode, search: KeySearch | undefined, walk: Walk): boolean {
    const end = this.leafEnd(leaf, walk.to);
    for (let i = search?.lowerBound(leaf) ?? 0; i < end; i++) {
      const entry = leaf.entries[i] as number;
      if (!isLiveEntry(entry)) continue;
      const handle = handleOf(entry);
      leaf.entries[i] = leafEntry(handle, false);
      leaf.live--;
      if (!walk.visitor(handle, true)) return false;
    }
    return end === leaf.count;
  }

  private leafEnd(leaf: LeafNode, to: Bytes | undefined): number {
    return to === undefined ? leaf.count : this.search(to).lowerBound(leaf);
  }

  private isBeyond(handle: KeyHandle, to: Bytes | undefined): boolean {
    return to !== undefined && this.arena.compare(handle, to) >= 0;
  }
}

/** What a walk needs besides the subtree and its start; a start of undefined lies before the subtree. */
interface Walk {
  readonly to: Bytes | undefined;
  readonly liveOnly: boolean;
  readonly visitor: KeyVisitor;
}

/** Seven eighths: the next keys do not split every node they come to. */
const leafEntriesBuilt = (leafEntriesMax * 7) / 8;
const innerEntriesBuilt = (innerEntriesMax * 7) / 8;

function parentsOf(nodes: readonly IndexNode[]): IndexNode[] {
  const parents: InnerNode[] = [];
  for (let at = 0; at < nodes.length; at += innerEntriesBuilt) {
    const parent = new InnerNode();
    for (const node of nodes.slice(at, at + innerEntriesBuilt)) parent.insertAt(parent.count, node);
    parents.push(parent);
  }
  return parents;
}

function countLeaves(node: IndexNode): number {
  if (node.isLeaf) return 1;
  return node.children.reduce((sum, child) => sum + countLeaves(child), 0);
}

/** Half and half; but keys that come in ascending order leave full nodes behind them. */
function splitPoint(node: IndexNode, insertAt: number): number {
  return insertAt === node.count ? insertAt : node.count >>> 1;
}

/** Joins the children `at` and `at + 1` when they fit into one with room to spare. */
function maybeJoin(node: InnerNode, at: number): boolean {
  if (at < 0 || at + 1 >= node.count) return false;
  const left = node.childAt(at);
  const right = node.childAt(at + 1);
  if (left.count + right.count > (left.max * 3) / 4) return false;
  if (left.isLeaf && right.isLeaf) left.absorb(right);
  else if (!left.isLeaf && !right.isLeaf) left.absorb(right);
  node.removeAt(at + 1);
  node.refresh(at);
  return true;
}
