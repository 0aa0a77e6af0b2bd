/**
 * Moves moments apart: no second gets more than so many of them, and what does not fit goes into the next second
 * that has room. Never earlier than asked for. One pass, in any order (etcd's Lessor.Promote sorts all of them).
 */
export class Spread {
  private readonly perSecondMax: number;
  private readonly counts = new Map<number, number>();
  /** From a full second to one after it, at or before the next that has room. */
  private readonly onward = new Map<number, number>();

  constructor(perSecondMax: number) {
    this.perSecondMax = perSecondMax;
  }

  place(dueMs: number): number {
    const asked = Math.floor(dueMs / 1000);
    const second = this.nextFree(asked);
    const count = (this.counts.get(second) ?? 0) + 1;
    if (count < this.perSecondMax) this.counts.set(second, count);
    else {
      this.counts.delete(second);
      this.onward.set(second, second + 1);
    }
    if (second === asked) return dueMs;
    return second * 1000 + Math.floor(((count - 1) * 1000) / this.perSecondMax);
  }

  /** The way is shortened for the next who goes it. */
  private nextFree(from: number): number {
    let second = from;
    for (let next = this.onward.get(second); next !== undefined; next = this.onward.get(second)) {
      second = next;
    }
    for (let at = from; at !== second;) {
      const next = this.onward.get(at) ?? second;
      this.onward.set(at, second);
      at = next;
    }
    return second;
  }
}
