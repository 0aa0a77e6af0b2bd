import { assert, mustGet } from '../base/assert.ts';

/**
 * Half-open intervals of text, each with what belongs to it: an AVL tree by start, then end, in which every node
 * knows the largest end below it (Cormen et al., "Introduction to Algorithms", section 14.3). Which intervals hold
 * a point is found in O(log n + k log n) for k of them, and in O(log n) where none does.
 */
export class IntervalTree<T> {
  private root: Node<T> | undefined;

  add(interval: Interval, item: T): void {
    this.root = added(this.root, interval, item);
  }

  /** The item must be there. */
  remove(interval: Interval, item: T): void {
    this.root = removed(this.root, interval, item);
  }

  /** Appends the items of all intervals that hold `point`; answers how many nodes that took looking at. */
  stab(point: string, found: T[]): number {
    return this.root === undefined ? 0 : stabbed(this.root, point, found);
  }
}

/** `from <= point < to`; without `to` there is no end. */
export interface Interval {
  readonly from: string;
  readonly to: string | undefined;
}

interface Node<T> {
  interval: Interval;
  items: Set<T>;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  height: number;
  /** The largest `to` of the subtree. */
  maxTo: string | undefined;
}

function stabbed<T>(node: Node<T>, point: string, found: T[]): number {
  if (node.maxTo !== undefined && node.maxTo <= point) return 1;
  let looked = 1;
  if (node.left !== undefined) looked += stabbed(node.left, point, found);
  const { from, to } = node.interval;
  if (from > point) return looked;
  if (to === undefined || to > point) for (const item of node.items) found.push(item);
  if (node.right !== undefined) looked += stabbed(node.right, point, found);
  return looked;
}

function added<T>(node: Node<T> | undefined, interval: Interval, item: T): Node<T> {
  if (node === undefined) {
    const items = new Set([item]);
    return { interval, items, left: undefined, right: undefined, height: 1, maxTo: interval.to };
  }
  const order = compareIntervals(interval, node.interval);
  if (order === 0) {
    node.items.add(item);
    return node;
  }
  if (order < 0) node.left = added(node.left, interval, item);
  else node.right = added(node.right, interval, item);
  return balanced(node);
}

function removed<T>(node: Node<T> | undefined, interval: Interval, item: T): Node<T> | undefined {
  const found = mustGet(node, 'an interval to remove is not in the tree');
  const order = compareIntervals(interval, found.interval);
  if (order < 0) found.left = removed(found.left, interval, item);
  else if (order > 0) found.right = removed(found.right, interval, item);
  else {
    assert(found.items.delete(item), 'an item to remove is not at its interval');
    if (found.items.size > 0) return found;
    if (found.left === undefined) return found.right;
    if (found.right === undefined) return found.left;
    const next = leftmost(found.right);
    found.right = withoutLeftmost(found.right);
    found.interval = next.interval;
    found.items = next.items;
  }
  return balanced(found);
}

function leftmost<T>(node: Node<T>): Node<T> {
  let least = node;
  while (least.left !== undefined) least = least.left;
  return least;
}

function withoutLeftmost<T>(node: Node<T>): Node<T> | undefined {
  if (node.left === undefined) return node.right;
  node.left = withoutLeftmost(node.left);
  return balanced(node);
}

/** The subtree in balance again, after a change by one level below its root. */
function balanced<T>(node: Node<T>): Node<T> {
  refresh(node);
  const lean = heightOf(node.left) - heightOf(node.right);
  if (lean > 1 && node.left !== undefined) {
    const { left } = node;
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotatedLeft(left);
    return rotatedRight(node);
  }
  if (lean < -1 && node.right !== undefined) {
    const { right } = node;
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotatedRight(right);
    return rotatedLeft(node);
  }
  return node;
}

function rotatedLeft<T>(node: Node<T>): Node<T> {
  const top = mustGet(node.right, 'nothing to rotate up');
  node.right = top.left;
  top.left = node;
  refresh(node);
  refresh(top);
  return top;
}

function rotatedRight<T>(node: Node<T>): Node<T> {
  const top = mustGet(node.left, 'nothing to rotate up');
  node.left = top.right;
  top.right = node;
  refresh(node);
  refresh(top);
  return top;
}

function refresh<T>(node: Node<T>): void {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let { to } = node.interval;
  if (left !== undefined) to = laterEnd(to, left.maxTo);
  if (right !== undefined) to = laterEnd(to, right.maxTo);
  node.maxTo = to;
}

function heightOf(node: Node<unknown> | undefined): number {
  return node === undefined ? 0 : node.height;
}

function laterEnd(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a < b ? b : a;
}

function compareIntervals(a: Interval, b: Interval): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to === b.to) return 0;
  if (a.to === undefined) return 1;
  if (b.to === undefined) return -1;
  return a.to < b.to ? -1 : 1;
}
