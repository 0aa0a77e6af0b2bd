import { setTimeout as sleep } from 'node:timers/promises';
import type { RawStream, StreamEnd } from '../members/raw-stream.ts';
import type { WireObject } from '../members/protocol.ts';
import { plainText } from './compare.ts';
import type { StreamPair } from './pair.ts';
import { forgetCompared, logDifference, type Said } from './watch-compare.ts';
import { barrierWatch, markerWatch, WatchLog, type Tally, type Track } from './watch-log.ts';

/** How long a side may take to say what the other has said. */
const deliveryMs = 10_000;
const pollMs = 1;

/** Something that differs, and what the two sides said about it. */
export interface Found {
  readonly what: string;
  readonly said: Said;
}

/** One side's end of a watch stream. */
export class WatchEnd {
  readonly log: WatchLog;
  readonly #stream: RawStream;
  /** How the call ended; undefined while it goes on. */
  end: StreamEnd | undefined;

  constructor(stream: RawStream, tally?: Tally) {
    this.log = new WatchLog(tally);
    this.#stream = stream;
    stream.listen(
      (message) => this.log.take(message),
      (end) => {
        this.end = end;
      },
    );
  }

  create(spec: WireObject): void {
    this.log.expect(spec);
    this.#stream.send({ create_request: spec });
  }

  send(request: object): void {
    this.#stream.send(request);
  }

  sendRaw(bytes: Uint8Array): void {
    this.#stream.sendRaw(bytes);
  }

  halfClose(): void {
    this.#stream.halfClose();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** The same watch stream on both sides. */
export class WatchPair {
  readonly number: number;
  readonly reference: WatchEnd;
  readonly subject: WatchEnd;
  isHalfClosed = false;

  constructor(number: number, { reference, subject }: StreamPair, tally?: Tally) {
    this.number = number;
    this.reference = new WatchEnd(reference, tally);
    this.subject = new WatchEnd(subject);
  }

  get ends(): readonly [WatchEnd, WatchEnd] {
    return [this.reference, this.subject];
  }

  both(action: (end: WatchEnd) => void): void {
    for (const end of this.ends) action(end);
  }

  /** Waits until all requests so far were read. Undefined: they were, and the answers are the same. */
  async mark(): Promise<Found | undefined> {
    this.both((end) => end.create(markerWatch));
    return this.answered();
  }

  /** Waits until every create request is answered. */
  async answered(): Promise<Found | undefined> {
    const isThere = await inTime(() => this.ends.every(({ log }) => log.unanswered <= 0));
    const found = logDifference(this.reference.log, this.subject.log);
    if (found?.kind === 'different') return this.#told(found.what, found.said);
    if (isThere) return undefined;
    const [wanted, got] = this.ends.map(({ log }) => log.unanswered);
    return this.#told(`create requests without an answer: ${wanted} against ${got}`);
  }

  /** Waits until the event of that barrier has arrived, and until both sides have said the same. */
  async settle(barrier: number): Promise<Found | undefined> {
    await inTime(() =>
      this.ends.every((end) => end.end !== undefined || end.log.barrier >= barrier),
    );
    let found = this.#difference();
    await inTime(() => {
      found = this.#difference();
      return found?.kind !== 'behind';
    });
    if (found !== undefined) return this.#told(found.what, found.said);
    const late = this.ends.find(({ log }) => log.barrier < barrier);
    if (late !== undefined) return this.#told(`the event of revision ${barrier} never came`);
    this.both(({ log }) => forgetCompared(log));
    return undefined;
  }

  /** Waits until both have ended the call, with the same status. */
  async ended(): Promise<Found | undefined> {
    await inTime(() => this.ends.every(({ end }) => end !== undefined));
    const [wanted, got] = this.ends.map(({ end }) =>
      end === undefined ? 'going on' : `${end.code} ${plainText(end.text)}`,
    );
    return wanted === got ? this.compareSoFar() : this.#told(`its end: ${wanted} against ${got}`);
  }

  /** What both have said so far, one perhaps more than the other. */
  compareSoFar(): Found | undefined {
    const found = logDifference(this.reference.log, this.subject.log);
    return found?.kind === 'different' ? this.#told(found.what, found.said) : undefined;
  }

  #difference(): ReturnType<typeof logDifference> {
    return logDifference(this.reference.log, this.subject.log);
  }

  /** With what both said there, or said last. */
  #told(what: string, said: Said = this.newest): Found {
    return { what: `stream ${this.number}: ${what}`, said };
  }

  get newest(): Said {
    return { reference: this.reference.log.newest, subject: this.subject.log.newest };
  }
}

/** The specs that make a stream anew where it broke off: each watch goes on after what the subject told. */
export function resumedSpecs(log: WatchLog): readonly WireObject[] {
  const going = log.live.filter((track) => !track.isCanceled && !isBarrier(track));
  // The server picks 0 only for the first watch of a stream.
  going.sort((a, b) => Number(b.id === '0') - Number(a.id === '0'));
  return going.map((track) => ({
    ...track.spec,
    watch_id: track.id,
    start_revision: nextRevision(track),
  }));
}

function nextRevision(track: Track): string {
  const asked = track.spec['start_revision'];
  if (track.lastRevision === 0 && Number(asked ?? 0) > 0) return String(asked);
  // What came of a revision in fragments is only part of it: it is asked for once more.
  const next = track.isUnfinished ? track.lastRevision : track.lastRevision + 1;
  return String(Math.max(track.firstRevision, next));
}

function isBarrier(track: Track): boolean {
  return track.id === barrierWatch['watch_id'];
}

export async function inTime(isDone: () => boolean, timeoutMs = deliveryMs): Promise<boolean> {
  if (isDone()) return true;
  const deadline = performance.now() + timeoutMs;
  while (!isDone()) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}
