import type { Scheduler } from '../base/clock.ts';
import type { Compaction, HashKvFold } from '../mvcc/types.ts';
import type { Exclusive } from './exclusive.ts';
import type { StoreLoop } from './store-loop.ts';

/**
 * Deletes what compactions gave up, slice by slice, each slice with the next commit of the store. The revision is
 * kept in the store until all is deleted, so that a member that stopped half-way takes it up again.
 */
export interface CompactorParts {
  readonly scheduler: Scheduler;
  readonly exclusive: Exclusive;
  readonly storeLoop: StoreLoop;
  readonly batchLimit: number;
  readonly sleepIntervalMs: number;
  readonly open: (revision: number) => Compaction;
  /** Told of each slice. */
  readonly deleted: (rows: number) => void;
  readonly took: (durationMs: number) => void;
  /** Hashes what is there before anything is deleted; the answer is kept when the compaction is done. */
  readonly hashBefore: (fold: HashKvFold, done: (keep: () => void) => void) => void;
}

export interface CompactionJob {
  readonly revision: number;
  /** The hash it is remembered by; none when it is taken up again, for half of its rows may be gone. */
  readonly fold: HashKvFold | undefined;
}

export class Compactor {
  private readonly parts: CompactorParts;
  private queue: CompactionJob[] = [];
  private running: CompactionJob | undefined;
  private waiters: (() => void)[] = [];
  private release: (() => void) | undefined;
  private isStopped = false;

  constructor(parts: CompactorParts) {
    this.parts = parts;
  }

  /** The newest compaction that is not finished, or -1. Finishing it finishes every earlier one. */
  get scheduled(): number {
    return (this.queue.at(-1) ?? this.running)?.revision ?? -1;
  }

  schedule(job: CompactionJob): void {
    // A later compaction does the work of an earlier one; only the earlier one's hash is lost.
    if (this.queue.length >= queuedCompactionsMax) this.queue.pop()?.fold?.close();
    this.queue.push(job);
    this.start();
  }

  /** Calls back when no compaction is left and what they deleted is durable. */
  whenIdle(done: () => void): void {
    if (this.scheduled === -1) this.parts.storeLoop.flush(done);
    else this.waiters.push(done);
  }

  /** Gives up what runs: the store that it worked on is being replaced, or the member stops. */
  stop(): void {
    this.isStopped = true;
    this.release?.();
  }

  /** Those that wait for a compactor that was stopped; they are for its successor. */
  takeWaiters(): readonly (() => void)[] {
    const waited = this.waiters;
    this.waiters = [];
    return waited;
  }

  private start(): void {
    if (this.running !== undefined || this.isStopped) return;
    const job = this.queue.shift();
    if (job === undefined) return;
    this.running = job;
    if (this.parts.exclusive.maybeRun((release) => this.run(job, release))) return;
    this.running = undefined;
    this.queue.unshift(job);
    this.parts.scheduler.after(retryMs, () => this.start());
  }

  private run(job: CompactionJob, release: () => void): void {
    if (this.isStopped) {
      release();
      return;
    }
    this.release = release;
    const compact = (keep: () => void): void => {
      if (this.isStopped) return;
      const startedMs = this.parts.scheduler.nowMs();
      this.slice(this.parts.open(job.revision), () => {
        keep();
        this.parts.took(this.parts.scheduler.nowMs() - startedMs);
        this.finish(release);
      });
    };
    // Rows must be durable before they are deleted: a hash sees to that, as it reads them from the store.
    if (job.fold === undefined) this.parts.storeLoop.flush(() => compact(() => undefined));
    else this.parts.hashBefore(job.fold, compact);
  }

  private slice(compaction: Compaction, done: () => void): void {
    if (this.isStopped) return;
    const { deleted, isDone } = compaction.advance(this.parts.batchLimit);
    if (deleted.length > 0) {
      this.parts.storeLoop.delete(deleted);
      this.parts.deleted(deleted.length);
    }
    if (isDone) done();
    else {
      this.parts.scheduler.after(this.parts.sleepIntervalMs, () => this.slice(compaction, done));
    }
  }

  private finish(release: () => void): void {
    this.running = undefined;
    this.parts.storeLoop.flush(() => {
      release();
      // Another may have been scheduled, and even begun, while this one's deletions were written.
      if (this.scheduled === -1) for (const done of this.takeWaiters()) done();
      else this.start();
    });
  }
}

/** When every place for exclusive work is taken, a compaction asks again after this. */
const retryMs = 1000;
const queuedCompactionsMax = 64;
