import type { Random } from '../../src/base/random.ts';
import type { Carried, LinkPolicy } from '../../src/peer/memory-links.ts';
import type { MemberId } from '../../src/raft/types.ts';
import { chance, oneOf, streamOf } from './streams.ts';

/** Whether a fault concerns what `from` sends to `to`. */
export type Direction = (from: MemberId, to: MemberId) => boolean;

export interface Noise {
  readonly delayMaxMs: number;
  readonly lossPerMille: number;
  readonly doublePerMille: number;
}

interface Clog {
  readonly concerns: Direction;
  readonly untilMs: number;
}

/**
 * The links of a run: cuts of any shape, one-way or not; clogs, which hold back all that is sent until they end; noise
 * that delays, loses, doubles and reorders. Several faults may be there at once, and each ends by itself. Every
 * direction of every link has randomness of its own.
 */
export class SimLinks implements LinkPolicy {
  private readonly seed: number;
  private readonly isSilent: boolean;
  private readonly now: () => number;
  private readonly cuts = new Set<Direction>();
  private readonly clogs = new Set<Clog>();
  private readonly noises = new Set<Noise>();
  private readonly streams = new Map<MemberId, Map<MemberId, Random>>();

  constructor(seed: number, isSilent: boolean, now: () => number) {
    this.seed = seed;
    this.isSilent = isSilent;
    this.now = now;
  }

  /** Each of these returns what ends the fault. */
  cut(concerns: Direction): () => void {
    // The same function may be given twice.
    const cut: Direction = (from, to) => concerns(from, to);
    this.cuts.add(cut);
    return () => void this.cuts.delete(cut);
  }

  clog(concerns: Direction, forMs: number): () => void {
    const clog = { concerns, untilMs: this.now() + forMs };
    this.clogs.add(clog);
    return () => void this.clogs.delete(clog);
  }

  disturb(noise: Noise): () => void {
    const own = { ...noise };
    this.noises.add(own);
    return () => void this.noises.delete(own);
  }

  heal(): void {
    this.cuts.clear();
    this.clogs.clear();
    this.noises.clear();
  }

  /** Nothing disturbs those any more; what concerns the others stays. */
  healBetween(healed: (id: MemberId) => boolean): void {
    const isFree: Direction = (from, to) => healed(from) && healed(to);
    const cuts = [...this.cuts];
    this.cuts.clear();
    for (const cut of cuts) {
      this.cuts.add((from, to) => !isFree(from, to) && cut(from, to));
    }
    this.clogs.clear();
    this.noises.clear();
  }

  isConnected(from: MemberId, to: MemberId): boolean {
    return this.isSilent || !this.isCut(from, to);
  }

  delaysMs(from: MemberId, to: MemberId, { type }: Carried): readonly number[] {
    if (this.isCut(from, to)) return [];
    const heldMs = this.heldMs(from, to);
    if (this.noises.size === 0) return [heldMs];
    const random = this.streamFor(from, to);
    const { delayMaxMs, lossPerMille, doublePerMille } = this.loudest();
    if (random.below(1000) < lossPerMille) return [];
    const delayMs = (): number => heldMs + random.below(delayMaxMs + 1);
    // A link is a stream that never repeats itself: to double a proposal would be to write twice.
    const isSingle = type === 'MsgProp' || type === 'question' || type === 'answer';
    const isDoubled = !isSingle && random.below(1000) < doublePerMille;
    return isDoubled ? [delayMs(), delayMs()] : [delayMs()];
  }

  /** Often at once, sometimes late, also when it runs again by then; of a machine without power nobody hears. */
  endShowsMs(from: MemberId, to: MemberId): number | undefined {
    const random = streamOf(this.seed, `end of ${from} at ${this.now()}, seen by ${to}`);
    if (this.isCut(from, to) || this.isCut(to, from) || chance(random, 0.2)) return undefined;
    return oneOf(random, [0, 0, 1, 5, 20, 300, 3000]);
  }

  private isCut(from: MemberId, to: MemberId): boolean {
    for (const cut of this.cuts) if (cut(from, to)) return true;
    return false;
  }

  private heldMs(from: MemberId, to: MemberId): number {
    let heldMs = 0;
    for (const { concerns, untilMs } of this.clogs) {
      if (concerns(from, to)) heldMs = Math.max(heldMs, untilMs - this.now());
    }
    return heldMs;
  }

  private loudest(): Noise {
    let loudest = { delayMaxMs: 0, lossPerMille: 0, doublePerMille: 0 };
    for (const { delayMaxMs, lossPerMille, doublePerMille } of this.noises) {
      loudest = {
        delayMaxMs: Math.max(loudest.delayMaxMs, delayMaxMs),
        lossPerMille: Math.max(loudest.lossPerMille, lossPerMille),
        doublePerMille: Math.max(loudest.doublePerMille, doublePerMille),
      };
    }
    return loudest;
  }

  private streamFor(from: MemberId, to: MemberId): Random {
    let streams = this.streams.get(from);
    if (streams === undefined) this.streams.set(from, (streams = new Map()));
    let random = streams.get(to);
    if (random === undefined) {
      random = streamOf(this.seed, `link ${from} ${to}`);
      streams.set(to, random);
    }
    return random;
  }
}
