import type { Random } from '../base/random.ts';
import type { MemberId, Message } from '../raft/types.ts';

/** How the links of a memory network behave. Asked for each message, so that it may change at any time. */
export interface LinkPolicy {
  /** False: a sender learns at once that the member is unreachable, as from a refused connection. */
  isConnected(from: MemberId, to: MemberId): boolean;
  /** After how long each copy arrives: none loses the message in silence, two double it. */
  delaysMs(from: MemberId, to: MemberId, carried: Carried): readonly number[];
  /** After how long `to` finds out that the process of `from` has ended; undefined: it does not. */
  endShowsMs(from: MemberId, to: MemberId): number | undefined;
}

/** What goes over a link: Raft's messages, and what members ask one another. */
export interface Carried {
  readonly type: Message['type'] | 'question' | 'answer';
}

export const perfectLinks: LinkPolicy = {
  isConnected: () => true,
  delaysMs: () => [0],
  endShowsMs: () => 0,
};

/** Links that can be cut, slowed and made to lose, double and reorder messages, all from one seed. */
export class FaultyLinks implements LinkPolicy {
  delayMinMs = 0;
  /** Above `delayMinMs`, messages overtake one another. */
  delayMaxMs = 0;
  lossPerMille = 0;
  doublePerMille = 0;
  private readonly cuts = new Map<MemberId, Set<MemberId>>();
  private readonly random: Random;
  /** A silent cut loses messages; a loud one lets the sender know. */
  private readonly isSilent: boolean;

  constructor(random: Random, options: { readonly isSilent: boolean } = { isSilent: true }) {
    this.random = random;
    this.isSilent = options.isSilent;
  }

  /** Cuts one direction: nothing that `from` sends reaches `to`. */
  cut(from: MemberId, to: MemberId): void {
    const cut = this.cuts.get(from) ?? new Set();
    cut.add(to);
    this.cuts.set(from, cut);
  }

  /** Cuts all links between members of different groups, both ways. */
  partition(...groups: readonly (readonly MemberId[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other === group) continue;
        for (const from of group) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** Heals every cut; delays and losses stay. */
  heal(): void {
    this.cuts.clear();
  }

  isConnected(from: MemberId, to: MemberId): boolean {
    return this.isSilent || !this.isCut(from, to);
  }

  delaysMs(from: MemberId, to: MemberId, { type }: Carried): readonly number[] {
    if (this.isCut(from, to) || this.happens(this.lossPerMille)) return [];
    // A link is a stream that never repeats itself: to double a proposal would be to write twice.
    if (type === 'MsgProp' || type === 'question' || type === 'answer') return [this.delayMs()];
    return this.happens(this.doublePerMille) ? [this.delayMs(), this.delayMs()] : [this.delayMs()];
  }

  endShowsMs(from: MemberId, to: MemberId): number | undefined {
    return this.isCut(from, to) || this.isCut(to, from) ? undefined : this.delayMaxMs;
  }

  private isCut(from: MemberId, to: MemberId): boolean {
    return this.cuts.get(from)?.has(to) ?? false;
  }

  private happens(perMille: number): boolean {
    return perMille > 0 && this.random.below(1000) < perMille;
  }

  private delayMs(): number {
    return this.delayMinMs + this.random.below(Math.max(1, this.delayMaxMs - this.delayMinMs + 1));
  }
}
