import type { Socket } from 'node:net';
import type { Random } from '../../src/base/random.ts';
import { arrivalMs, type Links } from './links.ts';

/** What waits on one way of one connection before the sender is read no further; its kernel then keeps the rest. */
const waitingBytesMax = 1024 * 1024;

type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly atMs: number }
  /** The sender sends no more. */
  | { readonly kind: 'end'; readonly atMs: number }
  /** The sender's end is gone. */
  | { readonly kind: 'gone'; readonly isReset: boolean; readonly atMs: number };

export interface PipeEnds {
  readonly from: Socket;
  readonly to: Socket;
  /** Names of the members that hold the two ends. */
  readonly sender: string;
  readonly receiver: string;
}

/** One way of one connection. An end travels as bytes do: across a cut nobody learns that the other is gone. */
export class Pipe {
  readonly #ends: PipeEnds;
  readonly #links: Links;
  readonly #random: Random;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #isBlocked = false;
  #timer: NodeJS.Timeout | undefined;
  #isGone = false;

  constructor(ends: PipeEnds, links: Links, random: Random) {
    this.#ends = ends;
    this.#links = links;
    this.#random = random;
    const { from, to } = ends;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.once('end', () => this.#push({ kind: 'end', atMs: this.#newestMs }));
    from.once('close', (isReset) => {
      this.#push({ kind: 'gone', isReset, atMs: this.#newestMs });
    });
    to.on('drain', () => {
      this.#isBlocked = false;
      this.pump();
    });
  }

  get #fault() {
    return this.#links.fault(this.#ends.sender, this.#ends.receiver);
  }

  get #newestMs(): number {
    return this.#waiting.at(-1)?.atMs ?? performance.now();
  }

  #take(bytes: Buffer): void {
    const fault = this.#fault;
    if (fault !== undefined) this.#links.meet(this.#ends.sender, this.#ends.receiver);
    const nowMs = performance.now();
    const sent = { nowMs, previousMs: this.#waiting.at(-1)?.atMs ?? nowMs, bytes: bytes.length };
    const atMs = arrivalMs(fault ?? {}, sent, this.#random);
    if (atMs === undefined) {
      this.reset();
      return;
    }
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > waitingBytesMax) this.#ends.from.pause();
    this.#push({ kind: 'bytes', bytes, atMs });
  }

  #push(piece: Piece): void {
    this.#waiting.push(piece);
    this.pump();
  }

  /** Sends on what may arrive by now. Called again when a fault changes. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#isGone) return;
    const cut = this.#fault?.cut;
    if (cut === 'refuse') this.reset();
    if (cut !== undefined) return;
    let done = 0;
    for (const piece of this.#waiting) {
      if (this.#isBlocked || this.#isGone) break;
      const leftMs = piece.atMs - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.pump(), leftMs);
        break;
      }
      this.#deliver(piece);
      done += 1;
    }
    if (done === 0) return;
    this.#waiting = this.#waiting.slice(done);
    if (this.#waitingBytes <= waitingBytesMax / 2) this.#ends.from.resume();
  }

  #deliver(piece: Piece): void {
    const { to } = this.#ends;
    switch (piece.kind) {
      case 'bytes':
        this.#waitingBytes -= piece.bytes.length;
        this.#isBlocked = !to.write(piece.bytes);
        return;
      case 'end':
        to.end();
        return;
      case 'gone':
        this.#isGone = true;
        // One that has ended in order still sends what it has, and closes by itself.
        if (piece.isReset || !to.writableEnded) to.destroy();
        return;
    }
  }

  reset(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#ends.from.resetAndDestroy();
    this.#ends.to.resetAndDestroy();
  }
}
