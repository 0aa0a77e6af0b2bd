import { assert } from '../base/assert.ts';
import type { HardState } from '../raft/types.ts';
import { removeCheckpoint } from './checkpoint-reader.ts';
import { FileCheckpointWriter } from './checkpoint-writer.ts';
import { encodePointer, fileSetPaths, names } from './data-dir-files.ts';
import type { Database } from './database.ts';
import type { StorageContext } from './disk.ts';
import {
  createLog,
  createStore,
  createdWitness,
  mustOpen,
  newWitness,
  removeFileSet,
} from './file-set.ts';
import type { FileSetId, LogInit } from './file-set.ts';
import { replaceFile } from './fs.ts';
import type { FsFile } from './fs.ts';
import { DatabaseImageWriter } from './image-writer.ts';
import { RecentEntries, TermRuns } from './log-cache.ts';
import { RunTable } from './log-runs.ts';
import { DatabaseLogStore } from './log-store.ts';
import type { SpaceGuard } from './space-guard.ts';
import { DatabaseStateStore } from './state-store.ts';
import type { StoreContent } from './state-store.ts';
import type {
  CheckpointWriter,
  DataDir,
  DataDirIdentity,
  ImageWriter,
  LogStore,
  StateStore,
} from './types.ts';

/** An open data dir: the file set in force, and at most one that is being received. */
export class MemberDataDir implements DataDir {
  readonly provenLoss: string | undefined;
  private readonly context: StorageContext;
  private readonly space: SpaceGuard;
  private readonly logCacheBytesMax: number;
  private id: FileSetId;
  private currentLog: LogStore;
  private currentStore: DatabaseStateStore;
  private newestFileSet: number;
  private receiving: DatabaseImageWriter | undefined;
  private isInstalling = false;
  private writing: FileCheckpointWriter | undefined;
  /** What waits for the end of the checkpoint being written: its folder is closed or removed. */
  private afterCheckpoint: (() => void)[] = [];
  /** What waits for the installation under way: the end of the data dir. */
  private afterInstall: (() => void) | undefined;

  constructor(parts: {
    readonly context: StorageContext;
    readonly id: FileSetId;
    readonly log: LogStore;
    readonly store: DatabaseStateStore;
    readonly space: SpaceGuard;
    readonly logCacheBytesMax: number;
    readonly provenLoss: string | undefined;
  }) {
    this.context = parts.context;
    this.id = parts.id;
    this.currentLog = parts.log;
    this.currentStore = parts.store;
    this.space = parts.space;
    this.logCacheBytesMax = parts.logCacheBytesMax;
    this.provenLoss = parts.provenLoss;
    this.newestFileSet = parts.id.fileSet;
  }

  get log(): LogStore {
    return this.currentLog;
  }

  get store(): StateStore {
    return this.currentStore;
  }

  get identity(): DataDirIdentity {
    return this.id.identity;
  }

  get freeBytes(): number {
    return this.space.freeBytes;
  }

  get isSpaceLow(): boolean {
    return this.space.isLow;
  }

  receiveImage(): ImageWriter {
    assert(this.receiving === undefined, 'one image is received at a time');
    const { context, space } = this;
    const fileSet = ++this.newestFileSet;
    const id = { ...this.id, fileSet };
    const writer = new DatabaseImageWriter({
      context,
      space,
      fileSet,
      discard: (db) => this.discard(fileSet, db),
      aborted: () => {
        if (this.receiving === writer) this.receiving = undefined;
      },
    });
    this.receiving = writer;
    createStore(context, id, (error, db) => {
      if (context.hasFailed) return;
      if (error !== undefined) return context.writeFailed('making a store for an image', error);
      writer.opened(mustOpen(db));
    });
    return writer;
  }

  install(writer: ImageWriter, hardState: HardState, done: () => void): void {
    const { receiving } = this;
    assert(
      receiving !== undefined && writer === receiving,
      'an image is installed where it was received',
    );
    assert(!this.isInstalling, 'one image is installed at a time');
    if (this.context.hasFailed) return;
    const { db: storeDb, content } = receiving.received;
    this.isInstalling = true;
    const { appliedIndex: index, appliedTerm: term } = content.meta.state;
    const id = { ...this.id, fileSet: receiving.fileSet };
    const newHardState = { ...hardState, commit: Math.max(hardState.commit, index) };
    const init = { start: { index, term }, entries: [], hardState: newHardState };
    const failed = (error: unknown): void => this.context.writeFailed('installing an image', error);

    createLog(this.context, id, init, (logError, logDb) => {
      if (this.context.hasFailed) return;
      if (logError !== undefined) return failed(logError);
      const set = { id, init, content, storeDb, logDb: mustOpen(logDb) };
      this.switchTo(set, failed, () => {
        this.isInstalling = false;
        done();
        this.afterInstall?.();
      });
    });
  }

  openCheckpoint(): CheckpointWriter | undefined {
    if (this.writing !== undefined) return undefined;
    const { context, space, id, currentStore } = this;
    const writer = new FileCheckpointWriter({
      context,
      space,
      id,
      folder: this.storeFolder,
      state: currentStore.state,
      totals: currentStore.revisionTotals,
      ended: () => {
        this.writing = undefined;
        for (const run of this.afterCheckpoint.splice(0)) run();
      },
    });
    this.writing = writer;
    return writer;
  }

  removeCheckpoint(done: () => void): void {
    const { context } = this;
    removeCheckpoint(context, this.storeFolder, (error) => {
      if (context.hasFailed) return;
      if (error === undefined) done();
      else context.writeFailed('removing an index checkpoint', error);
    });
  }

  close(done: () => void): void {
    if (this.isInstalling && !this.context.hasFailed) {
      this.afterInstall = () => this.close(done);
      return;
    }
    this.receiving?.abort();
    this.currentLog.close(() => this.currentStore.close(() => this.endCheckpoint(done)));
  }

  private get storeFolder(): string {
    return fileSetPaths(this.id.dataDir, this.id.fileSet).store;
  }

  /** A folder with files that come and go can neither be removed nor be opened again. */
  private endCheckpoint(done: () => void): void {
    if (this.writing === undefined || this.context.hasFailed) return done();
    this.afterCheckpoint.push(done);
    this.writing.abort();
  }

  /** The new set's parts are durable; the rename of the pointer puts them in force. */
  private switchTo(set: NewFileSet, failed: (error: unknown) => void, done: () => void): void {
    const { context, space } = this;
    const { dataDir, fileSet } = set.id;
    const { fs } = context.disk;
    fs.openFile(fileSetPaths(dataDir, fileSet).witness, (fileError, file) => {
      if (context.hasFailed) return;
      if (file === undefined) return failed(fileError);
      const log = this.newLog(set, file);
      const store = new DatabaseStateStore({
        context,
        db: set.storeDb,
        space,
        content: set.content,
      });
      const pointer = { folder: dataDir, name: names.current };
      replaceFile(fs, pointer, encodePointer(fileSet), (error) => {
        if (context.hasFailed) return;
        if (error !== undefined) return failed(error);
        this.swap(set.id, log, store, done);
      });
    });
  }

  private newLog(set: NewFileSet, file: FsFile): LogStore {
    const { context, space } = this;
    const { start, hardState } = set.init;
    return new DatabaseLogStore({
      context,
      db: set.logDb,
      clusterId: set.id.identity.clusterId,
      witness: newWitness(context, file, createdWitness(set.init)),
      space,
      content: {
        hardState,
        start,
        lastIndex: start.index,
        terms: new TermRuns(start),
        recent: new RecentEntries(this.logCacheBytesMax),
        runs: new RunTable(),
      },
    });
  }

  private swap(id: FileSetId, log: LogStore, store: DatabaseStateStore, done: () => void): void {
    const old = { id: this.id, log: this.currentLog, store: this.currentStore };
    this.id = id;
    this.currentLog = log;
    this.currentStore = store;
    this.receiving = undefined;
    old.log.close(() =>
      old.store.close(() => this.endCheckpoint(() => this.remove(old.id.fileSet))),
    );
    done();
  }

  private discard(fileSet: number, db: Database | undefined): void {
    if (db === undefined) this.remove(fileSet);
    else db.close(() => this.remove(fileSet));
  }

  private remove(fileSet: number): void {
    const { context } = this;
    removeFileSet(context, this.id.dataDir, fileSet, (error) => {
      if (error !== undefined) context.writeFailed('removing an old file set', error);
    });
  }
}

interface NewFileSet {
  readonly id: FileSetId;
  readonly init: LogInit;
  readonly content: StoreContent;
  readonly storeDb: Database;
  readonly logDb: Database;
}
