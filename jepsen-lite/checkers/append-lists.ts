import type { Operation } from '../types.ts';

/** Transactions over lists, and what their history says of the lists. */

/** One transaction, as asked for or, when it was answered, as answered. */
export interface Txn {
  readonly operation: Operation;
  readonly actions: readonly Action[];
}

export type Action = readonly [f: string, key: string, value: string | readonly string[] | null];

/** Who appended an element, and whether more of the same transaction follows on that key. */
export interface Append {
  readonly txn: Txn;
  readonly isLast: boolean;
}

export interface Lists {
  /** By key: the longest list that was read. */
  readonly order: ReadonlyMap<string, readonly string[]>;
  /** By key and element. */
  readonly appends: ReadonlyMap<string, Append>;
}

export function appendId(key: string, element: string): string {
  return `${key}\0${element}`;
}

/** What a transaction read before it appended to that key itself: of others. */
export function firstReads(actions: readonly Action[]): ReadonlyMap<string, readonly string[]> {
  const reads = new Map<string, readonly string[]>();
  const own = new Set<string>();
  for (const [f, key, value] of actions) {
    if (f === 'append') own.add(key);
    else if (!own.has(key) && !reads.has(key)) reads.set(key, (value ?? []) as readonly string[]);
  }
  return reads;
}
