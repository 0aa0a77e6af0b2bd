import { hex, type Bytes } from '../../src/base/bytes.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { PutRow, RevisionStore } from '../../src/mvcc/types.ts';
import { NaiveStore } from './naive-store.ts';

/** A store under test, and where the rows go that were written to it. */
export interface TestStore {
  readonly store: RevisionStore;
  keep(rows: readonly PutRow[]): void;
}

function mvccStore(): TestStore {
  const rows = new Map<string, Bytes>();
  return {
    store: new MvccStore({ get: (key) => rows.get(hex(key)) }),
    keep: (written) => {
      for (const { key, value } of written) rows.set(hex(key), value);
    },
  };
}

/** The real store and the one that is too simple to be wrong: apply must not see a difference. */
export const storeKinds: readonly (readonly [string, () => TestStore])[] = [
  ['the store', mvccStore],
  ['the naive store', () => ({ store: new NaiveStore(), keep: () => undefined })],
];
