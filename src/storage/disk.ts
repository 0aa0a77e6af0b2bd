import type { Scheduler } from '../base/clock.ts';
import type { DatabaseFactory } from './database.ts';
import {
  StorageError,
  causeText,
  isLevelDamage,
  readAdvice,
  rejoinAdvice,
  writeAdvice,
} from './errors.ts';
import type { Fatal } from './errors.ts';
import type { Fs } from './fs.ts';

/** Where a data dir lives: the machine's disk, or a `MemoryDisk`. */
export interface Disk {
  readonly fs: Fs;
  readonly databases: DatabaseFactory;
}

/** What log, store and witness of one data dir share: the first failure of any of them is final for all. */
export class StorageContext {
  readonly disk: Disk;
  readonly scheduler: Scheduler;
  private readonly dataDir: string;
  private readonly fatal: Fatal;
  private failure: StorageError | undefined;

  constructor(disk: Disk, scheduler: Scheduler, dataDir: string, fatal: Fatal) {
    this.disk = disk;
    this.dataDir = dataDir;
    this.scheduler = scheduler;
    this.fatal = fatal;
  }

  /** After a failure nothing is written, and no completion is called, any more. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  fail(error: StorageError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.fatal(error);
  }

  writeFailed(what: string, error: unknown): void {
    const text = `${what} failed: ${causeText(error)}`;
    // LevelDB tells damage that it meets while it tidies up to whoever writes next.
    const advice = (isLevelDamage(text) ? rejoinAdvice : writeAdvice)(this.dataDir);
    this.fail(new StorageError('WRITE_FAILED', `${text}. ${advice}`, error));
  }

  /** Of the store, or of the file system it lies in. */
  readFailed(what: string, error: unknown): void {
    const text = `${what} failed: ${causeText(error)}`;
    const isDamage = isLevelDamage(text);
    const advice = isDamage ? rejoinAdvice(this.dataDir) : readAdvice(this.dataDir);
    const code = isDamage ? 'STORE_DAMAGED' : 'READ_FAILED';
    this.fail(new StorageError(code, `${text}. ${advice}`, error));
  }
}
