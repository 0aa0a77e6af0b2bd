import type { StorageContext } from './disk.ts';
import { StorageError } from './errors.ts';
import { writeBufferBytes } from './database.ts';
import type { FsDone } from './fs.ts';
import { runSteps } from './fs.ts';
import { freeBytesMin } from './types.ts';

/** A batch that would leave less than this is not tried: LevelDB must never meet the end of the disk. */
const freeBytesCritical = 16 * 1024 * 1024;
/** The free space is asked for again after so many bytes written, or so long. */
const refreshBytes = 4 * 1024 * 1024;
const refreshMs = 1000;

/**
 * Space kept in a file, and given back at the next start after the disk filled up, so that opening (which
 * writes up to a write buffer of each database, and their manifests) and the first deletions have room.
 */
export const reserveBytes = 4 * 2 * writeBufferBytes;

/** Knows about how much of the disk is free, without asking for each batch. */
export class SpaceGuard {
  private readonly context: StorageContext;
  private readonly path: string;
  private freeAtRefresh: number;
  private refreshedAtMs: number;
  private writtenSince = 0;
  private isRefreshing = false;

  constructor(context: StorageContext, path: string, freeBytes: number) {
    this.context = context;
    this.path = path;
    this.freeAtRefresh = freeBytes;
    this.refreshedAtMs = context.scheduler.nowMs();
  }

  get freeBytes(): number {
    this.maybeRefresh();
    return Math.max(0, this.freeAtRefresh - this.writtenSince);
  }

  get isLow(): boolean {
    return this.freeBytes < freeBytesMin;
  }

  /** Calls `go`, at once while there is room; the process ends (`NO_SPACE`) when there is none. */
  fits(bytes: number, go: () => void): void {
    if (this.freeBytes - bytes >= freeBytesCritical) {
      this.writtenSince += bytes;
      go();
      return;
    }
    this.refresh(() => {
      if (this.context.hasFailed) return;
      if (this.freeAtRefresh - bytes >= freeBytesCritical) {
        this.writtenSince += bytes;
        return go();
      }
      const message =
        `the disk of ${this.path} has ${this.freeAtRefresh} bytes left, too few for a batch of ` +
        `${bytes} bytes (${freeBytesCritical} stay free); free some space and start the member again`;
      this.context.fail(new StorageError('NO_SPACE', message));
    });
  }

  private maybeRefresh(): boolean {
    const ageMs = this.context.scheduler.nowMs() - this.refreshedAtMs;
    const isDue = this.writtenSince >= refreshBytes || ageMs >= refreshMs;
    if (!isDue || this.isRefreshing) return false;
    this.isRefreshing = true;
    this.refresh(() => {
      this.isRefreshing = false;
    });
    return true;
  }

  private refresh(done: () => void): void {
    const writtenBefore = this.writtenSince;
    this.context.disk.fs.freeBytes(this.path, (error, bytes) => {
      if (error !== undefined) return this.context.readFailed(`statfs of ${this.path}`, error);
      this.freeAtRefresh = bytes;
      this.writtenSince -= writtenBefore;
      this.refreshedAtMs = this.context.scheduler.nowMs();
      done();
    });
  }
}

const chunkBytes = 1024 * 1024;

/** Writes the reserve file in full: a file of zeros may take no space. */
export function makeReserve(
  context: StorageContext,
  path: string,
  bytes: number,
  done: FsDone,
): void {
  const chunk = new Uint8Array(Math.min(chunkBytes, bytes));
  for (let i = 0, x = 1; i < chunk.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    chunk[i] = x >>> 24;
  }
  context.disk.fs.openFile(path, (error, file) => {
    if (file === undefined) return done(error);
    const steps: ((done: FsDone) => void)[] = [];
    for (let at = 0; at < bytes; at += chunkBytes) {
      steps.push((next) =>
        file.write(chunk.subarray(0, Math.min(chunkBytes, bytes - at)), at, next),
      );
    }
    runSteps(steps, (writeError) => {
      // It need not be synced: losing it costs nothing but the room it would have kept.
      file.close((closeError) => done(writeError ?? closeError));
    });
  });
}
