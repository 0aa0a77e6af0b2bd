import { mustGet } from '../../../src/base/assert.ts';
import { binaryString } from '../../../src/base/bytes.ts';
import { encodeRowKey } from '../../../src/mvcc/revision.ts';
import type { MemoryRows } from '../../../src/storage/memory-database.ts';
import { decodeMeta } from '../../../src/storage/store-meta.ts';
import { metaKey, revisionKey } from '../../../src/storage/store-rows.ts';
import type { StoreState } from '../../../src/storage/types.ts';
import { writtenValue } from '../rot.ts';
import { CachedRow } from './durable-log.ts';

/** The store as the disk has it, read from its rows. */
export class DurableStore {
  private readonly rows: MemoryRows;
  private readonly meta = new CachedRow(metaName, (row) =>
    mustGet(decodeMeta(writtenValue(row)), 'the meta row is whole'),
  );

  constructor(rows: MemoryRows) {
    this.rows = rows;
  }

  /** The same object as long as nothing was committed. */
  get state(): StoreState | undefined {
    return this.meta.in(this.rows)?.state;
  }

  hasRow(main: number, sub: number, isTombstone: boolean): boolean {
    return this.rows.has(binaryString(revisionKey(encodeRowKey(main, sub, isTombstone))));
  }
}

const metaName = binaryString(metaKey);
