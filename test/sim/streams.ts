import { seededRandom, type Random } from '../../src/base/random.ts';

/** Randomness of a run: one stream for each source, so that one draw more in one of them shifts no other. */

export function streamOf(seed: number, source: string): Random {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 2 ** 32);
  for (let i = 0; i < source.length; i++) {
    mixed = Math.imul(mixed ^ source.charCodeAt(i), 0x01000193);
  }
  return seededRandom((mixed ^ (mixed >>> 15)) >>> 0);
}

/** Draws of whoever acts now: each step brings a seed of its own. */
export class StepRandom implements Random {
  private inner = seededRandom(1);

  reset(seed: number): void {
    this.inner = seededRandom(seed);
  }

  below(bound: number): number {
    return this.inner.below(bound);
  }
}

export function anySeed(random: Random): number {
  return random.below(2 ** 31);
}

/** In [0, 1). */
export function fraction(random: Random): number {
  return random.below(2 ** 32) / 2 ** 32;
}

export function chance(random: Random, probability: number): boolean {
  return fraction(random) < probability;
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T;
}

/** As often between 1 and 10 as between 10 and 100. */
export function logUniform(random: Random, least: number, most: number): number {
  return least * (most / least) ** fraction(random);
}
