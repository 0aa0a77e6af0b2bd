import type { Timer } from '../base/clock.ts';
import type { Bytes } from '../base/bytes.ts';
import { IndexCapture } from '../mvcc/index-capture.ts';
import type { CheckpointWriter } from '../storage/types.ts';
import { encodeAttachments, leaseBlockNumber, numberOfKind } from './checkpoint-blocks.ts';
import type { IndexCheckpointerParts } from './index-checkpoint-parts.ts';
import { IndexVerification } from './index-verification.ts';

/** Of an index with more versions than this times `rowsMin`, so many have to be new. */
const shareOfVersions = 1 / 8;
/** Versions copied in a step: about a millisecond. */
const versionsPerStep = 1_000;
const attachmentsPerStep = 500;
/** Between two steps; none when somebody waits for the end. */
const pauseMs = 5;

interface Writing {
  readonly writer: CheckpointWriter;
  readonly capture: IndexCapture;
  readonly release: () => void;
  readonly startedMs: number;
}

/**
 * Writes the index to the data dir now and then, and at a planned stop, so that a start need not read every row. The
 * copy is of the index as of the store's last commit; leases of keys are copied as they are when their turn comes:
 * whatever has changed since that commit, the rows above it will say again.
 */
export class IndexCheckpointer {
  private readonly parts: IndexCheckpointerParts;
  /** What the newest checkpoint in the data dir holds; undefined when there is none. */
  private lastRevision: number | undefined;
  private verification: IndexVerification | undefined;
  private writing: Writing | undefined;
  /** The one that is about to be begun. */
  private opening: object | undefined;
  private timer: Timer | undefined;
  private isHurried = false;
  private isStopped = false;
  private waiters: (() => void)[] = [];

  /** `loadedRevision`: of the checkpoint that the index was made from. */
  constructor(parts: IndexCheckpointerParts, loadedRevision: number | undefined) {
    this.parts = parts;
    this.lastRevision = loadedRevision;
    if (loadedRevision === undefined) return;
    this.verification = new IndexVerification(parts, () => {
      this.verification = undefined;
    });
  }

  start(): void {
    this.verification?.start(this.parts.settings.verifyAfterMs);
    this.arm(this.parts.settings.intervalMs);
  }

  /** Gives up what is under way: the member stops. */
  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.abandon();
  }

  /** Gives up what is under way: the index is about to be replaced by one that is made of rows. */
  abandon(): void {
    this.verification?.stop();
    this.verification = undefined;
    this.lastRevision = undefined;
    this.giveUp();
  }

  /** Writes one if there is much to save, for a stop that is planned; calls back after `stopLimitMs` at the latest. */
  beforeStop(done: () => void): void {
    const { settings, scheduler } = this.parts;
    if (settings.stopLimitMs === 0 || this.isStopped) return done();
    let isDone = false;
    const end = (): void => {
      limit.cancel();
      if (!isDone) done();
      isDone = true;
    };
    const limit = scheduler.after(settings.stopLimitMs, end);
    this.isHurried = true;
    this.waiters.push(end);
    if (this.writing === undefined && this.opening === undefined && !this.maybeBegin())
      this.endWaiting();
  }

  private arm(delayMs: number): void {
    this.timer = this.parts.scheduler.after(delayMs, () => {
      this.arm(this.parts.settings.intervalMs);
      this.maybeBegin();
    });
  }

  /** How many rows a start would have to read. */
  private rowsBeyond(): number {
    const { changes, floor, versions } = this.parts.state().revisions.index;
    const { lastRevision } = this;
    if (lastRevision === undefined || lastRevision < floor) return versions.count;
    return changes.end - changes.firstAfter(lastRevision);
  }

  private maybeBegin(): boolean {
    const { settings, state, storeLoop, slicer } = this.parts;
    // What was not compared with the rows yet must not be handed on.
    if (this.isStopped || !this.parts.isServing() || this.verification !== undefined) return false;
    if (this.writing !== undefined || this.opening !== undefined) return false;
    const worthwhile = state().revisions.index.versions.count * shareOfVersions;
    if (this.rowsBeyond() < Math.max(settings.rowsMin, this.isHurried ? 0 : worthwhile))
      return false;
    const opening = {};
    this.opening = opening;
    storeLoop.flush(() => {
      slicer.run(() => {
        if (this.opening !== opening) return true;
        this.opening = undefined;
        this.begin();
        return true;
      });
    });
    return true;
  }

  private begin(): void {
    const { dataDir, isCompacting, scheduler, state } = this.parts;
    const { revisions } = state();
    const { compactRevision, index } = revisions;
    const stored = dataDir.store.state;
    const isQuiet =
      !isCompacting() &&
      stored.scheduledCompaction === -1 &&
      stored.compactRevision === compactRevision &&
      index.floor === compactRevision;
    const writer = isQuiet && !dataDir.isSpaceLow ? dataDir.openCheckpoint() : undefined;
    if (writer === undefined) return this.endWaiting();
    this.writing = {
      writer,
      capture: new IndexCapture(index, stored.revision),
      release: revisions.pin(compactRevision),
      startedMs: scheduler.nowMs(),
    };
    this.next(this.writing, (writing) => this.copyIndex(writing));
  }

  private copyIndex(writing: Writing): void {
    const isDone = writing.capture.step(versionsPerStep);
    const blocks = writing.capture.takeBlocks().map(({ kind, bytes }) => ({
      number: numberOfKind(kind),
      bytes,
    }));
    this.writeAll(writing, blocks, () => {
      if (!isDone) return this.next(writing, () => this.copyIndex(writing));
      writing.release();
      const attachments = this.parts.state().leases.attachments();
      this.next(writing, () => this.copyLeases(writing, attachments));
    });
  }

  private copyLeases(
    writing: Writing,
    attachments: IterableIterator<readonly [string, bigint]>,
  ): void {
    const taken: (readonly [string, bigint])[] = [];
    while (taken.length < attachmentsPerStep) {
      const next = attachments.next();
      if (next.done === true) break;
      taken.push(next.value);
    }
    const block = { number: leaseBlockNumber, bytes: encodeAttachments(taken) };
    if (taken.length === attachmentsPerStep) {
      this.writeAll(writing, [block], () => {
        this.next(writing, () => this.copyLeases(writing, attachments));
      });
      return;
    }
    // All that was copied is of entries up to here.
    const through = { appliedIndex: this.parts.appliedIndex() };
    this.writeAll(writing, taken.length === 0 ? [] : [block], () => {
      this.parts.storeLoop.flush(() => {
        if (this.writing !== writing) return;
        writing.writer.finish(through, (failed) => this.ended(writing, failed));
      });
    });
  }

  private writeAll(
    writing: Writing,
    blocks: readonly { readonly number: number; readonly bytes: Bytes }[],
    done: () => void,
  ): void {
    const [block, ...rest] = blocks;
    if (block === undefined) return done();
    writing.writer.write(block.number, block.bytes, (failed) => {
      if (this.writing !== writing) return;
      if (failed === undefined) this.writeAll(writing, rest, done);
      else this.ended(writing, failed);
    });
  }

  private next(writing: Writing, step: (writing: Writing) => void): void {
    const { isCompacting, scheduler, slicer } = this.parts;
    const run = (): void => {
      slicer.run(() => {
        if (this.writing === writing) step(writing);
        return true;
      });
    };
    if (this.isHurried || isCompacting()) scheduler.endOfTurn(run);
    else scheduler.after(pauseMs, run);
  }

  private ended(writing: Writing, failed: string | undefined): void {
    if (this.writing !== writing) return;
    const { logger, scheduler } = this.parts;
    writing.release();
    this.writing = undefined;
    const { revision } = writing.capture;
    if (failed === undefined) {
      this.lastRevision = revision;
      const took = `${Math.round(scheduler.nowMs() - writing.startedMs)}ms`;
      logger.log('info', 'wrote an index checkpoint', { revision, took });
    } else {
      logger.log('warn', 'could not write an index checkpoint', { revision, reason: failed });
    }
    this.endWaiting();
  }

  private giveUp(): void {
    const { writing } = this;
    this.opening = undefined;
    this.writing = undefined;
    writing?.release();
    writing?.writer.abort();
    this.endWaiting();
  }

  private endWaiting(): void {
    const waited = this.waiters;
    this.waiters = [];
    this.isHurried = false;
    for (const done of waited) done();
  }
}
