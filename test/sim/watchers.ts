import type { Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { EventHistory, type WatchEvent, type WatchRequest } from '../guarantees/history.ts';
import { RecordedWatcher } from '../guarantees/recorded.ts';
import { checkAcknowledged, checkWatchers, type Acknowledged } from '../guarantees/watch-checks.ts';
import { RecordedStream, type StreamEvents, type StreamWatch } from '../server/recorded-stream.ts';
import { mustFindNone } from './promises.ts';
import type { MemoryCluster } from '../server/cluster.ts';

/** Beside the observers. */
const watchersMax = 10;
const futureMax = 30;
/** After the world has healed everything must have been told within this. */
const settlingMs = 60_000;

const watchPromise =
  'watches are ordered, unique, atomic, reliable, resumable, bookmarkable, with right previous values';

const everything: WatchRequest = {
  key: '\0',
  rangeEnd: '',
  startRevision: 1,
  prevKv: true,
  noPut: false,
  noDelete: false,
};

class SimWatcher extends RecordedWatcher<RecordedStream> {
  /** Observers stay at one member, from the first revision on. */
  readonly place: string | undefined;

  constructor(name: string, request: WatchRequest, place?: string) {
    super(name, request);
    this.place = place;
  }
}

export interface WatchersParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  /** The highest revision that a client asked to be compacted. */
  readonly compactedMax: () => number;
  /** Each event that anybody is told of. */
  readonly told: (event: WatchEvent) => void;
}

/**
 * Clients that watch: an observer of everything at each member, and others with ranges, filters and starts of all
 * kinds, who share streams, hold them up, leave them, and go on elsewhere.
 */
export class SimWatchers {
  private readonly parts: WatchersParts;
  private readonly watchers: SimWatcher[] = [];
  private streams: RecordedStream[] = [];
  private readonly violations: string[] = [];
  private readonly events: StreamEvents;
  private isSettling = false;

  constructor(parts: WatchersParts) {
    this.parts = parts;
    for (const name of parts.cluster.names) this.observe(name);
    this.events = {
      hesitates: () => !this.isSettling && parts.random.below(8) === 0,
      compactedMax: parts.compactedMax,
      told: parts.told,
    };
  }

  /** A member that is new gets its observer, too. */
  observe(name: string): void {
    this.watchers.push(new SimWatcher(`observer of ${name}`, everything, name));
  }

  act(): void {
    this.forgetClosed();
    const { random } = this.parts;
    for (const observer of this.watchers) {
      const member = observer.place && this.parts.cluster.running(observer.place);
      if (member && observer.current === undefined) this.resume(observer, member);
    }
    this.actOnce();
    for (const stream of this.streams) {
      if (random.below(2) === 0) stream.resume();
      if (random.below(3) === 0) stream.requestProgress();
    }
  }

  private actOnce(): void {
    const { random, cluster } = this.parts;
    const members = cluster.callable;
    const member = members[random.below(Math.max(1, members.length))];
    if (member === undefined) return;
    const others = this.watchers.filter(({ place }) => place === undefined);
    const watcher = others[random.below(Math.max(1, others.length))];
    switch (random.below(7)) {
      case 0:
      case 1:
        if (others.length < watchersMax) this.start(member);
        return;
      case 2:
      case 3:
      case 4:
        if (watcher?.current === undefined && watcher) this.resume(watcher, member);
        return;
      case 5:
        return watcher?.current?.stream?.cancel(watcher.current);
      default:
        return this.oneOf(this.streams)?.close();
    }
  }

  private start(member: ServerMember): void {
    const { random } = this.parts;
    const [key, rangeEnd] = this.oneOf(ranges) ?? ['\0', ''];
    const { revision } = member;
    const startRevision =
      this.oneOf([
        0,
        1,
        1 + random.below(revision),
        revision + 1,
        revision + random.below(futureMax),
      ]) ?? 0;
    const filter = random.below(6);
    const request = {
      key,
      rangeEnd,
      startRevision,
      prevKv: random.below(2) === 0,
      noPut: filter === 0,
      noDelete: filter === 1,
    };
    const watcher = new SimWatcher(`watcher ${this.watchers.length}`, request);
    this.watchers.push(watcher);
    this.resume(watcher, member);
  }

  private resume(watcher: SimWatcher, member: ServerMember): void {
    const { random } = this.parts;
    const here = this.streams.filter((stream) => stream.member === member && stream.isOpen);
    let stream = random.below(3) > 0 ? this.oneOf(here) : undefined;
    if (stream === undefined) {
      stream = new RecordedStream(member, this.events);
      this.streams.push(stream);
    }
    const id = random.below(4) === 0 ? BigInt(1 + random.below(2 ** 31)) : undefined;
    stream.watch(watcher.next(), id, random.below(2) === 0);
  }

  private forgetClosed(): void {
    for (const stream of this.streams) {
      if (!stream.isOpen) stream.close();
      this.violations.push(...stream.violations.splice(0));
    }
    this.streams = this.streams.filter((stream) => stream.isOpen);
  }

  /** The world has healed: every watcher is there, and nobody holds anything up. */
  resumeAll(): void {
    this.isSettling = true;
    this.forgetClosed();
    const { cluster } = this.parts;
    for (const watcher of this.watchers) {
      const member = watcher.place === undefined ? cluster.leader : cluster.running(watcher.place);
      if (watcher.current === undefined && member !== undefined) this.resume(watcher, member);
    }
    for (const stream of this.streams) stream.resume();
  }

  /** Waits until every watch has been told everything up to the newest revision. Those of the future go. */
  settle(): void {
    const { cluster } = this.parts;
    const newest = cluster.leader?.revision ?? 0;
    const isTold = (watch: StreamWatch): boolean => watch.toldRevision >= newest;
    cluster.until(
      `progress at ${newest} on every watch`,
      () => {
        this.resumeCanceled();
        for (const watch of this.current) {
          if (watch.request.startRevision > newest) watch.stream?.cancel(watch);
        }
        for (const stream of this.streams) stream.resume();
        const waiting = this.current.filter((watch) => !isTold(watch));
        for (const stream of new Set(waiting.map(({ stream }) => stream)))
          stream?.requestProgress();
        return waiting.length === 0;
      },
      settlingMs,
    );
    for (const watch of this.current) watch.settledRevision = newest;
  }

  /** Those that fell behind a compaction meanwhile. */
  private resumeCanceled(): void {
    for (const watcher of this.watchers) {
      const last = watcher.watches.at(-1)?.notices.at(-1);
      if (last?.type !== 'canceled' || last.compactRevision === 0) continue;
      const { leader } = this.parts.cluster;
      if (leader !== undefined) this.resume(watcher, leader);
    }
  }

  check(writes: readonly Acknowledged[]): void {
    for (const stream of this.streams) stream.close();
    this.forgetClosed();
    const history = EventHistory.seenBy(this.watchers);
    mustFindNone('a watch stream keeps to its protocol', this.violations);
    mustFindNone(watchPromise, checkWatchers(this.watchers, history));
    mustFindNone('watches tell of every acknowledged write', checkAcknowledged(history, writes));
  }

  /** What happened, as far as anybody was told. */
  get history(): EventHistory {
    return EventHistory.seenBy(this.watchers);
  }

  get hasFragments(): boolean {
    return this.watchers.some(({ watches }) =>
      watches.some(({ notices }) =>
        notices.some((notice) => notice.type === 'events' && notice.isFragment),
      ),
    );
  }

  get summary(): string {
    const watches = this.watchers.flatMap(({ watches: all }) => all);
    const notices = watches.flatMap(({ notices: all }) => all);
    const count = (type: string): number => notices.filter((notice) => notice.type === type).length;
    return `${watches.length} watches, ${count('events')} events, ${count('progress')} progress, ${count('canceled')} canceled`;
  }

  private get current(): readonly StreamWatch[] {
    return this.watchers.flatMap(({ current }) => (current === undefined ? [] : [current]));
  }

  private oneOf<T>(choices: readonly T[]): T | undefined {
    return choices[this.parts.random.below(Math.max(1, choices.length))];
  }
}

/** Of the keys that the clients of this world write: registers r0 to r2, u0 and so on, l/ with leases, x/ many at a time. */
const ranges: readonly (readonly [key: string, rangeEnd: string | undefined])[] = [
  ['r0', undefined],
  ['r1', undefined],
  ['r', 's'],
  ['u', 'v'],
  ['u2', 'u5'],
  ['l/', 'l0'],
  ['x/', 'x0'],
  ['x/050', 'x/200'],
  ['a', ''],
  ['\0', ''],
  ['nobody', undefined],
];
