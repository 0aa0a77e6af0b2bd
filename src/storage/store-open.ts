import { compareBytes, copyBytes, emptyBytes, hex } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Database } from './database.ts';
import { StorageError, rejoinAdvice } from './errors.ts';
import { scanAll } from './scan.ts';
import { emptySpaces, putSpaceRow } from './state-store.ts';
import type { StoreContent } from './state-store.ts';
import { decodeMeta } from './store-meta.ts';
import {
  RowTally,
  describeTotals,
  equalTotals,
  metaKey,
  noRows,
  replicatedFrom,
  replicatedTo,
  rowBytes,
  sealedKey,
  spaceOf,
  unseal,
} from './store-rows.ts';
import type { Row, StoreState } from './types.ts';

export interface StoreOpenOptions {
  readonly db: Database;
  /** For messages. */
  readonly dataDir: string;
  /** Gets every row of the revision space, in key order, while the store is checked. */
  readonly onRows: (rows: readonly Row[], state: StoreState) => void;
}

/** Reads the whole store, and refuses it when a row is damaged, or any is missing. */
export async function loadStore(options: StoreOpenOptions): Promise<StoreContent> {
  const damaged = (what: string): StorageError =>
    new StorageError(
      'STORE_DAMAGED',
      `The store is damaged: ${what}. ${rejoinAdvice(options.dataDir)}`,
    );

  const metaRow = options.db.get(metaKey);
  const meta = metaRow === undefined ? undefined : decodeMeta(metaRow);
  if (meta === undefined)
    throw damaged('the row that says what has been applied is missing or damaged');
  const tally = new RowTally(noRows);
  const spaces = emptySpaces();
  let lastRowKey: Bytes = emptyBytes;
  let lastDiskKey: Bytes = emptyBytes;
  await scanAll(options.db.scanValues(replicatedFrom, replicatedTo), (sealedRows) => {
    const revisions: Row[] = [];
    for (const sealed of sealedRows) {
      const found = unseal(sealed);
      const space = found === undefined ? undefined : spaceOf(found.key);
      if (found === undefined || space === undefined) {
        throw damaged(`row ${hex(sealedKey(sealed))} does not match its checksum`);
      }
      const { key: diskKey, value } = found;
      if (compareBytes(diskKey, lastDiskKey) <= 0) {
        throw damaged(`row ${hex(diskKey)} is out of place`);
      }
      lastDiskKey = diskKey;
      tally.addSealed(rowBytes(diskKey, value.length), sealed);
      const row = { key: diskKey.subarray(1), value };
      if (space === 'revision') revisions.push(row);
      else putSpaceRow(spaces, space, row);
    }
    const last = revisions.at(-1);
    if (last === undefined) return;
    lastRowKey = copyBytes(last.key);
    options.onRows(revisions, meta.state);
  });
  const totals = tally.totals();
  if (!equalTotals(totals, meta.totals)) {
    const { appliedIndex } = meta.state;
    throw damaged(
      `it has ${describeTotals(totals)}, but ${describeTotals(meta.totals)} were there when index ` +
        `${appliedIndex} (after ${meta.previousIndex}) had been applied`,
    );
  }
  return { meta, lastRowKey, spaces };
}
