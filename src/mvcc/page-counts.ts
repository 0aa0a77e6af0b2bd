import { binaryString } from '../base/bytes.ts';
import type { KeyRange } from './types.ts';

/** Pages of so many lists, about, can be gone on from. */
const pagesMax = 256;

/**
 * How many keys are left after a page of a list that is read at one revision: what was counted less what the page held.
 * The next page would else have to look at everything that was written since that revision.
 */
export class PageCounts {
  /** By revision and range, those used last at the end. */
  private readonly counts = new Map<string, number>();

  get(range: KeyRange, revision: number): number | undefined {
    return this.counts.size === 0 ? undefined : this.counts.get(nameOf(range, revision));
  }

  set(range: KeyRange, revision: number, count: number): void {
    const name = nameOf(range, revision);
    this.counts.delete(name);
    this.counts.set(name, count);
    if (this.counts.size <= pagesMax) return;
    for (const oldest of this.counts.keys()) {
      this.counts.delete(oldest);
      return;
    }
  }
}

function nameOf({ from, to }: KeyRange, revision: number): string {
  const end = to === undefined ? '' : binaryString(to);
  return `${revision} ${from.length} ${to === undefined} ${binaryString(from)}${end}`;
}
