import type { Entry } from '../../src/raft/types.ts';

/** An entry whose data follows from its index: up to 20 KB, so that LevelDB changes files now and then. */
export function entryOfSize(index: number, term: number): Entry {
  const data = new Uint8Array((index * 7919) % 20_000).fill(index % 251);
  return { index, term, type: 'normal', data };
}
