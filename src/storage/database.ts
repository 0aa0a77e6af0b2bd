import type { Bytes } from '../base/bytes.ts';
import type { Row } from './types.ts';

/**
 * An ordered key-value database with atomic, synced batches: LevelDB in production (level-database.ts), memory
 * in the simulator (memory-database.ts). The log and the store are built on this, the same code over both.
 * Completions are callbacks, never called within the call that asked for them.
 */
export interface Database {
  batch(): WriteBatch;
  /** Reads what completed batches wrote. Throws when the database cannot be read. */
  get(key: Bytes): Bytes | undefined;
  getMany(keys: readonly Bytes[], done: Reply<readonly (Bytes | undefined)[]>): void;
  /** Rows with `from <= key < to` in order, as they are now. */
  scan(from: Bytes, to: Bytes): Cursor<Row>;
  /** Their values alone, for rows that say their keys themselves: a third less work a row. */
  scanValues(from: Bytes, to: Bytes): Cursor<Bytes>;
  /** Bytes that the range takes on disk, about; what is not in files yet is not counted. */
  approximateBytes(from: Bytes, to: Bytes, done: Reply<number>): void;
  /** Rewrites the files of the range without what was deleted from it. */
  compactRange(from: Bytes, to: Bytes, done: (error: Error | undefined) => void): void;
  /** No batch may be in flight. */
  close(done: () => void): void;
}

/** Collects changes, copying keys and values, and writes them together or not at all. */
export interface WriteBatch {
  put(key: Bytes, value: Bytes): void;
  del(key: Bytes): void;
  /** Calls back when the batch is on stable storage, its file's folder entry included, or has failed. */
  write(done: (error: Error | undefined) => void): void;
}

export interface Cursor<T> {
  /** At least one row until the end, at most `rowsMax` and about `scanBytesMax`; none at the end. */
  next(rowsMax: number, done: Reply<readonly T[]>): void;
  close(): void;
}

export type Reply<T> = (error: Error | undefined, value: T) => void;

export interface DatabaseFactory {
  /** Opens, or makes, the database in this folder. A StorageError says why it cannot be trusted. */
  open(folder: string, kind: DatabaseKind, done: Reply<Database | undefined>): void;
}

export type DatabaseKind = 'log' | 'store';

/** Bytes of one step of a scan: its rows are made into objects in one go, which must not hold the loop long. */
export const scanBytesMax = 256 * 1024;

/**
 * LevelDB's write buffer. The file it is recovered from on opening is about as large; the reserve file
 * (space-guard.ts) is a multiple of it.
 */
export const writeBufferBytes = 8 * 1024 * 1024;
