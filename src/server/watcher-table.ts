import { assert, mustGet } from '../base/assert.ts';
import { Records } from '../base/records.ts';
import type { WatchEvent } from '../mvcc/watch-event.ts';
import type { WatcherId } from '../mvcc/types.ts';
import type { WatchEvents } from '../wire/watch-events.ts';
import type { WatchSpec } from './types.ts';
import type { WatchQueue } from './watch-queue.ts';

/**
 * `synced`: it was told of everything, and is told of each change as it is applied. `unsynced`: it is to be told of
 * what the store has from `nextRevision` on. `over`: it was cancelled.
 */
export type WatcherState = 'synced' | 'unsynced' | 'over';

/** What is true of a watcher or not: bits of its record. */
export const is = {
  prevKv: 1 << 2,
  noPut: 1 << 3,
  noDelete: 1 << 4,
  fragment: 1 << 5,
  progressNotify: 1 << 6,
  /** The pass of the catch-up under way serves it. */
  inPass: 1 << 7,
  /** Its key has too many versions or watches: it is served as watches of ranges are. */
  inNeedOfPass: 1 << 8,
  /** The next tick may tell of its progress: nothing was told since the last. */
  dueForProgress: 1 << 9,
  /** Nobody but the catch-up knows it any more. */
  released: 1 << 10,
} as const;

/** The lowest bits: 0 where there is no watcher. */
const stateBits = 0b11;
const states: readonly (WatcherState | undefined)[] = [undefined, 'synced', 'unsynced', 'over'];
const stateNumbers: Readonly<Record<WatcherState, number>> = { synced: 1, unsynced: 2, over: 3 };

const recordFloats = 5;
/** Where what is gathered for it lies, 0 for nowhere; in a free record the next free one. */
const gatheringWord = 0;
const flagsWord = 1;
const queueWord = 2;
const idLowWord = 3;
const idHighWord = 4;
const startRevisionFloat = 3;
const nextRevisionFloat = 4;

/**
 * All watches of a member as numbers in large arrays: 40 bytes each, beside what is known of their keys
 * (watch-groups.ts). What idle watches cost in memory and to the garbage collector is that.
 */
export class WatcherTable {
  private readonly records = new Records(recordFloats);
  private nextWatcher: WatcherId = 1;
  private firstFree: WatcherId = 0;
  /** Queues of streams with watches here, by the number in the queue word; and how many watches each has. */
  private readonly queues: (WatchQueue | undefined)[] = [undefined];
  private readonly queueNumbers = new Map<WatchQueue, number>();
  private readonly queueWatchers: number[] = [0];
  private readonly freeQueues: number[] = [];
  /** What the next response of a watch will hold, by the number in the gathering word. */
  private readonly gatherings: (WatchEvents | undefined)[] = [undefined];
  /** The revision of the last event of each. */
  private readonly lastRevisions: number[] = [0];
  private readonly freeGatherings: number[] = [];

  add(spec: WatchSpec, id: bigint, queue: WatchQueue): WatcherId {
    const { records } = this;
    const watcher = this.reserve();
    records.setWord(watcher, gatheringWord, 0);
    records.setWord(watcher, flagsWord, flagsOf(spec));
    records.setWord(watcher, queueWord, this.numberOf(queue));
    records.setWord(watcher, idLowWord, Number(BigInt.asUintN(32, id)));
    records.setWord(watcher, idHighWord, Number(BigInt.asUintN(32, id >> 32n)));
    records.setFloat(watcher, startRevisionFloat, spec.startRevision);
    records.setFloat(watcher, nextRevisionFloat, spec.startRevision);
    return watcher;
  }

  /** The watch is over and its stream does not know it any more: its number is used again, once nobody holds it. */
  release(watcher: WatcherId): void {
    assert(this.stateOf(watcher) === 'over', 'a watch to release is not over');
    this.set(watcher, is.released, true);
    this.maybeFree(watcher);
  }

  /** Frees a watcher that was released, unless it is in a pass or something is gathered for it. */
  maybeFree(watcher: WatcherId): boolean {
    if (!this.is(watcher, is.released)) return false;
    if (this.is(watcher, is.inPass) || this.isGathering(watcher)) return false;
    const { records } = this;
    this.leaveQueue(records.word(watcher, queueWord));
    records.setWord(watcher, flagsWord, 0);
    records.setWord(watcher, gatheringWord, this.firstFree);
    this.firstFree = watcher;
    return true;
  }

  /** Calls `visit` with each watcher of a state. It may change their states. */
  visit(state: WatcherState, visit: (watcher: WatcherId) => void): void {
    for (let watcher = 1; watcher < this.nextWatcher; watcher++) {
      if (this.recordedState(watcher) === state) visit(watcher);
    }
  }

  idOf(watcher: WatcherId): bigint {
    const words = this.records.wordsOf(watcher);
    const at = this.records.firstWordOf(watcher);
    const low = words[at + idLowWord] as number;
    const high = words[at + idHighWord] as number;
    if (high !== 0) return (BigInt(high | 0) << 32n) | BigInt(low);
    return low < lowIds.length ? (lowIds[low] as bigint) : BigInt(low);
  }

  queueOf(watcher: WatcherId): WatchQueue {
    return this.queues[this.records.word(watcher, queueWord)] as WatchQueue;
  }

  /** False also where there is no watcher any more. */
  isSynced(watcher: WatcherId): boolean {
    return this.recordedState(watcher) === 'synced';
  }

  stateOf(watcher: WatcherId): WatcherState {
    return mustGet(this.recordedState(watcher), 'a watch that is no more was asked for');
  }

  setState(watcher: WatcherId, state: WatcherState): void {
    const { records } = this;
    const others = records.word(watcher, flagsWord) & ~stateBits;
    records.setWord(watcher, flagsWord, others | stateNumbers[state]);
  }

  is(watcher: WatcherId, flag: number): boolean {
    return (this.records.word(watcher, flagsWord) & flag) !== 0;
  }

  set(watcher: WatcherId, flag: number, isSo: boolean): void {
    const flags = this.records.word(watcher, flagsWord);
    this.records.setWord(watcher, flagsWord, isSo ? flags | flag : flags & ~flag);
  }

  /** What the client asked for; 0 is from now on. */
  startRevisionOf(watcher: WatcherId): number {
    return this.records.float(watcher, startRevisionFloat);
  }

  /** It was told of everything below; and nothing below concerns it. */
  nextRevisionOf(watcher: WatcherId): number {
    return this.records.float(watcher, nextRevisionFloat);
  }

  setNextRevision(watcher: WatcherId, revision: number): void {
    this.records.setFloat(watcher, nextRevisionFloat, revision);
  }

  /** Whether an event of the revision is news for the watch, and not of the kind that it leaves out. */
  wants(watcher: WatcherId, { modRevision, isDelete }: WatchEvent): boolean {
    if (modRevision < this.nextRevisionOf(watcher)) return false;
    return !this.is(watcher, isDelete ? is.noDelete : is.noPut);
  }

  /** Whether the next response holds something; whole revisions, save while one is being gathered. */
  isGathering(watcher: WatcherId): boolean {
    return this.records.word(watcher, gatheringWord) !== 0;
  }

  /** The revision of the last event of the next response; 0 where that is empty. */
  lastRevisionOf(watcher: WatcherId): number {
    return this.lastRevisions[this.records.word(watcher, gatheringWord)] as number;
  }

  /** Bytes of the next response, in memory. */
  gatheredBytes(watcher: WatcherId): number {
    return this.gatherings[this.records.word(watcher, gatheringWord)]?.totalBytes ?? 0;
  }

  gatheredEvents(watcher: WatcherId): number {
    return this.gatherings[this.records.word(watcher, gatheringWord)]?.length ?? 0;
  }

  /** Adds an event to the next response; answers how many bytes that adds. */
  gather(watcher: WatcherId, event: WatchEvent): number {
    const words = this.records.wordsOf(watcher);
    const place = this.records.firstWordOf(watcher);
    const hasPrevKv = ((words[place + flagsWord] as number) & is.prevKv) !== 0;
    const known = words[place + gatheringWord] as number;
    const at = known === 0 ? (this.freeGatherings.pop() ?? this.gatherings.length) : known;
    const before = known === 0 ? undefined : this.gatherings[at];
    const events = event.behind(before, hasPrevKv);
    words[place + gatheringWord] = at;
    this.gatherings[at] = events;
    this.lastRevisions[at] = event.modRevision;
    return events.totalBytes - (before?.totalBytes ?? 0);
  }

  /** Empties the next response; answers what was in it. */
  takeGathered(watcher: WatcherId): WatchEvents | undefined {
    const words = this.records.wordsOf(watcher);
    const place = this.records.firstWordOf(watcher) + gatheringWord;
    const at = words[place] as number;
    if (at === 0) return undefined;
    const events = this.gatherings[at];
    this.gatherings[at] = undefined;
    this.freeGatherings.push(at);
    words[place] = 0;
    return events;
  }

  private recordedState(watcher: WatcherId): WatcherState | undefined {
    return states[this.records.word(watcher, flagsWord) & stateBits];
  }

  private reserve(): WatcherId {
    const free = this.firstFree;
    if (free !== 0) {
      this.firstFree = this.records.word(free, gatheringWord);
      return free;
    }
    this.records.reserve(this.nextWatcher);
    return this.nextWatcher++;
  }

  /** A queue has a number while it has watches here. */
  private numberOf(queue: WatchQueue): number {
    let number = this.queueNumbers.get(queue);
    if (number === undefined) {
      number = this.freeQueues.pop() ?? this.queues.length;
      this.queues[number] = queue;
      this.queueWatchers[number] = 0;
      this.queueNumbers.set(queue, number);
    }
    this.queueWatchers[number] = (this.queueWatchers[number] as number) + 1;
    return number;
  }

  private leaveQueue(number: number): void {
    const left = (this.queueWatchers[number] as number) - 1;
    this.queueWatchers[number] = left;
    const queue = this.queues[number];
    if (left > 0 || queue === undefined) return;
    this.queues[number] = undefined;
    this.queueNumbers.delete(queue);
    this.freeQueues.push(number);
  }
}

/** Most streams have few watches: an id is then not made anew for each event. */
const lowIds = Array.from({ length: 1024 }, (_, id) => BigInt(id));

function flagsOf(spec: WatchSpec): number {
  return (
    stateNumbers.synced |
    is.dueForProgress |
    (spec.prevKv ? is.prevKv : 0) |
    (spec.noPut ? is.noPut : 0) |
    (spec.noDelete ? is.noDelete : 0) |
    (spec.fragment ? is.fragment : 0) |
    (spec.progressNotify ? is.progressNotify : 0)
  );
}
