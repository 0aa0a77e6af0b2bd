import { methodNamed, type WireObject } from '../members/protocol.ts';
import type { StreamMessage } from '../members/raw-stream.ts';

/**
 * What one side has said on one watch stream, taken apart by watch: how many responses carry the events is the
 * server's choice, what they say of each watch, and in which order, is not. Rules that hold for one side alone
 * are checked as the messages come, on etcd's side too: if etcd breaks one, the rule is wrong.
 */

export type TrackItem =
  | { readonly type: 'event'; readonly revision: number; readonly event: WireObject }
  | { readonly type: 'canceled'; readonly response: WireObject };

/** One watch from its creation to its end. */
export interface Track {
  readonly id: string;
  /** Its `WatchCreateRequest`. */
  readonly spec: WireObject;
  /** Nothing older may come. */
  readonly firstRevision: number;
  /** What came since it was last compared. */
  items: TrackItem[];
  /** The newest revision of an event; 0: none came. */
  lastRevision: number;
  /** Whatever comes now is of a newer revision, because the server said so. */
  floor: number;
  /** The newest revision of a progress notification that was made for this watch alone. */
  notified: number;
  isCanceled: boolean;
  /** Its last response was a fragment that is to go on. */
  isUnfinished: boolean;
  /** It was canceled while events may have been on their way: some of them may be missing at its end. */
  isCutShort: boolean;
}

/** How much was told on all streams of a side: a run in which little was, has compared little. */
export class Tally {
  watches = 0;
  events = 0;
  fragments = 0;
  compacted = 0;
  progress = 0;
  notified = 0;
}

/** Which watch tells that everything before was delivered: it exists on every stream. */
export const barrierWatch: WireObject = {
  key: Buffer.from('~'),
  range_end: Buffer.from('\x7f'),
  watch_id: '1000000000',
};
/** A watch that is always refused: its answer tells that all requests before were read. */
export const markerWatch: WireObject = { key: Buffer.from('marker'), start_revision: '-1' };

/** etcd's `--max-request-bytes` with its overhead: from here on a response with `fragment` is split. */
const fragmentBytes = 1_572_864 + 512 * 1_024;
/** Above this an answer is not encoded again to look for fields that proto/ does not know. */
const reencodedBytesMax = 1 << 16;
const newestMax = 5;
const noId = '-1';

export class WatchLog {
  /** Answers to create requests in their order, as they are compared. */
  readonly created: WireObject[] = [];
  readonly tracks: Track[] = [];
  /** The first rule that was broken. */
  violation: string | undefined;
  /** Revisions of the progress that was told for the whole stream. */
  readonly progress: number[] = [];
  /** The newest revision that the watch of barriers has told. */
  barrier = 0;
  /** The newest messages, for whoever reads of a difference. */
  readonly newest: WireObject[] = [];
  readonly #requested: WireObject[] = [];
  readonly #live = new Map<string, Track>();
  #answered = 0;
  /** The watch whose response goes on in the next message. */
  #unfinished: string | undefined;
  readonly #tally: Tally;

  constructor(tally: Tally = new Tally()) {
    this.#tally = tally;
  }

  /** To be told of every create request, in the order of sending. */
  expect(spec: WireObject): void {
    this.#requested.push(spec);
  }

  /** How many create requests have no answer yet. */
  get unanswered(): number {
    return this.#requested.length - this.#answered;
  }

  get live(): readonly Track[] {
    return [...this.#live.values()];
  }

  liveTrack(id: string): Track | undefined {
    return this.#live.get(id);
  }

  take({ message, raw }: StreamMessage): void {
    this.newest.push(message);
    if (this.newest.length > newestMax) this.newest.shift();
    this.#checkEncoding(message, raw);
    const id = String(message['watch_id'] ?? '0');
    if (this.#unfinished !== undefined && this.#unfinished !== id) {
      this.#broken(`watch ${id} speaks between the fragments of watch ${this.#unfinished}`);
    }
    this.#unfinished = undefined;
    const events = (message['events'] ?? []) as readonly WireObject[];
    if (message['created'] === true) this.#create(id, message);
    else if (message['canceled'] === true) this.#cancel(id, message);
    else if (events.length > 0) this.#events(id, message, raw.length);
    else this.#progress(id, message);
  }

  #broken(what: string): void {
    this.violation ??= what;
  }

  #checkEncoding(message: WireObject, raw: Uint8Array): void {
    if (raw.length > reencodedBytesMax) return;
    const again = methodNamed('Watch.Watch').responseSerialize(message);
    if (again.length !== raw.length) {
      this.#broken(`${raw.length} bytes, of which ${again.length} are known fields`);
    }
  }

  #create(id: string, message: WireObject): void {
    this.created.push(comparableControl(message));
    const spec = this.#requested[this.#answered++];
    if (spec === undefined) return this.#broken(`watch ${id} was created, and nobody asked`);
    if (message['canceled'] === true) {
      if (id !== noId) this.#broken(`a refusal names watch ${id}`);
      return;
    }
    if (this.#live.has(id)) this.#broken(`watch ${id} was created twice`);
    const start = Number(spec['start_revision'] ?? 0);
    const revision = revisionOf(message);
    this.#tally.watches++;
    const track: Track = {
      id,
      spec,
      firstRevision: start > 0 ? start : revision + 1,
      items: [],
      lastRevision: 0,
      floor: 0,
      notified: 0,
      isCanceled: false,
      isUnfinished: false,
      isCutShort: false,
    };
    this.#live.set(id, track);
    this.tracks.push(track);
  }

  #cancel(id: string, message: WireObject): void {
    const track = this.#live.get(id);
    if (track === undefined) return this.#broken(`watch ${id} was canceled, which there is not`);
    if (message['events'] !== undefined) this.#broken(`events in the cancellation of ${id}`);
    const response = comparableControl(message);
    track.items.push({ type: 'canceled', response });
    track.isCanceled = true;
    if (response['compact_revision'] !== undefined) this.#tally.compacted++;
    // A watch that a compaction has ended keeps its id, until the client cancels it.
    if (response['compact_revision'] === undefined) this.#live.delete(id);
  }

  #events(id: string, message: WireObject, sizeBytes: number): void {
    const track = this.#live.get(id);
    if (track === undefined) return this.#broken(`events for watch ${id}, which there is not`);
    if (track.isCanceled) this.#broken(`events for watch ${id} after its end`);
    const events = message['events'] as readonly WireObject[];
    const isFragment = message['fragment'] === true;
    const mayFragment = track.spec['fragment'] === true;
    if (isFragment && !mayFragment) this.#broken(`watch ${id} has fragments, and asked for none`);
    // etcd does not split what waited for the answer to the create request.
    if (mayFragment && events.length > 1 && sizeBytes >= fragmentBytes && track.lastRevision > 0) {
      this.#broken(`a response of ${sizeBytes} bytes to watch ${id} is not split`);
    }
    this.#takeEvents(track, events);
    if (revisionOf(message) < track.lastRevision) {
      this.#broken(`an event of revision ${track.lastRevision} comes at ${revisionOf(message)}`);
    }
    track.isUnfinished = isFragment;
    this.#tally.events += events.length;
    if (isFragment) this.#tally.fragments++;
    if (isFragment) this.#unfinished = id;
    if (id === barrierWatch['watch_id']) this.barrier = track.lastRevision;
  }

  #takeEvents(track: Track, events: readonly WireObject[]): void {
    let isFirst = !track.isUnfinished;
    for (const event of events) {
      const revision = Number((event['kv'] as WireObject | undefined)?.['mod_revision'] ?? 0);
      const { lastRevision, firstRevision, floor, id } = track;
      if (revision < lastRevision) this.#broken(`watch ${id}: ${revision} after ${lastRevision}`);
      if (isFirst && revision === lastRevision) {
        this.#broken(`watch ${id}: revision ${revision} is told in two responses`);
      }
      if (revision < firstRevision) {
        this.#broken(`watch ${id}: revision ${revision}, and it starts at ${firstRevision}`);
      }
      if (revision <= floor) this.#broken(`watch ${id}: ${revision} after a progress to ${floor}`);
      track.items.push({ type: 'event', revision, event });
      track.lastRevision = revision;
      isFirst = false;
    }
  }

  #progress(id: string, message: WireObject): void {
    const revision = revisionOf(message);
    if (message['fragment'] === true) this.#broken('a progress in fragments');
    if (id === noId) {
      this.progress.push(revision);
      this.#tally.progress++;
      for (const track of this.#live.values()) this.#raise(track, revision);
      return;
    }
    const track = this.#live.get(id);
    if (track === undefined) return this.#broken(`progress of watch ${id}, which there is not`);
    if (track.spec['progress_notify'] !== true) {
      this.#broken(`progress of watch ${id}, which did not ask for it`);
    }
    this.#raise(track, revision);
    track.notified = revision;
    this.#tally.notified++;
  }

  #raise(track: Track, revision: number): void {
    // A watch of the future knows nothing yet, and a compacted one never will.
    if (Number(track.spec['start_revision'] ?? 0) > revision || track.isCanceled) {
      this.#broken(`progress to ${revision} with watch ${track.id} not in step`);
    }
    if (track.lastRevision > revision) {
      this.#broken(`progress to ${revision} after an event of ${track.lastRevision}`);
    }
    track.floor = Math.max(track.floor, revision);
  }
}

function revisionOf(message: WireObject): number {
  return Number((message['header'] as WireObject | undefined)?.['revision'] ?? 0);
}

/** What is compared of an answer without events: ids of the cluster and the term are each server's own. */
function comparableControl(message: WireObject): WireObject {
  const header = message['header'] as WireObject | undefined;
  return {
    watch_id: message['watch_id'],
    created: message['created'],
    canceled: message['canceled'],
    compact_revision: message['compact_revision'],
    cancel_reason: message['cancel_reason'],
    fragment: message['fragment'],
    revision: header?.['revision'],
    hasIds: header?.['cluster_id'] !== undefined && header['member_id'] !== undefined,
    hasTerm: header?.['raft_term'] !== undefined,
  };
}
