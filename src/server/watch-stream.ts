import type { Timer } from '../base/clock.ts';
import { isEmptyRange } from '../mvcc/key-range.ts';
import { watchedKeys } from '../mvcc/watch-groups.ts';
import type { WatchRefusal, WatchSpec, Watches } from './types.ts';
import type { WatchQueue } from './watch-queue.ts';
import type { Watcher } from './watcher.ts';

/** What a stream needs of the hub that it belongs to. */
export interface WatchStreamParts {
  readonly revision: () => number;
  readonly begin: (watcher: Watcher) => void;
  /** Ends a watch that is not over yet. */
  readonly end: (watcher: Watcher) => void;
  /** The stream is no more; these were its watches, which may be over. */
  readonly onClosed: (watchers: Iterable<Watcher>) => void;
  readonly every: (callback: () => void) => Timer;
}

/** The watches of one client stream: their ids, and what is told of their progress. */
export class WatchStream implements Watches {
  private readonly queue: WatchQueue;
  private readonly parts: WatchStreamParts;
  /**
   * One that fell behind a compaction keeps its id until the client cancels it, as in etcd, whose clients do that.
   */
  private watchers = new Map<bigint, Watcher>();
  private nextId = 0n;
  private ticker: Timer | undefined;
  private isClosed = false;
  private knownLastStart: number | undefined = 0;

  constructor(queue: WatchQueue, parts: WatchStreamParts) {
    this.queue = queue;
    this.parts = parts;
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
    const watcher = newWatcher(spec, spec.id ?? this.freeId(), this.queue);
    const { id: watchId, startRevision } = watcher;
    if (startRevision !== 0 && startRevision <= revision) watcher.state = 'unsynced';
    else watcher.nextRevision = Math.max(startRevision, revision + 1);
    this.watchers.set(watchId, watcher);
    if (this.knownLastStart !== undefined) {
      this.knownLastStart = Math.max(this.knownLastStart, startRevision);
    }
    this.queue.add({ type: 'created', watchId, revision });
    this.parts.begin(watcher);
    if (spec.progressNotify) this.ticker ??= this.parts.every(() => this.tick());
    return undefined;
  }

  refuse(reason: string): void {
    this.queue.add({ type: 'refused', watchId: -1n, revision: this.parts.revision(), reason });
  }

  cancel(id: bigint): boolean {
    const watcher = this.watchers.get(id);
    if (watcher === undefined) return false;
    this.end(watcher);
    this.watchers.delete(id);
    if (watcher.startRevision === this.knownLastStart) this.knownLastStart = undefined;
    const revision = this.parts.revision();
    this.queue.add({ type: 'canceled', watchId: id, revision, compactRevision: 0 });
    return true;
  }

  requestProgress(): void {
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
    this.parts.onClosed(this.watchers.values());
    this.watchers = new Map();
  }

  /** The latest revision that a watch waits for. Looked up anew only when the watch that did has gone. */
  private lastStart(): number {
    if (this.knownLastStart === undefined) {
      let last = 0;
      for (const { startRevision } of this.watchers.values()) last = Math.max(last, startRevision);
      this.knownLastStart = last;
    }
    return this.knownLastStart;
  }

  private end(watcher: Watcher): void {
    if (watcher.state !== 'over') this.parts.end(watcher);
  }

  /** Ids count up from 0, past those that clients chose. */
  private freeId(): bigint {
    while (this.watchers.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }

  /** A watch that was told of something since the last tick is passed over; so is a stream that does not read. */
  private tick(): void {
    if (this.queue.isStuck) return;
    const revision = this.parts.revision();
    for (const watcher of this.watchers.values()) {
      if (!watcher.progressNotify) continue;
      if (watcher.isProgressDue && hasEverything(watcher, revision)) {
        this.queue.add({ type: 'progress', watchId: watcher.id, revision });
      }
      watcher.isProgressDue = true;
    }
  }
}

/** A watch from a revision in the future is told nothing of earlier ones, not even that there is nothing. */
function hasEverything({ state, startRevision }: Watcher, revision: number): boolean {
  return state === 'synced' && startRevision <= revision;
}

function newWatcher(spec: WatchSpec, id: bigint, queue: WatchQueue): Watcher {
  const { startRevision, prevKv, noPut, noDelete, fragment, progressNotify } = spec;
  return {
    id,
    queue,
    keys: watchedKeys(spec.range),
    startRevision,
    prevKv,
    noPut,
    noDelete,
    fragment,
    progressNotify,
    state: 'synced',
    nextRevision: startRevision,
    events: undefined,
    lastRevision: 0,
    isInPass: false,
    needsPass: false,
    isProgressDue: true,
  };
}
