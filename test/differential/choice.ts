import type { Random } from '../../src/base/random.ts';

/** Draws from one seeded source: the same seed makes the same stream. */
export class Choice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return this.#random.below(bound);
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  of<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('a choice from nothing');
    return list[this.below(list.length)] as T;
  }

  /** One of the alternatives, each as likely as its weight says. */
  weighted<T>(alternatives: readonly (readonly [weight: number, make: () => T])[]): T {
    let left = this.below(alternatives.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, make] of alternatives) {
      if (left < weight) return make();
      left -= weight;
    }
    throw new Error('weights do not add up');
  }
}
