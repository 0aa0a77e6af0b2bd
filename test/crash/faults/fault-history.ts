import { Lie } from '../life.ts';

/**
 * What clients know of their writes to a member whose disk fails: each of them has a key of its own, whose value can be
 * told from it. A write that came to no known end may be there or not.
 */

export interface FoundKey {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

export class FaultHistory {
  private readonly acknowledged = new Map<string, number>();
  private readonly unknown = new Set<string>();
  private readonly refused = new Set<string>();
  private count = 0;

  get acknowledgedCount(): number {
    return this.acknowledged.size;
  }

  get unknownCount(): number {
    return this.unknown.size;
  }

  /** A new key; until its end is known it is one of the unknown. */
  begin(valueBytes: number): string {
    const key = `write-${String(++this.count).padStart(6, '0')}-${valueBytes}`;
    this.unknown.add(key);
    return key;
  }

  acknowledge(key: string, revision: number): void {
    this.unknown.delete(key);
    this.acknowledged.set(key, revision);
  }

  /** The member said that it did not do it. */
  refuse(key: string): void {
    this.unknown.delete(key);
    this.refused.add(key);
  }

  /** @throws Lie */
  check(found: readonly FoundKey[]): void {
    const byKey = new Map(found.map((one) => [one.key, one]));
    for (const [key, revision] of this.acknowledged) {
      const one = byKey.get(key);
      if (one === undefined) throw new Lie(`${key} was acknowledged at ${revision}, and is gone`);
      if (one.modRevision !== revision) {
        throw new Lie(`${key} was acknowledged at ${revision}, and is at ${one.modRevision}`);
      }
    }
    for (const { key, value, modRevision } of found) {
      if (this.refused.has(key)) throw new Lie(`${key} was refused, and is at ${modRevision}`);
      if (!this.acknowledged.has(key) && !this.unknown.has(key)) {
        throw new Lie(`nobody wrote ${key}, which is at ${modRevision}`);
      }
      if (value !== valueOf(key)) throw new Lie(`${key} has another value than it was given`);
    }
  }
}

/** The length is in the key. */
export function valueOf(key: string): string {
  return `${key}:`.padEnd(Number(key.split('-')[2]), key);
}
