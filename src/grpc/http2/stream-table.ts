import type { Stream } from './stream.ts';

/** What a stream id means that no open stream has. */
export type Absence = 'idle' | 'skipped' | 'resetByUs' | 'resetByPeer' | 'ended' | 'forgotten';

/** Streams that were reset last, so that frames which were under way then are told from wrong ones. */
const resetsKept = 512;
/** Ranges of ids that were passed over: only a peer that is up to something has so many. */
const gapsKept = 64;

/** The streams of one connection, all opened by the same side: clients', since nothing is ever pushed. */
export class StreamTable {
  private readonly open = new Map<number, Stream>();
  /** The highest id that was opened. */
  lastId: number = -1;
  /** Ids that lie between opened ones, first and last in turn: never used, and closed by the next (section 5.1.1). */
  private readonly gaps: number[] = [];
  /** A ring of ids, negative where the other end did it. */
  private resets: number[] = [];
  private nextReset = 0;
  /** Highest id that fell out of the ring. */
  private forgottenId = 0;

  get size(): number {
    return this.open.size;
  }

  get(id: number): Stream | undefined {
    return this.open.get(id);
  }

  add(stream: Stream): void {
    this.open.set(stream.id, stream);
  }

  remove(stream: Stream): void {
    this.open.delete(stream.id);
  }

  /** An id has been used, for an open stream or one that was refused. */
  take(id: number): void {
    const expected = this.lastId + 2;
    if (id > expected && this.gaps.length < 2 * gapsKept) this.gaps.push(expected, id - 2);
    this.lastId = id;
  }

  rememberReset(id: number, isByPeer: boolean): void {
    const evicted = this.resets[this.nextReset];
    if (evicted !== undefined) this.forgottenId = Math.max(this.forgottenId, Math.abs(evicted));
    this.resets[this.nextReset] = isByPeer ? -id : id;
    this.nextReset = (this.nextReset + 1) % resetsKept;
  }

  /** The other end gives up a stream that we have reset already: it has no frame of it under way any more. */
  noteGivenUp(id: number): void {
    const place = this.resets.indexOf(id);
    if (place >= 0) this.resets[place] = -id;
  }

  /** Was never opened; even ids never are. */
  isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0;
  }

  /** Why no stream of this id is open. */
  absence(id: number): Absence {
    if (this.isIdle(id)) return 'idle';
    if (this.resets.includes(id)) return 'resetByUs';
    if (this.resets.includes(-id)) return 'resetByPeer';
    for (let i = 0; i < this.gaps.length; i += 2) {
      if (id >= (this.gaps[i] as number) && id <= (this.gaps[i + 1] as number)) return 'skipped';
    }
    return id <= this.forgottenId ? 'forgotten' : 'ended';
  }

  /** All open streams, as they are now: each may be closed while they are gone through. */
  all(): readonly Stream[] {
    return [...this.open.values()];
  }

  /** Calls `visit` for each open stream; it closes none. */
  forEach(visit: (stream: Stream) => void): void {
    for (const stream of this.open.values()) visit(stream);
  }
}
