import { binaryString, compareBytes, copyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Cursor, Database, Reply, WriteBatch } from './database.ts';
import { scanBytesMax } from './database.ts';
import type { DiskEffect } from './memory-operation.ts';
import type { Row } from './types.ts';

/** Rows by `binaryString` of their key. */
export type MemoryRows = Map<string, Row>;

type Submit = (effect: DiskEffect) => void;

/** `Database` in memory. Batches take effect, durably, when the disk completes them. */
export class MemoryDatabase implements Database {
  private readonly folder: string;
  private readonly rows: MemoryRows;
  private readonly submit: Submit;
  private readonly unlock: () => void;
  /** Rows in key order; made when a scan needs it. */
  private sorted: readonly Row[] | undefined;

  constructor(folder: string, rows: MemoryRows, submit: Submit, unlock: () => void) {
    this.folder = folder;
    this.rows = rows;
    this.submit = submit;
    this.unlock = unlock;
  }

  batch(): WriteBatch {
    const changes = new Map<string, Row | undefined>();
    return {
      put: (key, value) => {
        changes.set(binaryString(key), { key: copyBytes(key), value: copyBytes(value) });
      },
      del: (key) => {
        changes.set(binaryString(key), undefined);
      },
      write: (done) => {
        const effect = (): void => this.apply(changes);
        this.submit({ kind: 'batch', path: this.folder, effect, answer: done });
      },
    };
  }

  get(key: Bytes): Bytes | undefined {
    const row = this.rows.get(binaryString(key));
    return row?.value;
  }

  getMany(keys: readonly Bytes[], done: Reply<readonly (Bytes | undefined)[]>): void {
    let values: readonly (Bytes | undefined)[] = [];
    const effect = (): void => {
      values = keys.map((key) => this.get(key));
    };
    const answer = (error: Error | undefined): void => done(error, values);
    this.submit({ kind: 'read', path: this.folder, effect, answer });
  }

  scan(from: Bytes, to: Bytes): Cursor<Row> {
    return this.scanWith(from, to, (row) => row);
  }

  scanValues(from: Bytes, to: Bytes): Cursor<Bytes> {
    return this.scanWith(from, to, ({ value }) => value);
  }

  approximateBytes(from: Bytes, to: Bytes, done: Reply<number>): void {
    let total = 0;
    const effect = (): void => {
      const sorted = this.inOrder();
      const inRange = sorted.slice(firstAtLeast(sorted, from), firstAtLeast(sorted, to));
      for (const { key, value } of inRange) total += key.length + value.length;
    };
    const answer = (error: Error | undefined): void => done(error, total);
    this.submit({ kind: 'read', path: this.folder, effect, answer });
  }

  compactRange(_from: Bytes, _to: Bytes, done: (error: Error | undefined) => void): void {
    this.submit({ kind: 'batch', path: this.folder, effect: () => undefined, answer: done });
  }

  close(done: () => void): void {
    const { folder, unlock } = this;
    this.submit({ kind: 'close', path: folder, effect: unlock, answer: () => done() });
  }

  private scanWith<T>(from: Bytes, to: Bytes, take: (row: Row) => T): Cursor<T> {
    const sorted = this.inOrder();
    let at = firstAtLeast(sorted, from);
    return {
      next: (rowsMax, done) => {
        const rows: T[] = [];
        const effect = (): void => {
          for (let bytes = 0; rows.length < rowsMax && bytes < scanBytesMax; at++) {
            const row = sorted[at];
            if (row === undefined || compareBytes(row.key, to) >= 0) break;
            rows.push(take(row));
            bytes += row.key.length + row.value.length;
          }
        };
        const answer = (error: Error | undefined): void => done(error, rows);
        this.submit({ kind: 'read', path: this.folder, effect, answer });
      },
      close: () => undefined,
    };
  }

  private apply(changes: ReadonlyMap<string, Row | undefined>): void {
    for (const [name, row] of changes) {
      if (row === undefined) this.rows.delete(name);
      else this.rows.set(name, row);
    }
    this.sorted = undefined;
  }

  private inOrder(): readonly Row[] {
    this.sorted ??= [...this.rows.values()].sort((a, b) => compareBytes(a.key, b.key));
    return this.sorted;
  }
}

function firstAtLeast(sorted: readonly Row[], key: Bytes): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = sorted[middle];
    if (row !== undefined && compareBytes(row.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
