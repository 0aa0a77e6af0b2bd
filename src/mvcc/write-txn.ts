import { assert, mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Slab } from '../base/slab.ts';
import type { KeyIndex } from './key-index.ts';
import { encodeRowKey } from './revision.ts';
import { encodeRow, encodeTombstoneRow } from './row.ts';
import type { KeyRange, KeyVersion, PutRow, WriteResult, WriteTxn } from './types.ts';

/** What an ended transaction leaves to the store. */
export type EndOfWrite = (result: WriteResult) => void;

/**
 * The open write transaction. The index shows its writes at once, to the transaction's own reads;
 * nothing else runs in between. It cannot be taken back: whatever can fail is checked before it.
 */
export class OpenWriteTxn implements WriteTxn {
  private readonly index: KeyIndex;
  /** What its writes are written as. */
  private readonly main: number;
  private readonly rows: PutRow[] = [];
  private readonly memory: Slab;
  /** How many of them `takeRows` has handed out. */
  private taken = 0;
  private readonly onEnd: EndOfWrite;
  private isOpen = true;

  /** Rows are made in `memory`. */
  constructor(index: KeyIndex, main: number, memory: Slab, onEnd: EndOfWrite) {
    this.index = index;
    this.main = main;
    this.memory = memory;
    this.onEnd = onEnd;
  }

  get hasChanged(): boolean {
    return this.rows.length > 0;
  }

  put(key: Bytes, value: Bytes, lease: bigint): void {
    assert(this.isOpen, 'put in a write transaction that has ended');
    assert(key.length > 0, 'a key is never empty');
    const { main } = this;
    const sub = this.rows.length;
    const id = this.index.put(key, main, sub);
    const createRevision = this.index.versions.createRevisionOf(id);
    const version = this.index.versions.versionOf(id);
    const fields = { createRevision, modRevision: main, version, lease };
    const row = encodeRow(key, value, fields, this.memory);
    this.index.versions.setRowBytes(id, row.length);
    this.rows.push({ key: encodeRowKey(main, sub, false), value: row });
  }

  deleteRange(range: KeyRange, limit = Number.MAX_SAFE_INTEGER): readonly KeyVersion[] {
    assert(this.isOpen, 'deleteRange in a write transaction that has ended');
    assert(limit > 0, 'deleteRange of nothing');
    const place = { main: this.main, firstSub: this.rows.length };
    const ended = this.index.deleteRange(range, limit, place);
    for (const { key } of ended) {
      const rowKey = encodeRowKey(this.main, this.rows.length, true);
      this.rows.push({ key: rowKey, value: encodeTombstoneRow(key) });
    }
    return ended;
  }

  /** The row of one of its own writes; undefined for a version that was there before. */
  readOwn(version: KeyVersion): Bytes | undefined {
    if (version.modRevision !== this.main) return undefined;
    return mustGet(this.rows[version.modSub], 'a version of the open transaction has no row').value;
  }

  takeRows(): readonly PutRow[] {
    const { rows, taken } = this;
    this.taken = rows.length;
    return rows.slice(taken);
  }

  end(): WriteResult {
    assert(this.isOpen, 'a write transaction ended twice');
    this.isOpen = false;
    const rows = this.taken === 0 ? this.rows : this.rows.slice(this.taken);
    const result = { revision: this.hasChanged ? this.main : this.main - 1, rows };
    this.onEnd(result);
    return result;
  }
}
