import type { WatcherId } from '../mvcc/types.ts';
import type { WatcherTable } from './watcher-table.ts';

/** Room for so many at first. */
const firstRoom = 4;

/** The watchers of one stream in the order of their ids: 4 to 8 bytes each, and an id is found by bisection. */
export class WatchIds {
  private readonly table: WatcherTable;
  private watchers = new Uint32Array(0);
  private count = 0;

  constructor(table: WatcherTable) {
    this.table = table;
  }

  get size(): number {
    return this.count;
  }

  at(index: number): WatcherId {
    return this.watchers[index] as WatcherId;
  }

  /** 0 when the stream has no watch of that id. */
  find(id: bigint): WatcherId {
    const at = this.indexOf(id);
    return at < this.count && this.table.idOf(this.at(at)) === id ? this.at(at) : 0;
  }

  has(id: bigint): boolean {
    return this.find(id) !== 0;
  }

  /** Its id is not there yet. */
  add(watcher: WatcherId): void {
    const at = this.indexOf(this.table.idOf(watcher));
    if (this.count === this.watchers.length) {
      const larger = new Uint32Array(Math.max(firstRoom, 2 * this.count));
      larger.set(this.watchers);
      this.watchers = larger;
    }
    this.watchers.copyWithin(at + 1, at, this.count);
    this.watchers[at] = watcher;
    this.count++;
  }

  remove(id: bigint): void {
    const at = this.indexOf(id);
    this.watchers.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  /** Takes the last one out; 0 when there is none. */
  pop(): WatcherId {
    return this.count === 0 ? 0 : this.at(--this.count);
  }

  /** Of the first watcher whose id is not below `id`. */
  private indexOf(id: bigint): number {
    const { table } = this;
    // Most ids are given out by counting up.
    if (this.count === 0 || table.idOf(this.at(this.count - 1)) < id) return this.count;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.idOf(this.at(middle)) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
