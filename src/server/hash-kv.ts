import type { Scheduler } from '../base/clock.ts';
import { CompactionHashes, type KvHash } from '../mvcc/compaction-hashes.ts';
import { compactionHashFold, hashKvFold } from '../mvcc/hash.ts';
import { encodeRowKey, rowKeyAfter } from '../mvcc/revision.ts';
import type { MvccStore } from '../mvcc/store.ts';
import type { HashKvFold } from '../mvcc/types.ts';
import type { StateStore } from '../storage/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { Exclusive } from './exclusive.ts';
import type { Slicer } from './slicer.ts';
import type { StoreLoop } from './store-loop.ts';
import type { Done } from './types.ts';

/** HashKV and Hash: folds over all rows of the store, from a snapshot of it. */
export interface HashKvParts {
  readonly exclusive: Exclusive;
  readonly storeLoop: StoreLoop;
  readonly store: () => StateStore;
  readonly revisions: () => MvccStore;
  readonly scheduler: Scheduler;
  /** Held while an entry is half applied. */
  readonly readSlicer: Slicer;
  /** What an answer took to compute, in milliseconds. */
  readonly took: (what: 'hash' | 'hashKv', durationMs: number) => void;
}

/** Rows folded between two polls of the event loop. */
const rowsPerBatch = 500;

export class HashKvService {
  private readonly parts: HashKvParts;
  private compactions = new CompactionHashes();
  /** Ends each call that is being worked on. */
  private readonly running = new Set<(error: EtcdError) => void>();

  constructor(parts: HashKvParts) {
    this.parts = parts;
  }

  /** The hash at `revision`, 0 standing for the newest. */
  hashKv(revision: number, done: Done<KvHash>): void {
    this.begin('hashKv', done, (finish) => {
      this.parts.readSlicer.run(() => {
        this.compute(revision, finish);
        return true;
      });
    });
  }

  /** Over everything that is replicated, for Maintenance.Hash. */
  hash(done: Done<number>): void {
    const { storeLoop, store } = this.parts;
    this.begin('hash', done, (finish) => {
      storeLoop.flush(() => store().hash((hash) => finish(ok(hash))));
    });
  }

  /** The store is being replaced, or the member stops: the scans under way end without an answer. */
  abandon(error: EtcdError): void {
    for (const fail of this.running) fail(error);
  }

  /** To be called when a compaction is applied: begins the hash that its revision is remembered by. */
  openCompactionFold(previousCompactRevision: number): HashKvFold {
    return compactionHashFold(this.parts.revisions(), previousCompactRevision);
  }

  /** Folds what is there before a compaction deletes anything; `keep` is to be called when it is done. */
  hashBefore(fold: HashKvFold, done: (keep: () => void) => void): void {
    this.feed(fold, (hash) => done(() => this.compactions.add(hash)));
  }

  /** Of the last compactions, the newest first. */
  kept(): readonly KvHash[] {
    return this.compactions.list();
  }

  /** A received snapshot has replaced the store: its past is not this one's. */
  forget(): void {
    this.compactions = new CompactionHashes();
  }

  /** Behind a compaction that is under way, so that its hash is known when it is asked for. */
  private begin<T>(what: 'hash' | 'hashKv', done: Done<T>, work: (finish: Done<T>) => void): void {
    const { exclusive, scheduler, took } = this.parts;
    const isTaken = exclusive.maybeRun((release) => {
      const startedMs = scheduler.nowMs();
      const fail = (error: EtcdError): void => finish(failed(error));
      // What an abandoned call still comes to is dropped.
      const finish = (outcome: Outcome<T>): void => {
        if (!this.running.delete(fail)) return;
        took(what, scheduler.nowMs() - startedMs);
        release();
        done(outcome);
      };
      this.running.add(fail);
      work(finish);
    });
    if (!isTaken) done(failed(errors.tooManyRequests));
  }

  private compute(asked: number, done: Done<KvHash>): void {
    const known = this.compactions.find(asked);
    if (known !== undefined) {
      done(ok(known));
      return;
    }
    const { revision: current, compactRevision } = this.parts.revisions();
    const revision = asked === 0 ? current : asked;
    if (revision > current) done(failed(errors.futureRevision));
    else if (revision > 0 && revision < compactRevision) done(failed(errors.compacted));
    else this.feed(hashKvFold(this.parts.revisions(), revision), (hash) => done(ok(hash)));
  }

  /** Rows that are not durable yet are made so first, so that one scan sees all. */
  private feed(fold: HashKvFold, done: (hash: KvHash) => void): void {
    const { revision, compactRevision } = fold;
    const from = encodeRowKey(0, 0, false);
    const to = rowKeyAfter(Math.max(revision, 0));
    this.parts.storeLoop.flush(() => {
      this.parts.store().scan(from, to, rowsPerBatch, (rows, isLast, resume) => {
        fold.feed(rows);
        if (isLast) done({ hash: fold.result(), revision, compactRevision });
        else resume();
      });
    });
  }
}
