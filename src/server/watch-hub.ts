import { readUint64 } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { MvccStore } from '../mvcc/store.ts';
import type { PutRow, WatcherId } from '../mvcc/types.ts';
import { keyOfRow, WatchEvent } from '../mvcc/watch-event.ts';
import type { ResponseHeader } from '../wire/header.ts';
import { SlicedWork } from './sliced-work.ts';
import type { Slicer } from './slicer.ts';
import type { MemberParts } from './member-parts.ts';
import type { WatchReceiver, Watches } from './types.ts';
import { WatchCatchUp } from './watch-catch-up.ts';
import type { WatchIds } from './watch-ids.ts';
import { watchMetrics, type WatchMetrics } from './watch-metrics.ts';
import { WatchQueue } from './watch-queue.ts';
import { WatchResponses } from './watch-responses.ts';
import { WatcherSets } from './watch-sets.ts';
import { WatchStream } from './watch-stream.ts';

/**
 * The watches of a member, served from its applied state. What is applied is gathered for those who watch it, and what
 * one turn has gathered for a watch is told as one response when the turn ends: a response costs more than an event.
 * Who cannot be told is brought up to date from the store (watch-catch-up.ts).
 */
export interface WatchHubParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly slicer: Slicer;
  /** For what reads the store: it is held while that is half changed. */
  readonly readSlicer: Slicer;
  readonly store: MvccStore;
  readonly metrics: WatchMetrics;
  readonly headerAt: (revision: number) => ResponseHeader;
  readonly progressIntervalMs: number;
  /** A larger response is sent in parts, where the watch allows that. */
  readonly fragmentBytes: number;
}

/** What one stream may hold of events that its client has not taken. */
export const queueBytesMax = 1024 * 1024;
/** Outputs of one stream told before it is another's turn: one write to its socket, where nothing else waits. */
const outputsPerStep = 128;
/** Watches whose next response is queued in one step. */
const responsesPerStep = 256;
/** No response grows further than that, save by the rest of a revision. */
const gatheredBytesMax = 256 * 1024;
const gatheredEventsMax = 1000;
/** Watches of closed streams ended in one step: each takes up to a microsecond. */
const endsPerStep = 128;

export class WatchHub {
  private readonly parts: WatchHubParts;
  private readonly sets = new WatcherSets();
  private readonly responses: WatchResponses;
  private readonly catchUp: WatchCatchUp;
  private readonly telling: SlicedWork;
  private readonly catchingUp: SlicedWork;
  private readonly ending: SlicedWork;
  private readonly streams = new Set<WatchStream>();
  /**
   * Of streams that are closed, the watches that are still to be ended: a client that goes away may have had a hundred
   * thousand. Nobody is told anything of them any more.
   */
  private readonly closed: WatchIds[] = [];
  /** Streams with something to tell. */
  private readonly waiting = new Set<WatchQueue>();
  private store: MvccStore;
  private isPaused = false;
  private isHalfApplied = false;
  /** Kept from change to change, so that one nobody watches makes no garbage. */
  private readonly found: WatcherId[] = [];
  /** Synced watches for which something is gathered; a few for which that was queued since, or that are no more. */
  private readonly gathered: WatcherId[] = [];
  /** Streams told before the next responses are made; with none that wait it does not count. */
  private tellsLeft = 0;

  constructor(parts: WatchHubParts) {
    const { scheduler, slicer, readSlicer, store, metrics } = parts;
    this.parts = parts;
    this.store = store;
    this.responses = new WatchResponses(this.sets.table, parts.headerAt, parts.fragmentBytes);
    this.catchUp = new WatchCatchUp(store, this.sets, this.responses);
    this.telling = new SlicedWork(scheduler, slicer, () => this.tellStep());
    this.catchingUp = new SlicedWork(
      scheduler,
      readSlicer,
      () => this.isPaused || this.catchUp.step(),
    );
    this.ending = new SlicedWork(scheduler, slicer, () => this.endStep());
    metrics.register({
      streams: () => this.streams.size,
      watchers: () => this.sum((stream) => stream.size),
      slowWatchers: () => this.sets.unsynced.size,
      pendingEvents: () => this.sum((stream) => stream.pendingEvents),
    });
  }

  open(receiver: WatchReceiver): Watches {
    const queue = new WatchQueue(receiver, queueBytesMax, {
      onWaiting: (waiting) => {
        this.waiting.add(waiting);
        this.telling.wake();
      },
      onTold: (eventCount) => this.parts.metrics.events.add(eventCount),
    });
    const stream = new WatchStream(queue, {
      table: this.sets.table,
      revision: () => this.store.revision,
      begin: (watcher, range) => {
        this.sets.add(watcher, range);
        this.maybeDefer(watcher);
        if (this.sets.table.stateOf(watcher) === 'unsynced') this.catchingUp.wake();
      },
      end: (watcher) => this.end(watcher),
      settle: () => this.settle(),
      onClosed: (watchers) => {
        this.streams.delete(stream);
        this.waiting.delete(queue);
        this.closed.push(watchers);
        this.ending.wake();
      },
      every: (callback) => this.everyInterval(callback),
    });
    this.streams.add(stream);
    return stream;
  }

  /**
   * New rows, as they were applied: whole revisions in their order. Those of an entry that is half applied are not
   * kept for anyone: who watches them is brought up to date from the store, when it is whole.
   */
  changed(rows: readonly PutRow[]): void {
    if (this.sets.synced.size === 0) return;
    if (this.isHalfApplied) {
      for (const row of rows) this.defer(row);
      return;
    }
    for (const row of rows) this.match(row, readUint64(row.key, 0));
  }

  /** An entry is being applied in steps, or whole now. */
  setHalfApplied(isHalf: boolean): void {
    this.isHalfApplied = isHalf;
    if (!isHalf) this.catchingUp.wake();
  }

  /** The rows of the store are about to be replaced: nothing can be read until `replaceStore`. */
  pause(): void {
    this.isPaused = true;
  }

  /**
   * A received snapshot has taken the place of the store. Every watch goes on from the revision it has come to; one
   * that waits for a later revision still does, and is told nothing earlier (etcd issue 20221).
   */
  replaceStore(store: MvccStore): void {
    const told = this.store.revision;
    this.settle();
    this.catchUp.replaceStore(store);
    this.store = store;
    this.sets.table.visit('synced', (watcher) => {
      const next = Math.max(this.sets.table.nextRevisionOf(watcher), told + 1);
      if (next <= store.revision) this.sets.fallBehind(watcher, next);
    });
    this.isPaused = false;
    this.catchingUp.wake();
  }

  private defer(row: PutRow): void {
    const { found } = this;
    found.length = 0;
    this.sets.synced.collect(keyOfRow(row.value), found);
    if (found.length === 0) return;
    const revision = readUint64(row.key, 0);
    for (const watcher of found) {
      if (revision < this.sets.table.nextRevisionOf(watcher)) continue;
      this.respond(watcher);
      this.sets.fallBehind(watcher, revision);
    }
  }

  /** Rows of the entry that is half applied are gone by when the watch was made. */
  private maybeDefer(watcher: WatcherId): void {
    const { table } = this.sets;
    const next = this.store.revision + 1;
    if (!this.isHalfApplied || table.stateOf(watcher) !== 'synced') return;
    if (table.nextRevisionOf(watcher) <= next) this.sets.fallBehind(watcher, next);
  }

  private match(row: PutRow, revision: number): void {
    const { found } = this;
    const { table } = this.sets;
    found.length = 0;
    const key = keyOfRow(row.value);
    this.sets.synced.collect(key, found);
    if (found.length === 0) return;
    const event = WatchEvent.ofRow(this.store, key, row);
    for (const watcher of found) {
      if (!table.wants(watcher, event)) continue;
      const isNext = table.lastRevisionOf(watcher) !== revision;
      if (isNext && !this.mayGather(watcher, revision)) continue;
      table.queueOf(watcher).reserve(table.gather(watcher, event));
    }
  }

  /** Whether a watch can be told of one more revision; one that cannot falls behind. */
  private mayGather(watcher: WatcherId, revision: number): boolean {
    const { table } = this.sets;
    const queue = table.queueOf(watcher);
    if (!queue.hasRoom) {
      this.respond(watcher);
      this.sets.fallBehind(watcher, revision);
      return false;
    }
    const isFull =
      table.gatheredBytes(watcher) >= gatheredBytesMax ||
      table.gatheredEvents(watcher) >= gatheredEventsMax;
    if (isFull) this.respond(watcher);
    if (!table.isGathering(watcher)) {
      this.gathered.push(watcher);
      this.telling.wake();
    }
    return true;
  }

  /** Queues what was gathered for a synced watch: whole revisions. */
  private respond(watcher: WatcherId): void {
    const { table } = this.sets;
    const revision = table.lastRevisionOf(watcher);
    if (revision === 0) return;
    table.queueOf(watcher).reserve(-table.gatheredBytes(watcher));
    this.responses.add(watcher, revision);
    table.setNextRevision(watcher, revision + 1);
  }

  /** Queues what was gathered for the first of the watches, between two entries. */
  private respondTo(watchersMax: number): void {
    for (const watcher of this.gathered.splice(0, watchersMax)) {
      if (this.sets.table.isSynced(watcher)) this.respond(watcher);
    }
  }

  /** Nothing is only gathered any more. */
  private settle(): void {
    this.respondTo(this.gathered.length);
  }

  /** One that fell behind a compaction is over already, but its stream knew it. */
  private end(watcher: WatcherId): void {
    const { table } = this.sets;
    if (table.isSynced(watcher)) this.respond(watcher);
    if (table.stateOf(watcher) !== 'over') this.sets.remove(watcher);
    table.release(watcher);
  }

  /**
   * Tells one stream a little; true when there is nothing to tell. Responses are made when those before were told: the
   * more there is to tell, the more events are in each.
   */
  private tellStep(): boolean {
    const [queue] = this.waiting;
    if (this.gathered.length > 0 && (queue === undefined || this.tellsLeft === 0)) {
      this.respondTo(responsesPerStep);
      this.tellsLeft = this.waiting.size;
      return false;
    }
    if (queue === undefined) return true;
    this.tellsLeft = Math.max(0, this.tellsLeft - 1);
    this.waiting.delete(queue);
    if (queue.tell(outputsPerStep)) this.waiting.add(queue);
    if (queue.isReady && this.sets.isBehind(queue)) this.catchingUp.wake();
    return false;
  }

  /** Ends a few watches of a closed stream; true when there are none. */
  private endStep(): boolean {
    const watchers = this.closed.at(-1);
    if (watchers === undefined) return true;
    for (let ended = 0; ended < endsPerStep; ended++) {
      const watcher = watchers.pop();
      if (watcher === 0) {
        this.closed.pop();
        break;
      }
      this.end(watcher);
    }
    return false;
  }

  /** As etcd, with up to a tenth of jitter, so that streams opened together do not tell together. */
  private everyInterval(callback: () => void): Timer {
    const { scheduler, random, progressIntervalMs } = this.parts;
    const jitterMs = random.below(Math.max(1, Math.floor(progressIntervalMs / 10)));
    let timer: Timer;
    const arm = (): void => {
      timer = scheduler.after(progressIntervalMs + jitterMs, () => {
        arm();
        callback();
      });
    };
    arm();
    return { cancel: () => timer.cancel() };
  }

  private sum(of: (stream: WatchStream) => number): number {
    let sum = 0;
    for (const stream of this.streams) sum += of(stream);
    return sum;
  }
}

/** What of a member its watches depend on while they are served. */
export interface WatchedMember {
  readonly state: { readonly revisions: MvccStore };
  readonly raft: { readonly term: number };
}

/** etcd's allowance for what a message adds to a request (server/config, grpcOverheadBytes). */
const overheadBytes = 512 * 1024;

export function openWatchHub(
  { dataDir, settings, host }: MemberParts,
  { slicer, readSlicer }: { readonly slicer: Slicer; readonly readSlicer: Slicer },
  member: WatchedMember,
): WatchHub {
  const { memberId, clusterId } = dataDir.identity;
  return new WatchHub({
    scheduler: host.scheduler,
    random: host.random,
    slicer,
    readSlicer,
    store: member.state.revisions,
    metrics: watchMetrics(host.metrics),
    headerAt: (revision) => ({ clusterId, memberId, revision, raftTerm: member.raft.term }),
    progressIntervalMs: settings.watchProgressIntervalMs,
    fragmentBytes: settings.maxRequestBytes + overheadBytes,
  });
}
