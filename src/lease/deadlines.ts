import { assert, mustGet } from '../base/assert.ts';

interface Deadline {
  readonly id: bigint;
  /** Milliseconds of the caller's clock. */
  dueMs: number;
  /** Where it stands in the heap. */
  position: number;
}

/** At most one moment for each id, the earliest at hand: a binary heap in which each knows its place. */
export class Deadlines {
  private readonly byId = new Map<bigint, Deadline>();
  private readonly heap: Deadline[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** The earliest of all moments. */
  get firstMs(): number | undefined {
    return this.heap[0]?.dueMs;
  }

  get(id: bigint): number | undefined {
    return this.byId.get(id)?.dueMs;
  }

  set(id: bigint, dueMs: number): void {
    assert(Number.isFinite(dueMs), `the deadline of ${id} is ${dueMs}`);
    const known = this.byId.get(id);
    if (known === undefined) {
      const added = { id, dueMs, position: this.heap.length };
      this.byId.set(id, added);
      this.heap.push(added);
      this.rise(added);
      return;
    }
    known.dueMs = dueMs;
    this.rise(known);
    this.sink(known);
  }

  delete(id: bigint): void {
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
    const first = this.heap[0];
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
    return takeEarliest(dueMs, ids);
  }

  private rise(moved: Deadline): void {
    while (moved.position > 0) {
      const parent = this.at((moved.position - 1) >>> 1);
      if (parent.dueMs <= moved.dueMs) return;
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
        if (right.dueMs < least.dueMs) least = right;
      }
      if (moved.dueMs <= least.dueMs) return;
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
    sinkLast(dueMs, ids, count - 1);
  }
}

/** Puts the last moment in the place of the first, and lets it sink among the `count` that are left. */
function sinkLast(dueMs: Float64Array, ids: bigint[], count: number): void {
  const movedMs = dueMs[count] ?? 0;
  const movedId = ids[count] ?? 0n;
  let at = 0;
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
