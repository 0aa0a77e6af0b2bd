import { assert, mustGet } from '../base/assert.ts';

interface Deadline {
  readonly id: bigint;
  /** Milliseconds of the caller's clock. */
  dueMs: number;
  /** By which it stands in the heap: its moment, or an earlier one where that was put off since. */
  heapMs: number;
  /** Where it stands in the heap. */
  position: number;
}

/**
 * At most one moment for each id, the earliest at hand: a binary heap in which each knows its place. Most are put off
 * again and again before their time comes: they stay where they are in the heap until they are its first.
 */
export class Deadlines {
  private readonly byId = new Map<bigint, Deadline>();
  private readonly heap: Deadline[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** The earliest of all moments. */
  get firstMs(): number | undefined {
    return this.first()?.dueMs;
  }

  get(id: bigint): number | undefined {
    return this.byId.get(id)?.dueMs;
  }

  set(id: bigint, dueMs: number): void {
    assert(Number.isFinite(dueMs), `the deadline of ${id} is ${dueMs}`);
    const known = this.byId.get(id);
    if (known === undefined) {
      const added = { id, dueMs, heapMs: dueMs, position: this.heap.length };
      this.byId.set(id, added);
      this.heap.push(added);
      this.rise(added);
      return;
    }
    known.dueMs = dueMs;
    if (dueMs >= known.heapMs) return;
    known.heapMs = dueMs;
    this.rise(known);
  }

  delete(id: bigint): void {
    if (this.heap.length === 0) return;
    const gone = this.byId.get(id);
    if (gone === undefined) return;
    this.byId.delete(id);
    const last = mustGet(this.heap.pop(), 'a deadline stands in no heap');
    if (last === gone) return;
    this.place(last, gone.position);
    this.rise(last);
    this.sink(last);
  }

  /** Takes out the earliest and answers its id, if its moment has come. */
  takeDue(nowMs: number): bigint | undefined {
    const first = this.first();
    if (first === undefined || first.dueMs > nowMs) return undefined;
    this.delete(first.id);
    return first.id;
  }

  /**
   * All ids as of now, the earliest first; equal ones in no particular order. Each is found only when it is asked
   * for, so that many can be listed in slices.
   */
  inOrder(): IterableIterator<bigint> {
    const { heap } = this;
    const dueMs = new Float64Array(heap.length);
    const ids: bigint[] = [];
    for (let at = 0; at < heap.length; at++) {
      const deadline = this.at(at);
      dueMs[at] = deadline.dueMs;
      ids.push(deadline.id);
    }
    // By moments as they are now it is no heap yet.
    for (let at = (heap.length >>> 1) - 1; at >= 0; at--) {
      sinkFrom({ dueMs, ids, count: heap.length }, at, dueMs[at] ?? 0, ids[at] ?? 0n);
    }
    return takeEarliest(dueMs, ids);
  }

  /** The earliest; those before it in the heap that were put off find their places. Ends, for each does so once. */
  private first(): Deadline | undefined {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.heapMs === first.dueMs) return first;
      first.heapMs = first.dueMs;
      this.sink(first);
    }
  }

  private rise(moved: Deadline): void {
    while (moved.position > 0) {
      const parent = this.at((moved.position - 1) >>> 1);
      if (parent.heapMs <= moved.heapMs) return;
      const { position } = moved;
      this.place(moved, parent.position);
      this.place(parent, position);
    }
  }

  private sink(moved: Deadline): void {
    for (;;) {
      const left = 2 * moved.position + 1;
      if (left >= this.heap.length) return;
      let least = this.at(left);
      if (left + 1 < this.heap.length) {
        const right = this.at(left + 1);
        if (right.heapMs < least.heapMs) least = right;
      }
      if (moved.heapMs <= least.heapMs) return;
      const { position } = moved;
      this.place(moved, least.position);
      this.place(least, position);
    }
  }

  private at(position: number): Deadline {
    return mustGet(this.heap[position], 'a place in the heap is empty');
  }

  private place(deadline: Deadline, position: number): void {
    deadline.position = position;
    this.heap[position] = deadline;
  }
}

/** Empties a heap of moments, beside which stand their ids. */
function* takeEarliest(dueMs: Float64Array, ids: bigint[]): IterableIterator<bigint> {
  for (let count = ids.length; count > 0; count--) {
    yield mustGet(ids[0], 'a place in the heap is empty');
    const last = count - 1;
    sinkFrom({ dueMs, ids, count: last }, 0, dueMs[last] ?? 0, ids[last] ?? 0n);
  }
}

interface Heap {
  readonly dueMs: Float64Array;
  readonly ids: bigint[];
  /** What is beyond is none of it. */
  readonly count: number;
}

/** Puts a moment in the place `start`, and lets it sink from there. */
function sinkFrom(heap: Heap, start: number, movedMs: number, movedId: bigint): void {
  const { dueMs, ids, count } = heap;
  let at = start;
  for (;;) {
    let least = 2 * at + 1;
    if (least >= count) break;
    let leastMs = dueMs[least] ?? 0;
    const rightMs = dueMs[least + 1] ?? 0;
    if (least + 1 < count && rightMs < leastMs) {
      least += 1;
      leastMs = rightMs;
    }
    if (movedMs <= leastMs) break;
    dueMs[at] = leastMs;
    ids[at] = ids[least] ?? 0n;
    at = least;
  }
  dueMs[at] = movedMs;
  ids[at] = movedId;
}
