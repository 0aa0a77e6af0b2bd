import type { Disk } from './disk.ts';
import type { DatabaseFactory } from './database.ts';
import { StorageError } from './errors.ts';
import { MemoryDatabase } from './memory-database.ts';
import type { MemoryRows } from './memory-database.ts';
import { MemoryFs } from './memory-fs.ts';
import type { Tear } from './memory-fs.ts';
import type { DiskEffect, DiskOperation } from './memory-operation.ts';

/**
 * A disk in memory that outlives the members started on it: `crash` takes the power away. What a member asks of
 * it is a list of operations that whoever owns the disk completes, in any order and at any time, or lets fail.
 */
export class MemoryDisk implements Disk {
  readonly fs: MemoryFs;
  readonly databases: DatabaseFactory;
  /** What the file system says is free. */
  freeBytes = Number.MAX_SAFE_INTEGER;
  /**
   * Gets every operation, at the time it is asked for. The default completes it in a microtask: opening a data
   * dir wants that, for it waits on operations while no time passes.
   */
  schedule: (operation: DiskOperation) => void = completeSoon;
  private readonly rows = new Map<string, MemoryRows>();
  private readonly locked = new Set<string>();
  /** Raised by every crash: operations asked for before it never answer. */
  private life = 0;

  constructor() {
    this.fs = new MemoryFs(
      (effect) => this.submit(effect),
      () => this.freeBytes,
    );
    this.databases = { open: (folder, _kind, done) => this.open(folder, done) };
  }

  /**
   * The machine loses power: what was not synced is gone, as far as `keeps` does not keep it, and nothing that was
   * started on this disk hears of it again.
   */
  crash(keeps: (path: string) => boolean = () => false, tear?: Tear): void {
    this.life++;
    this.locked.clear();
    this.schedule = completeSoon;
    this.fs.crash(keeps, tear);
  }

  /** Where its databases are. */
  get databaseFolders(): readonly string[] {
    return [...this.rows.keys()].filter((folder) => this.fs.has(folder));
  }

  /** The rows of a database by `binaryString` of their key, to be damaged. */
  rowsOf(folder: string): MemoryRows | undefined {
    return this.rows.get(folder);
  }

  submit({ kind, path, effect, answer }: DiskEffect): void {
    const { life } = this;
    let isDurable = false;
    let isAnswered = false;
    const isDead = (): boolean => life !== this.life || isAnswered;
    const persist = (): void => {
      if (isDead() || isDurable) return;
      isDurable = true;
      effect();
    };
    const reply = (error: Error | undefined): void => {
      if (isDead()) return;
      isAnswered = true;
      answer(error);
    };
    this.schedule({
      kind,
      path,
      persist,
      complete: () => {
        persist();
        reply(undefined);
      },
      fail: reply,
    });
  }

  private open(folder: string, done: Parameters<DatabaseFactory['open']>[2]): void {
    let database: MemoryDatabase | undefined;
    let failure: Error | undefined;
    this.submit({
      kind: 'open',
      path: folder,
      effect: () => {
        if (this.locked.has(folder)) {
          failure = new StorageError('DATA_DIR_IN_USE', `${folder} is in use`);
          return;
        }
        this.locked.add(folder);
        database = new MemoryDatabase(
          folder,
          this.rowsIn(folder),
          (effect) => this.submit(effect),
          () => this.locked.delete(folder),
        );
      },
      answer: (error) => done(error ?? failure, database),
    });
  }

  private rowsIn(folder: string): MemoryRows {
    const existing = this.rows.get(folder);
    // The folder stands for the database: removed or lost, it takes the rows along.
    if (existing !== undefined && this.fs.has(folder)) return existing;
    const rows: MemoryRows = new Map();
    this.rows.set(folder, rows);
    if (!this.fs.has(folder)) this.fs.makeFolder(folder);
    return rows;
  }
}

function completeSoon(operation: DiskOperation): void {
  queueMicrotask(() => operation.complete());
}
