import { compareBytes, copyBytes, emptyBytes, hex } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Database } from './database.ts';
import { StorageError, causeText, rejoinAdvice } from './errors.ts';
import { encodeRowKey, rowKeyAfter } from '../mvcc/revision.ts';
import type { CheckpointReader, LoadedCheckpoint } from './checkpoint-reader.ts';
import { scanAll } from './scan.ts';
import { emptySpaces, putSpaceRow } from './state-store.ts';
import type { StoreContent } from './state-store.ts';
import { decodeMeta } from './store-meta.ts';
import type { StoreMeta } from './store-meta.ts';
import {
  RowTally,
  describeTotals,
  equalTotals,
  metaKey,
  noRows,
  replicatedFrom,
  replicatedTo,
  revisionKey,
  rowBytes,
  sealedKey,
  spaceOf,
  unseal,
} from './store-rows.ts';
import type { RowTotals } from './store-rows.ts';
import type { Row, StoreState } from './types.ts';

export interface StoreOpenOptions {
  readonly db: Database;
  /** For messages. */
  readonly dataDir: string;
  /** Gets every row of the revision space, in key order, while the store is checked. */
  readonly onRows: (rows: readonly Row[], state: StoreState) => void;
  /** Of what it has loaded, `onRows` gets only the rows above. */
  readonly checkpoint?: CheckpointReader | undefined;
}

/** Reads the store, or what a checkpoint leaves of it to be read; refuses it when a row is damaged or missing. */
export async function loadStore(options: StoreOpenOptions): Promise<StoreContent> {
  const { db, checkpoint } = options;
  const damaged = (what: string): StorageError =>
    new StorageError(
      'STORE_DAMAGED',
      `The store is damaged: ${what}. ${rejoinAdvice(options.dataDir)}`,
    );

  const metaRow = db.get(metaKey);
  const meta = metaRow === undefined ? undefined : decodeMeta(metaRow);
  if (meta === undefined)
    throw damaged('the row that says what has been applied is missing or damaged');
  const loaded = await checkpoint?.load(meta.state);
  if (checkpoint !== undefined && loaded !== undefined) {
    checkpoint.used();
    const scan = new OpeningScan(options, meta, damaged);
    const wrong = await wrongWith(scan, loaded, meta);
    if (wrong === undefined) return scan.content;
    await checkpoint.ignore(wrong);
  }
  const scan = new OpeningScan(options, meta, damaged);
  await scan.run(undefined);
  if (!equalTotals(scan.totals, meta.totals)) {
    const { appliedIndex } = meta.state;
    throw damaged(
      `it has ${describeTotals(scan.totals)}, but ${describeTotals(meta.totals)} were there when index ` +
        `${appliedIndex} (after ${meta.previousIndex}) had been applied`,
    );
  }
  return scan.content;
}

/** Reads the rows that the checkpoint leaves to be read; answers why it must be ignored, or undefined. */
async function wrongWith(
  scan: OpeningScan,
  loaded: LoadedCheckpoint,
  meta: StoreMeta,
): Promise<string | undefined> {
  try {
    await scan.run(loaded);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    return `the rows since do not go with it: ${causeText(error)}`;
  }
  const isSame = loaded.isExact
    ? equalTotals(scan.totals, meta.totals)
    : scan.totals.count === meta.totals.count;
  return isSame ? undefined : 'it and the rows since are not what the store says it has';
}

class OpeningScan {
  private readonly options: StoreOpenOptions;
  private readonly meta: StoreMeta;
  private readonly damaged: (what: string) => StorageError;
  private readonly smallTally = new RowTally(noRows);
  private readonly spaces = emptySpaces();
  private tally = new RowTally(noRows);
  private lastRowKey: Bytes = emptyBytes;
  private lastDiskKey: Bytes = emptyBytes;

  constructor(options: StoreOpenOptions, meta: StoreMeta, damaged: (what: string) => StorageError) {
    this.options = options;
    this.meta = meta;
    this.damaged = damaged;
  }

  get totals(): RowTotals {
    return this.tally.totals();
  }

  get content(): StoreContent {
    const { meta, lastRowKey, spaces } = this;
    return { meta, lastRowKey, spaces, smallTotals: this.smallTally.totals() };
  }

  /** Without a checkpoint from the first row. */
  async run(loaded: LoadedCheckpoint | undefined): Promise<void> {
    let from = replicatedFrom;
    if (loaded !== undefined) {
      this.tally = new RowTally(loaded.totals);
      this.lastRowKey = lastKeyOf(loaded.revision);
      from = revisionKey(rowKeyAfter(loaded.revision));
    }
    await scanAll(this.options.db.scanValues(from, replicatedTo), (rows) => this.take(rows));
  }

  private take(sealedRows: readonly Bytes[]): void {
    const revisions: Row[] = [];
    for (const sealed of sealedRows) {
      const found = unseal(sealed);
      const space = found === undefined ? undefined : spaceOf(found.key);
      if (found === undefined || space === undefined) {
        throw this.damaged(`row ${hex(sealedKey(sealed))} does not match its checksum`);
      }
      const { key: diskKey, value } = found;
      if (compareBytes(diskKey, this.lastDiskKey) <= 0) {
        throw this.damaged(`row ${hex(diskKey)} is out of place`);
      }
      this.lastDiskKey = diskKey;
      this.tally.addSealed(rowBytes(diskKey, value.length), sealed);
      const row = { key: diskKey.subarray(1), value };
      if (space === 'revision') revisions.push(row);
      else {
        putSpaceRow(this.spaces, space, row);
        this.smallTally.addSealed(rowBytes(diskKey, value.length), sealed);
      }
    }
    const last = revisions.at(-1);
    if (last === undefined) return;
    this.lastRowKey = copyBytes(last.key);
    this.options.onRows(revisions, this.meta.state);
  }
}

/** No row of the revision has a greater key. */
function lastKeyOf(revision: number): Bytes {
  return encodeRowKey(revision, Number.MAX_SAFE_INTEGER, true);
}
