import type { Bytes } from '../base/bytes.ts';
import type { KeyIndex } from './key-index.ts';
import { hashKey } from './key-table.ts';
import type { RowNames, RowReader } from './types.ts';

/** Keys at a time: more of them would drive each other out of the nearest cache. */
export const prefetchKeysMax = 32;

/**
 * Brings what reads of single keys are going to need into the processor's caches. Such a read goes from one place of
 * memory to the next, seven in all, and waits for each, which is most of its time where keys are many; of several
 * reads that take each step together the processor waits for all at once (group prefetching: Chen and others,
 * "Improving hash join performance through prefetching", 2004). Nothing depends on what is found here.
 */
export class KeyPrefetch {
  private readonly index: KeyIndex;
  private readonly rows: RowReader;
  private readonly hashes = new Uint32Array(prefetchKeysMax);
  private readonly ids = new Uint32Array(prefetchKeysMax);
  private readonly names: RowNames = {
    mains: new Float64Array(prefetchKeysMax),
    subs: new Uint32Array(prefetchKeysMax),
  };

  constructor(index: KeyIndex, rows: RowReader) {
    this.index = index;
    this.rows = rows;
  }

  /** Of more than `prefetchKeysMax` keys, only so many. */
  run(keys: readonly Bytes[]): void {
    const { hashes, ids, names } = this;
    const { versions, tree } = this.index;
    const count = Math.min(keys.length, prefetchKeysMax);
    for (let i = 0; i < count; i++) hashes[i] = hashKey(keys[i] as Bytes);
    for (let i = 0; i < count; i++) ids[i] = tree.table.firstOf(hashes[i] as number);
    for (let i = 0; i < count; i++) ids[i] = this.index.keys.newestOf(ids[i] as number);
    for (let i = 0; i < count; i++) {
      names.mains[i] = versions.modRevisionOf(ids[i] as number);
      names.subs[i] = versions.modSubOf(ids[i] as number);
    }
    this.rows.prefetch?.(names, count);
  }
}
