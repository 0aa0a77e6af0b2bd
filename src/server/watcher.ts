import type { WatchEvent } from '../mvcc/watch-event.ts';
import type { WatchedKeys } from '../mvcc/watch-groups.ts';
import type { WatchEvents } from '../wire/watch-events.ts';
import type { WatchQueue } from './watch-queue.ts';

/**
 * One watch. `synced`: it was told of everything, and is told of each change as it is applied. `unsynced`: it is to be
 * told of what the store has from `nextRevision` on. `over`: it was cancelled.
 */
export interface Watcher {
  readonly id: bigint;
  readonly queue: WatchQueue;
  readonly keys: WatchedKeys;
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  state: 'synced' | 'unsynced' | 'over';
  /** Told of everything below; and nothing below concerns it. */
  nextRevision: number;
  /** What the next response will hold; whole revisions, save while one is being gathered. */
  events: WatchEvents | undefined;
  /** The revision of the last of them. */
  lastRevision: number;
  /** The pass of the catch-up under way serves it. */
  isInPass: boolean;
  /** Its key has too many versions or watches: it is served as watches of ranges are. */
  needsPass: boolean;
  /** The next tick may tell of its progress: nothing was told since the last. */
  isProgressDue: boolean;
}

export function isFiltered(watcher: Watcher, event: WatchEvent): boolean {
  return event.isDelete ? watcher.noDelete : watcher.noPut;
}

/** Adds an event to the next response; answers how many bytes that adds. */
export function gather(watcher: Watcher, event: WatchEvent): number {
  const { events, prevKv } = watcher;
  watcher.lastRevision = event.modRevision;
  watcher.events = events?.with(event.encoded(prevKv)) ?? event.alone(prevKv);
  return watcher.events.totalBytes - (events?.totalBytes ?? 0);
}

/** Empties the next response; answers what was in it. */
export function takeGathered(watcher: Watcher): WatchEvents | undefined {
  const { events } = watcher;
  watcher.events = undefined;
  watcher.lastRevision = 0;
  return events;
}
