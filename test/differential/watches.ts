import { isDeepStrictEqual } from 'node:util';
import type { WireObject } from '../members/protocol.ts';
import type { WatchStep } from './operation.ts';
import type { StreamPair } from './pair.ts';
import { forgetCompared, type Said } from './watch-compare.ts';
import { barrierWatch, Tally } from './watch-log.ts';
import { inTime, resumedSpecs, WatchPair, type Found } from './watch-pair.ts';

/** What the watches need of the two servers. */
export interface WatchServers {
  /** The subject's members that streams are spread over. */
  readonly members: number;
  open(member: number): StreamPair;
  /** Returns when that member of the subject has applied every write. */
  catchUp(member: number): Promise<void>;
  /** Writes to a key of the barrier's; the revision, 0 where nothing can be written, or what differs. */
  writeBarrier(): Promise<number | string>;
}

export interface WatchOutcome {
  /** The reference's answers to create requests. */
  readonly created: readonly WireObject[];
  readonly what: string | undefined;
  /** What the two sides said where they differ. */
  readonly said?: Said;
}

const nothing: WatchOutcome = { created: [], what: undefined };

/** Every watch stream of a run, on both sides. */
export class Watches {
  readonly #servers: WatchServers;
  readonly #streams = new Map<number, WatchPair>();
  /** A stream of its own at each member, see `#probe`. */
  readonly #probes = new Map<number, WatchPair>();
  /** What the reference has told. */
  readonly tally = new Tally();
  /** A watch of the past may not have caught up yet. */
  #mayLag = false;

  constructor(servers: WatchServers) {
    this.#servers = servers;
  }

  async step({ stream, action }: WatchStep): Promise<WatchOutcome> {
    if (action.type === 'open') return this.#open(stream, []);
    const pair = this.#streams.get(stream);
    // It was given up after a difference.
    if (pair === undefined) return nothing;
    if ('isSettled' in action && action.isSettled) {
      const settled = await this.settle();
      if (settled.what !== undefined) return settled;
    }
    switch (action.type) {
      case 'create':
        return this.#create(pair, action.creates);
      case 'cancel':
        return this.#noteIn(pair, await this.#cancel(pair, action.ids, action.isSettled));
      case 'progress':
        return this.#progress(pair, action.times, action.isSettled);
      case 'strange':
        pair.both((end) => end.sendRaw(action.bytes));
        return this.#noteIn(pair, await pair.mark());
      case 'refused': {
        pair.both((end) => end.sendRaw(action.bytes));
        const outcome = this.#noteIn(pair, await pair.ended());
        this.#streams.delete(stream);
        return outcome;
      }
      case 'halfClose':
        pair.both((end) => end.halfClose());
        pair.isHalfClosed = true;
        return nothing;
      case 'close':
        return this.#close(pair);
    }
  }

  /** Waits until every watch has everything on both sides, and compares what they were told. */
  async settle(): Promise<WatchOutcome> {
    if (this.#streams.size === 0) return nothing;
    let barrier = await this.#servers.writeBarrier();
    if (this.#mayLag && typeof barrier === 'number' && barrier > 0) {
      if (!(await this.#probe(barrier))) return { created: [], what: 'the probe heard nothing' };
      this.#mayLag = false;
      barrier = await this.#servers.writeBarrier();
    }
    if (typeof barrier === 'string') return { created: [], what: barrier };
    for (const pair of this.#streams.values()) {
      const outcome = this.#noteIn(pair, await pair.settle(barrier));
      if (outcome.what !== undefined) return outcome;
    }
    return nothing;
  }

  /**
   * The subject's connections broke. What it had told must be the beginning of what the reference has; then both
   * sides go on with new streams, from where the subject's broke off.
   */
  async resume(): Promise<WatchOutcome> {
    this.#probes.clear();
    for (const pair of this.#streams.values()) {
      await inTime(() => hasAtLeast(pair));
      const outcome = this.#noteIn(pair, pair.compareSoFar());
      if (outcome.what !== undefined) return outcome;
    }
    for (const pair of this.#streams.values()) {
      const specs = resumedSpecs(pair.subject.log);
      pair.both((end) => end.cancel());
      const outcome = await this.#open(pair.number, specs);
      if (outcome.what !== undefined) return outcome;
      if (pair.isHalfClosed) await this.step(halfClose(pair.number));
    }
    return nothing;
  }

  /**
   * When nothing more is written: every watch that asked for notifications of its progress is told of the newest
   * revision in time, by both.
   */
  async awaitNotifications(revision: number, timeoutMs: number): Promise<WatchOutcome> {
    for (const pair of this.#streams.values()) {
      const waiting = (): readonly string[] =>
        pair.ends.map((end) => unnotified(end.log, revision));
      if (await inTime(() => waiting().every((ids) => ids === ''), timeoutMs)) continue;
      const [reference, subject] = waiting();
      const ids = `${reference || 'none'} against ${subject || 'none'}`;
      const what = `stream ${pair.number}: watches not notified: ${ids}`;
      return this.#noteIn(pair, { what, said: pair.newest });
    }
    return nothing;
  }

  async #open(stream: number, specs: readonly WireObject[]): Promise<WatchOutcome> {
    const member = this.#memberOf(stream);
    const pair = new WatchPair(stream, this.#servers.open(member), this.tally);
    this.#streams.set(stream, pair);
    return this.#create(pair, [barrierWatch, ...specs]);
  }

  async #create(pair: WatchPair, creates: readonly WireObject[]): Promise<WatchOutcome> {
    await this.#servers.catchUp(this.#memberOf(pair.number));
    for (const spec of creates) {
      pair.both((end) => end.create(spec));
      if (Number(spec['start_revision'] ?? 0) > 0) this.#mayLag = true;
    }
    const what = await pair.answered();
    const created = pair.reference.log.created.slice(-creates.length);
    return { ...this.#noteIn(pair, what), created };
  }

  async #cancel(
    pair: WatchPair,
    ids: readonly string[],
    isSettled: boolean,
  ): Promise<Found | undefined> {
    await this.#servers.catchUp(this.#memberOf(pair.number));
    for (const id of ids) {
      pair.both((end) => {
        const track = end.log.liveTrack(id);
        if (track !== undefined && !isSettled) track.isCutShort = true;
        end.send({ cancel_request: { watch_id: id } });
      });
    }
    return pair.mark();
  }

  async #progress(pair: WatchPair, times: number, isSettled: boolean): Promise<WatchOutcome> {
    await this.#servers.catchUp(this.#memberOf(pair.number));
    const before = pair.ends.map((end) => end.log.progress.length);
    pair.both((end) => {
      for (let i = 0; i < times; i++) end.send({ progress_request: {} });
    });
    const unmarked = await pair.mark();
    if (unmarked !== undefined || !isSettled) return this.#noteIn(pair, unmarked);
    // Whoever tells of progress does it before what happens next.
    const after = await this.settle();
    if (after.what !== undefined) return after;
    const [wanted, got] = pair.ends.map((end, i) => end.log.progress.slice(before[i]));
    if (isDeepStrictEqual(wanted, got)) return nothing;
    const revisions = `[${String(wanted)}] against [${String(got)}]`;
    const what = `stream ${pair.number}: progress ${revisions}`;
    return this.#noteIn(pair, { what, said: pair.newest });
  }

  #close(pair: WatchPair): WatchOutcome {
    const outcome = this.#noteIn(pair, pair.compareSoFar());
    pair.both((end) => end.cancel());
    this.#streams.delete(pair.number);
    return outcome;
  }

  /**
   * Waits until the watches of the past have caught up. etcd lets all of them do so in one pass every 100 ms: when
   * one more that was made after them has heard of a revision that is there already, they have too.
   */
  async #probe(revision: number): Promise<boolean> {
    const members = new Set([...this.#streams.keys()].map((stream) => this.#memberOf(stream)));
    for (const member of members) {
      if (this.#probes.has(member)) continue;
      this.#probes.set(member, new WatchPair(-1 - member, this.#servers.open(member)));
    }
    const spec = { ...barrierWatch, watch_id: '0', start_revision: String(revision) };
    const probes = [...members].map((member) => this.#probes.get(member) as WatchPair);
    for (const probe of probes) probe.both((end) => end.create(spec));
    const ends = probes.flatMap((probe) => probe.ends);
    const hasHeard = await inTime(() =>
      ends.every(({ log }) => log.live.some((track) => track.lastRevision >= revision)),
    );
    for (const end of ends) {
      for (const { id } of end.log.live) end.send({ cancel_request: { watch_id: id } });
      forgetCompared(end.log);
    }
    return hasHeard;
  }

  /** A stream with a difference is given up, so that it is told once. */
  #noteIn(pair: WatchPair, found: Found | undefined): WatchOutcome {
    if (found === undefined) return nothing;
    pair.both((end) => end.cancel());
    this.#streams.delete(pair.number);
    return { created: [], ...found };
  }

  #memberOf(stream: number): number {
    return stream % this.#servers.members;
  }
}

const halfClose = (stream: number): WatchStep => ({
  kind: 'watch',
  stream,
  action: { type: 'halfClose' },
});

/** Whether the reference has told of every watch at least what the subject has. */
function hasAtLeast({ reference, subject }: WatchPair): boolean {
  return subject.log.tracks.every((track, i) => {
    const told = reference.log.tracks[i];
    return track.isCutShort || (told !== undefined && told.items.length >= track.items.length);
  });
}

/** The watches that are in step and were not notified of that revision. */
function unnotified(log: WatchPair['reference']['log'], revision: number): string {
  return log.live
    .filter((track) => track.spec['progress_notify'] === true && !track.isCanceled)
    .filter((track) => Number(track.spec['start_revision'] ?? 0) <= revision)
    .filter((track) => track.notified < revision)
    .map((track) => track.id)
    .join(', ');
}
