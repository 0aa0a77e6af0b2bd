import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Scheduler } from '../../src/base/clock.ts';
import { createDataDir, openDataDir } from '../../src/storage/data-dir-open.ts';
import type { DataDirOpenOptions } from '../../src/storage/data-dir-open.ts';
import type { Disk } from '../../src/storage/disk.ts';
import type { StorageError } from '../../src/storage/errors.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { MemoryDisk } from '../../src/storage/memory-disk.ts';
import type {
  DataDir,
  LogBatch,
  LogStore,
  StateStore,
  StoreBatch,
} from '../../src/storage/types.ts';
import type { Entry, HardState } from '../../src/raft/types.ts';

export const clusterId = 0xc0ffeen;
export const memberId = 0xf00dn;
export const identity = { clusterId, memberId, incarnation: 42n };
export const firstHardState: HardState = { term: 1, vote: 0n, commit: 0 };

export const realScheduler: Scheduler = {
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  endOfTurn: (callback) => void setImmediate(callback),
};

/** Timers that fire when a test says so. */
export class ManualScheduler implements Scheduler {
  private now = 0;
  private timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, callback: () => void): { cancel: () => void } {
    const timer = { atMs: this.now + delayMs, callback };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  endOfTurn(callback: () => void): void {
    queueMicrotask(callback);
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.timers.filter((timer) => timer.atMs <= this.now);
    this.timers = this.timers.filter((timer) => timer.atMs > this.now);
    for (const timer of due) timer.callback();
  }
}

/** A folder on a real disk (never /dev/shm: syncing there means nothing). */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'quorate-storage-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Fixture {
  readonly disk: Disk;
  readonly path: string;
  /** Errors that ended the member. */
  readonly fatal: StorageError[];
  create(entries?: readonly Entry[], hardState?: HardState, made?: typeof identity): Promise<void>;
  open(more?: Partial<DataDirOpenOptions>): Promise<DataDir>;
  /** Closes what is open and removes everything. */
  end(): Promise<void>;
}

export function fixtureOn(disk: Disk, path: string, scheduler: Scheduler = realScheduler): Fixture {
  const fatal: StorageError[] = [];
  const opened: DataDir[] = [];
  const common = {
    path,
    disk,
    scheduler,
    fatal: (error: StorageError) => void fatal.push(error),
    reserveBytes: 0,
  };
  return {
    disk,
    path,
    fatal,
    create: (entries = [], hardState = firstHardState, made = identity) =>
      createDataDir({ ...common, identity: made, entries, hardState }),
    async open(more = {}) {
      const dataDir = await openDataDir({ ...common, ...more });
      opened.push(dataDir);
      return dataDir;
    },
    async end() {
      for (const dataDir of opened.splice(0)) await closed(dataDir).catch(() => undefined);
    },
  };
}

export function levelFixture(): Fixture {
  const folder = temporaryFolder();
  const fixture = fixtureOn(machineDisk, `${folder.path}/member`);
  return {
    ...fixture,
    async end() {
      await fixture.end();
      folder.remove();
    },
  };
}

export function memoryFixture(): Fixture & { readonly disk: MemoryDisk } {
  const disk = new MemoryDisk();
  return { ...fixtureOn(disk, '/data/member'), disk };
}

const isClosed = new WeakSet<DataDir>();

export function closed(dataDir: DataDir): Promise<void> {
  if (isClosed.has(dataDir)) return Promise.resolve();
  isClosed.add(dataDir);
  return new Promise((resolve) => dataDir.close(resolve));
}

export function entry(index: number, term: number, data: string | Uint8Array = `e${index}`): Entry {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return { index, term, type: 'normal', data: bytes };
}

export function entriesOf(from: number, to: number, term: number): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term));
}

export function appended(
  log: LogStore,
  entries: readonly Entry[],
  hardState?: LogBatch['hardState'],
): Promise<void> {
  return new Promise((resolve) => log.append({ entries, hardState }, resolve));
}

export function committed(store: StateStore, batch: Partial<StoreBatch>): Promise<void> {
  const full = { state: store.state, put: [], deleted: [], changes: [], ...batch };
  return new Promise((resolve) => store.commit(full, resolve));
}

/** Rejects with what is thrown, or resolves with undefined: to be asserted on. */
export async function errorOf(promise: Promise<unknown>): Promise<StorageError> {
  try {
    await promise;
  } catch (error) {
    return error as StorageError;
  }
  throw new Error('nothing was refused');
}

/** Whether the callback has not come after enough time for it. */
export async function neverDone(start: (done: () => void) => void, waitMs = 50): Promise<boolean> {
  let isDone = false;
  start(() => {
    isDone = true;
  });
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  return !isDone;
}
