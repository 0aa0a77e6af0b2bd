import type { Random } from '../../src/base/random.ts';

/** What happens to the bytes that go from one member to another. The way back has its own. */
export interface LinkFault {
  /**
   * hold: nothing arrives until it is healed, and then all of it does, as TCP sends again what was lost. refuse:
   * connections are reset, and new ones at once.
   */
  readonly cut?: 'hold' | 'refuse';
  readonly delayMs?: number;
  /** Up to so much more, drawn for every piece. Pieces stay in order. */
  readonly jitterMs?: number;
  /** Share of pieces that come late by a retransmission, in [0, 1]: what loss looks like through TCP. */
  readonly lossShare?: number;
  /** Share of pieces at which the connection is reset, in [0, 1]. */
  readonly resetShare?: number;
  /** A clogged link. */
  readonly bytesPerSecond?: number;
}

/** A retransmission takes so long, and twice that when it is lost as well (RFC 6298: Linux starts at 200 ms). */
const retransmissionMs = 200;
const retransmissionsMax = 4;

/** When a piece arrives that is sent now; undefined: the connection is reset instead. */
export function arrivalMs(
  fault: LinkFault,
  sent: { readonly nowMs: number; readonly previousMs: number; readonly bytes: number },
  random: Random,
): number | undefined {
  if (chance(random, fault.resetShare)) return undefined;
  let lateMs = fault.delayMs ?? 0;
  if (fault.jitterMs !== undefined) lateMs += random.below(fault.jitterMs + 1);
  let pauseMs = retransmissionMs;
  for (let i = 0; i < retransmissionsMax && chance(random, fault.lossShare); i++) {
    lateMs += pauseMs;
    pauseMs *= 2;
  }
  const freeMs = Math.max(sent.nowMs + lateMs, sent.previousMs);
  const { bytesPerSecond } = fault;
  return bytesPerSecond === undefined ? freeMs : freeMs + (sent.bytes / bytesPerSecond) * 1_000;
}

const grains = 10_000;

function chance(random: Random, share: number | undefined): boolean {
  return share !== undefined && random.below(grains) < share * grains;
}

/** The faults of all ordered pairs of members; those who carry bytes are told when one changes. */
export class Links {
  readonly #faults = new Map<string, LinkFault>();
  readonly #met = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  fault(from: string, to: string): LinkFault | undefined {
    return this.#faults.get(pair(from, to));
  }

  /** A piece, or a call, from the one to the other has met the fault that is set on that way. */
  meet(from: string, to: string): void {
    this.#met.set(pair(from, to), this.met(from, to) + 1);
  }

  /** How many pieces and calls have met a fault on that way, over all faults. */
  met(from: string, to: string): number {
    return this.#met.get(pair(from, to)) ?? 0;
  }

  /** In place of what was wrong before. */
  set(from: string, to: string, fault: LinkFault): void {
    this.#faults.set(pair(from, to), fault);
    this.#tell();
  }

  heal(from: string, to: string): void {
    if (this.#faults.delete(pair(from, to))) this.#tell();
  }

  healAll(): void {
    this.#faults.clear();
    this.#tell();
  }

  /** Answers how to stop listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const pair = (from: string, to: string): string => `${from} ${to}`;
