import type { Timer } from '../base/clock.ts';
import { isEmptyRange } from '../mvcc/key-range.ts';
import type { KeyRange, WatcherId } from '../mvcc/types.ts';
import type { WatchRefusal, WatchSpec, Watches } from './types.ts';
import { WatchIds } from './watch-ids.ts';
import type { WatchQueue } from './watch-queue.ts';
import { is, type WatcherTable } from './watcher-table.ts';

/** What a stream needs of the hub that it belongs to. */
export interface WatchStreamParts {
  readonly table: WatcherTable;
  readonly revision: () => number;
  readonly begin: (watcher: WatcherId, range: KeyRange) => void;
  /** Ends a watch that may be over already; it is not used any more. */
  readonly end: (watcher: WatcherId) => void;
  /** Queues what is only gathered yet: progress is never told ahead of it. */
  readonly settle: () => void;
  /** The stream is no more; these were its watches, which are to be ended. */
  readonly onClosed: (watchers: WatchIds) => void;
  readonly every: (callback: () => void) => Timer;
}

/** The watches of one client stream: their ids, and what is told of their progress. */
export class WatchStream implements Watches {
  private readonly queue: WatchQueue;
  private readonly parts: WatchStreamParts;
  /**
   * One that fell behind a compaction keeps its id until the client cancels it, as in etcd, whose clients do that.
   */
  private watchers: WatchIds;
  private nextId = 0n;
  private ticker: Timer | undefined;
  private isClosed = false;
  private knownLastStart: number | undefined = 0;

  constructor(queue: WatchQueue, parts: WatchStreamParts) {
    this.queue = queue;
    this.parts = parts;
    this.watchers = new WatchIds(parts.table);
  }

  get size(): number {
    return this.watchers.size;
  }

  /** Events that its client was not told of yet, of those that are in memory. */
  get pendingEvents(): number {
    return this.queue.pendingEvents;
  }

  create(spec: WatchSpec): WatchRefusal | undefined {
    if (this.isClosed || isEmptyRange(spec.range)) return 'emptyRange';
    if (spec.id !== undefined && this.watchers.has(spec.id)) return 'duplicateId';
    const revision = this.parts.revision();
    const { table } = this.parts;
    const { startRevision } = spec;
    const watchId = spec.id ?? this.freeId();
    const watcher = table.add(spec, watchId, this.queue);
    if (startRevision !== 0 && startRevision <= revision) table.setState(watcher, 'unsynced');
    else table.setNextRevision(watcher, Math.max(startRevision, revision + 1));
    this.watchers.add(watcher);
    if (this.knownLastStart !== undefined) {
      this.knownLastStart = Math.max(this.knownLastStart, startRevision);
    }
    this.queue.add({ type: 'created', watchId, revision });
    this.parts.begin(watcher, spec.range);
    if (spec.progressNotify) this.ticker ??= this.parts.every(() => this.tick());
    return undefined;
  }

  refuse(reason: string): void {
    this.queue.add({ type: 'refused', watchId: -1n, revision: this.parts.revision(), reason });
  }

  cancel(id: bigint): boolean {
    const watcher = this.watchers.find(id);
    if (watcher === 0) return false;
    const startRevision = this.parts.table.startRevisionOf(watcher);
    if (startRevision === this.knownLastStart) this.knownLastStart = undefined;
    this.watchers.remove(id);
    this.parts.end(watcher);
    const revision = this.parts.revision();
    this.queue.add({ type: 'canceled', watchId: id, revision, compactRevision: 0 });
    return true;
  }

  requestProgress(): void {
    this.parts.settle();
    const revision = this.parts.revision();
    if (this.watchers.size === 0 || this.queue.syncedWatchers < this.watchers.size) return;
    if (this.lastStart() > revision) return;
    this.queue.add({ type: 'progress', watchId: -1n, revision });
  }

  resume(): void {
    this.queue.resume();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.ticker?.cancel();
    this.queue.close();
    this.parts.onClosed(this.watchers);
    this.watchers = new WatchIds(this.parts.table);
  }

  /** The latest revision that a watch waits for. Looked up anew only when the watch that did has gone. */
  private lastStart(): number {
    if (this.knownLastStart === undefined) {
      let last = 0;
      for (let i = 0; i < this.watchers.size; i++) {
        last = Math.max(last, this.parts.table.startRevisionOf(this.watchers.at(i)));
      }
      this.knownLastStart = last;
    }
    return this.knownLastStart;
  }

  /** Ids count up from 0, past those that clients chose. */
  private freeId(): bigint {
    while (this.watchers.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }

  /** A watch that was told of something since the last tick is passed over; so is a stream that does not read. */
  private tick(): void {
    if (this.queue.isStuck) return;
    this.parts.settle();
    const { table } = this.parts;
    const revision = this.parts.revision();
    for (let i = 0; i < this.watchers.size; i++) {
      const watcher = this.watchers.at(i);
      if (!table.is(watcher, is.progressNotify)) continue;
      if (table.is(watcher, is.dueForProgress) && this.hasEverything(watcher, revision)) {
        this.queue.add({ type: 'progress', watchId: table.idOf(watcher), revision });
      }
      table.set(watcher, is.dueForProgress, true);
    }
  }

  /** A watch from a revision in the future is told nothing of earlier ones, not even that there is nothing. */
  private hasEverything(watcher: WatcherId, revision: number): boolean {
    const { table } = this.parts;
    return table.stateOf(watcher) === 'synced' && table.startRevisionOf(watcher) <= revision;
  }
}
