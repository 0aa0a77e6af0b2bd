import { hex, utf8, type Bytes } from '../../src/base/bytes.ts';
import { keyRangeOf } from '../../src/mvcc/key-range.ts';
import { StoreRestorer } from '../../src/mvcc/restore.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { KeyRange, PutRow, RowReader } from '../../src/mvcc/types.ts';

/** The rows on a disk that exists only here: what a store writes, reads back and is restored from. */
export class MemoryRows implements RowReader {
  private readonly byKey = new Map<string, PutRow>();

  get(rowKey: Bytes): Bytes | undefined {
    return this.byKey.get(hex(rowKey))?.value;
  }

  put(rows: readonly PutRow[]): void {
    for (const row of rows) this.byKey.set(hex(row.key), row);
  }

  delete(rowKeys: readonly Bytes[]): void {
    for (const rowKey of rowKeys) {
      if (!this.byKey.delete(hex(rowKey))) throw new Error(`no row ${hex(rowKey)} to delete`);
    }
  }

  /** All rows in the order of their keys. */
  sorted(): PutRow[] {
    return [...this.byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}

/** A store with its rows, and the one-line writes that tests are made of. */
export class TestStore {
  readonly rows: MemoryRows;
  readonly store: MvccStore;

  constructor(rows = new MemoryRows(), store = new MvccStore(rows)) {
    this.rows = rows;
    this.store = store;
  }

  put(key: string, value = ''): number {
    return this.txn((txn) => txn.put(utf8(key), utf8(value), 0n));
  }

  delete(key: string, rangeEnd = ''): number {
    return this.txn((txn) => txn.deleteRange(rangeOf(key, rangeEnd)));
  }

  /** The revision after it. */
  txn(write: (txn: ReturnType<MvccStore['begin']>) => void): number {
    const txn = this.store.begin();
    write(txn);
    const { rows, revision } = txn.end();
    this.rows.put(rows);
    return revision;
  }

  /** As after a restart with this revision and compaction on record. */
  restored(revision = this.store.revision): TestStore {
    const restorer = new StoreRestorer(this.store.compactRevision);
    const rows = this.rows.sorted();
    for (let i = 0; i < rows.length; i += 3) restorer.feed(rows.slice(i, i + 3));
    return new TestStore(this.rows, restorer.finish(this.rows, revision));
  }
}

/** A request's key and range_end as text; `\0` has its meaning. */
export function rangeOf(key: string, rangeEnd = ''): KeyRange {
  return keyRangeOf(utf8(key), utf8(rangeEnd));
}
