import { readdirSync } from 'node:fs';
import * as nodePath from 'node:path';
import { Level } from 'level';
import { mustGet } from '../base/assert.ts';
import { emptyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { scanBytesMax, writeBufferBytes } from './database.ts';
import type {
  Cursor,
  Database,
  DatabaseFactory,
  DatabaseKind,
  Reply,
  WriteBatch,
} from './database.ts';
import { StorageError, causeText, isLevelDamage } from './errors.ts';
import { settled } from './fs.ts';
import type { Fs } from './fs.ts';
import { checkRecovery, inspectLogFiles, isLogFile } from './level-recovery.ts';
import { diskFs } from './node-fs.ts';
import type { Row } from './types.ts';

/** `Database` over LevelDB (1.20, through classic-level). It syncs its files itself, and we their folder. */
export function levelDatabasesWith(syncFolder: Fs['syncFolder']): DatabaseFactory {
  return {
    open(folder, kind, done) {
      openLevelDatabase(folder, kind, syncFolder).then(
        (database) => done(undefined, database),
        (error: Error) => done(error, undefined),
      );
    },
  };
}

export const levelDatabases: DatabaseFactory = levelDatabasesWith(diskFs.syncFolder);

type LevelDb = Level<Bytes, Bytes> & Ranges;
type LevelBatch = ReturnType<LevelDb['batch']>;

/** What classic-level offers beyond the type that `level` shares with browsers. */
interface Ranges {
  approximateSize(start: Bytes, end: Bytes): Promise<number>;
  compactRange(start: Bytes, end: Bytes): Promise<void>;
}

const view = { keyEncoding: 'view', valueEncoding: 'view' } as const;
const synced = { sync: true } as const;

/**
 * LevelDB maps its tables into memory and keeps as many as this, 2 MiB each; fewer it does not allow. A log of large
 * entries, all of it read when it is opened, would stay in the process's resident memory for good.
 */
const logFilesMax = 74;

/** The log is short-lived and read once: it is not worth compressing or caching. */
const options = {
  log: {
    writeBufferSize: writeBufferBytes,
    compression: false,
    cacheSize: 1024 * 1024,
    maxOpenFiles: logFilesMax,
  },
  store: { writeBufferSize: writeBufferBytes, compression: true, cacheSize: 32 * 1024 * 1024 },
} as const;

async function openLevelDatabase(
  folder: string,
  kind: DatabaseKind,
  syncFolder: Fs['syncFolder'],
): Promise<Database> {
  const logFiles = await inspectLogFiles(folder);
  const db = new Level<Bytes, Bytes>(folder, { ...view, ...options[kind] });
  try {
    await db.open();
  } catch (error) {
    throw openError(folder, kind, error);
  }
  try {
    const damage = await checkRecovery(folder, logFiles);
    if (damage !== undefined) throw new StorageError(damagedCode(kind), damage);
    // Opening has switched CURRENT to a new manifest by a rename that LevelDB does not make durable.
    await settled((done) => syncFolder(folder, done));
    return new LevelDatabase(folder, db as LevelDb, newestLogFile(folder), syncFolder);
  } catch (error) {
    await db.close();
    throw error;
  }
}

function damagedCode(kind: DatabaseKind): 'LOG_DAMAGED' | 'STORE_DAMAGED' {
  return kind === 'log' ? 'LOG_DAMAGED' : 'STORE_DAMAGED';
}

function openError(folder: string, kind: DatabaseKind, error: unknown): StorageError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return new StorageError('DATA_DIR_IN_USE', `${folder} is in use by another process`, error);
  }
  const text = `LevelDB cannot open ${folder}: ${causeText(cause)}`;
  const isDamaged = code === 'LEVEL_CORRUPTION' || isLevelDamage(text);
  return new StorageError(isDamaged ? damagedCode(kind) : 'READ_FAILED', text, error);
}

class LevelDatabase implements Database {
  private readonly folder: string;
  private readonly db: LevelDb;
  private newestLogFile: string | undefined;
  /** Never less than the bytes of LevelDB's memtable, or so large that the folder is looked at. */
  private memtableBytesAtMost = memtableEmptyBytes;
  private readonly syncFolder: Fs['syncFolder'];

  constructor(
    folder: string,
    db: LevelDb,
    newestLogFile: string | undefined,
    syncFolder: Fs['syncFolder'],
  ) {
    this.syncFolder = syncFolder;
    this.folder = folder;
    this.db = db;
    this.newestLogFile = newestLogFile;
  }

  batch(): WriteBatch {
    return new LevelWriteBatch(this.db.batch(), (bytes, done) => this.written(bytes, done));
  }

  get(key: Bytes): Bytes | undefined {
    const value = this.db.getSync(key);
    return value === undefined ? undefined : plainBytes(value);
  }

  getMany(keys: readonly Bytes[], done: Reply<readonly (Bytes | undefined)[]>): void {
    this.db.getMany([...keys]).then(
      (values: readonly (Bytes | undefined)[]) => {
        done(
          undefined,
          values.map((value) => (value === undefined ? undefined : plainBytes(value))),
        );
      },
      (error: Error) => done(error, []),
    );
  }

  scan(from: Bytes, to: Bytes): Cursor<Row> {
    const range = { gte: from, lt: to, highWaterMarkBytes: scanBytesMax };
    return new LevelCursor(this.db.iterator<Bytes, Bytes>(range), ([key, value]) => ({
      key: plainBytes(key),
      value: plainBytes(value),
    }));
  }

  scanValues(from: Bytes, to: Bytes): Cursor<Bytes> {
    const range = { gte: from, lt: to, highWaterMarkBytes: scanBytesMax, ...withoutKeys };
    return new LevelCursor(this.db.iterator<Bytes, Bytes>(range), ([, value]) => plainBytes(value));
  }

  approximateBytes(from: Bytes, to: Bytes, done: Reply<number>): void {
    this.db.approximateSize(from, to).then(
      (bytes) => done(undefined, bytes),
      (error: Error) => done(error, 0),
    );
  }

  compactRange(from: Bytes, to: Bytes, done: (error: Error | undefined) => void): void {
    // This begins a new log file, at a moment that nothing tells.
    this.memtableBytesAtMost = Infinity;
    this.db.compactRange(from, to).then(() => done(undefined), done);
  }

  close(done: () => void): void {
    this.db.close().then(done, done);
  }

  /**
   * LevelDB syncs a new log file but, until the next manifest change, not its folder: after a power loss the
   * file could be gone with what was acknowledged in it. It begins one when its memtable has outgrown the write
   * buffer; only when that may have happened is the folder read, and synced when there is a new file.
   */
  private written(bytes: number, done: (error: Error | undefined) => void): void {
    this.memtableBytesAtMost += bytes;
    if (this.memtableBytesAtMost <= writeBufferBytes) return done(undefined);
    let newest: string | undefined;
    try {
      newest = newestLogFile(this.folder);
    } catch (error) {
      return done(error as Error);
    }
    if (newest === this.newestLogFile) return done(undefined);
    this.newestLogFile = newest;
    this.memtableBytesAtMost = memtableEmptyBytes + bytes;
    this.syncFolder(this.folder, done);
  }
}

/** Of a memtable without rows: the first block of its arena, and one that is begun. */
const memtableEmptyBytes = 2 * 4096;
/** Above a row's own bytes: skip list node, length prefixes and the pointer to a block, at their largest. */
const memtableRowOverhead = 136;
/** LevelDB's arena leaves at most a quarter of a block of 4 KiB unused: what is larger has a block of its own. */
const memtableSlack = 4 / 3;
const memtableOwnBlockBytes = 1024;

function memtableBytes(key: Bytes, value: Bytes): number {
  if (value.length > memtableOwnBlockBytes) {
    return key.length + value.length + memtableRowOverhead * memtableSlack;
  }
  return (key.length + value.length + memtableRowOverhead) * memtableSlack;
}

class LevelWriteBatch implements WriteBatch {
  private readonly batch: LevelBatch;
  private readonly written: (bytes: number, done: (error: Error | undefined) => void) => void;
  private bytes = 0;

  constructor(batch: LevelBatch, written: LevelWriteBatch['written']) {
    this.batch = batch;
    this.written = written;
  }

  put(key: Bytes, value: Bytes): void {
    this.bytes += memtableBytes(key, value);
    this.batch.put(key, value);
  }

  del(key: Bytes): void {
    this.bytes += memtableBytes(key, emptyBytes);
    this.batch.del(key);
  }

  write(done: (error: Error | undefined) => void): void {
    this.batch.write(synced).then(() => this.written(this.bytes, done), done);
  }
}

interface LevelIterator {
  nextv(size: number): Promise<[Bytes, Bytes][]>;
  close(): Promise<void>;
}

/**
 * For each key that it leaves out the binding still makes an empty one: an empty string costs little, an empty
 * buffer as much as a full one. The bounds of the range stay bytes.
 */
const withoutKeys = {
  keys: false,
  keyEncoding: {
    name: 'bounds',
    format: 'utf8',
    encode: (bytes: Bytes): Bytes => bytes,
    decode: (): Bytes => emptyBytes,
  },
} as const;

class LevelCursor<T> implements Cursor<T> {
  private readonly iterator: LevelIterator;
  private readonly take: (entry: [Bytes, Bytes]) => T;

  constructor(iterator: LevelIterator, take: (entry: [Bytes, Bytes]) => T) {
    this.iterator = iterator;
    this.take = take;
  }

  next(rowsMax: number, done: Reply<readonly T[]>): void {
    this.iterator.nextv(rowsMax).then(
      (entries) => done(undefined, entries.map(this.take)),
      (error: Error) => done(error, []),
    );
  }

  close(): void {
    // Fails only when the database is closed, which closes its iterators.
    this.iterator.close().then(undefined, () => undefined);
  }
}

/** LevelDB hands out Node's `Buffer`, whose `slice` does not copy; nothing above must meet one. */
function plainBytes(bytes: Bytes): Bytes {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Synchronous: a look at a folder of a few files takes less than a turn by the thread pool, which writes wait for. */
function newestLogFile(folder: string): string | undefined {
  let newest: string | undefined;
  for (const name of readdirSync(folder)) {
    if (!isLogFile(name)) continue;
    if (newest === undefined || fileNumber(name) > fileNumber(newest)) newest = name;
  }
  return newest;
}

function fileNumber(name: string): number {
  return Number.parseInt(mustGet(nodePath.parse(name).name, 'a log file has a number'), 10);
}
