import { assert } from '../../../src/base/assert.ts';
import type { Entry, HardState, LogReader } from '../../../src/raft/types.ts';

export const noHardState: HardState = { term: 0, vote: 0n, commit: 0 };

/** What is on a test member's disk: a log and a hard state. */
export class MemoryLog implements LogReader {
  hardState: HardState = noHardState;
  /** Index and term of the entry before the first. */
  #base = { index: 0, term: 0 };
  #entries: Entry[] = [];

  firstIndex(): number {
    return this.#base.index + 1;
  }

  lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] {
    const asked = this.#entries.slice(low - this.firstIndex(), high - this.firstIndex());
    const within: Entry[] = [];
    let bytes = 0;
    for (const entry of asked) {
      bytes += entry.data.length;
      if (bytes > bytesMax && within.length > 0) break;
      within.push(entry);
    }
    return within;
  }

  all(): readonly Entry[] {
    return this.#entries;
  }

  append(hardState: HardState | undefined, entries: readonly Entry[]): void {
    const [first] = entries;
    if (first !== undefined) {
      assert(first.index >= this.firstIndex() && first.index <= this.lastIndex() + 1, 'a gap');
      this.#entries.length = first.index - this.firstIndex();
      this.#entries.push(...entries);
    }
    if (hardState !== undefined) this.hardState = hardState;
  }

  compact(index: number): void {
    const term = this.term(index);
    assert(term !== undefined && index <= this.lastIndex(), `compaction to ${index}`);
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term };
  }

  reset(index: number, term: number, hardState: HardState | undefined): void {
    this.#base = { index, term };
    this.#entries = [];
    if (hardState !== undefined) this.hardState = hardState;
  }
}
