import {
  resumeRevision,
  type Watch,
  type Watcher,
  type WatchNotice,
  type WatchRequest,
} from './history.ts';

/** What recorders of watches have in common. */

/** `Stream` is what a recorder opens watches on. */
export class RecordedWatch<Stream> implements Watch {
  readonly request: WatchRequest;
  readonly notices: WatchNotice[] = [];
  /** When each of them came, where whoever records has a clock. */
  readonly heardAtMs: number[] = [];
  settledRevision: number | undefined;
  /** Where it is open; undefined before, and once it was cut off or cancelled. */
  stream: Stream | undefined;
  id: bigint | undefined;
  /** Name of the member that it was opened at. */
  member: string | undefined;

  constructor(request: WatchRequest) {
    this.request = request;
  }

  /**
   * How far everything is known to have been told, by progress; and below its start there is nothing to tell. etcd
   * says nothing of progress on a stream with a watch that waits for the future (mvcc/watchable_store.go,
   * progressIfSync), so that one who resumes behind the last revision would wait for ever.
   */
  get toldRevision(): number {
    const { startRevision } = this.request;
    const last = this.notices.findLast(({ type }) => type === 'progress');
    const below = this.notices.length > 0 && startRevision > 0 ? startRevision - 1 : 0;
    return Math.max(last?.revision ?? 0, below);
  }
}

/** One client that watches the same keys over and over, and goes on where it was. */
export class RecordedWatcher<Stream> implements Watcher {
  readonly name: string;
  readonly watches: RecordedWatch<Stream>[] = [];
  private readonly request: WatchRequest;

  constructor(name: string, request: WatchRequest) {
    this.name = name;
    this.request = request;
  }

  /** Its watch, where that is open. */
  get current(): RecordedWatch<Stream> | undefined {
    const last = this.watches.at(-1);
    return last?.stream === undefined ? undefined : last;
  }

  /** The watch with which it goes on: behind what it was told, or behind what is compacted. */
  next(): RecordedWatch<Stream> {
    const watch = new RecordedWatch<Stream>({ ...this.request, startRevision: this.nextRevision });
    this.watches.push(watch);
    return watch;
  }

  private get nextRevision(): number {
    for (const watch of this.watches.toReversed()) {
      const last = watch.notices.at(-1);
      const told = resumeRevision(watch) ?? 0;
      if (last?.type === 'canceled') return Math.max(told, last.compactRevision);
      if (told > 0) return told;
    }
    return this.request.startRevision;
  }
}
