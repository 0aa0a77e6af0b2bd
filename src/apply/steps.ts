import type { PutRow } from '../mvcc/types.ts';

/**
 * Work on one command that may rest: at each `yield` it hands out the rows written since the last, if any, and is told
 * how many rows it may look at or write before the next. Until it is at its end nobody may see what it has done.
 */
export type Steps<T> = Generator<readonly PutRow[] | undefined, T, number>;

/** What is expected to look at or write no more rows than this is done at once. */
export const rowsAtOnceMax = 32;

/** Rows of a step where nothing else has to go on meanwhile. */
const rowsUnwatched = 1000;

/** Bytes of rows read in one step. */
export const bytesPerStep = 256 * 1024;

/** All of it at once; the rows that were handed out, and what it came to. */
export function runSteps<T>(steps: Steps<T>): { readonly rows: PutRow[]; readonly value: T } {
  const rows: PutRow[] = [];
  for (;;) {
    const next = steps.next(rowsUnwatched);
    if (next.done === true) return { rows, value: next.value };
    for (const row of next.value ?? []) rows.push(row);
  }
}
