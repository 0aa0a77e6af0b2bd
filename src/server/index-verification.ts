import type { Timer } from '../base/clock.ts';
import { IndexCheck } from '../mvcc/index-check.ts';
import { encodeRowKey, rowKeyAfter } from '../mvcc/revision.ts';
import type { Row, Scan } from '../storage/types.ts';
import type { IndexCheckpointerParts } from './index-checkpoint-parts.ts';

/** Rows compared in a step: about a millisecond. */
const rowsPerStep = 250;
/** Between two steps; none when a compaction waits. */
const pauseMs = 10;
/** Until a compaction under way is asked after again. */
const retryMs = 1_000;

/**
 * Compares an index that was loaded from a checkpoint with the rows of the store, in the background, once. It would
 * not have been loaded if it did not look right; but a member that knows other keys than its store must not go on.
 */
export class IndexVerification {
  private readonly parts: IndexCheckpointerParts;
  private readonly passed: () => void;
  private timer: Timer | undefined;
  private scan: Scan | undefined;
  private release: (() => void) | undefined;
  private isStopped = false;

  constructor(parts: IndexCheckpointerParts, passed: () => void) {
    this.parts = parts;
    this.passed = passed;
  }

  start(delayMs: number): void {
    const { scheduler, storeLoop, slicer } = this.parts;
    this.timer = scheduler.after(delayMs, () => {
      storeLoop.flush(() => {
        slicer.run(() => {
          if (!this.isStopped) this.begin();
          return true;
        });
      });
    });
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.end();
  }

  private begin(): void {
    const { dataDir, isCompacting, state } = this.parts;
    const { revisions, leases } = state();
    const { compactRevision, index } = revisions;
    const { store } = dataDir;
    const isQuiet =
      !isCompacting() &&
      store.state.scheduledCompaction === -1 &&
      store.state.compactRevision === compactRevision &&
      index.floor === compactRevision;
    if (!isQuiet) return this.start(retryMs);
    this.release = revisions.pin(compactRevision);
    const { revision } = store.state;
    const check = new IndexCheck(index, revision, (key) => leases.leaseOf(key));
    const to = rowKeyAfter(revision);
    this.scan = store.scan(encodeRowKey(0, 0, false), to, rowsPerStep, (rows, isLast, resume) => {
      this.parts.slicer.run(() => {
        if (!this.isStopped) this.compare(check, { rows, isLast, resume });
        return true;
      });
    });
  }

  private compare(
    check: IndexCheck,
    {
      rows,
      isLast,
      resume,
    }: { readonly rows: readonly Row[]; readonly isLast: boolean; readonly resume: () => void },
  ): void {
    const { isCompacting, logger, scheduler } = this.parts;
    const difference = check.feed(rows) ?? (isLast ? check.finish() : undefined);
    if (difference !== undefined) return this.fail(difference);
    if (isLast) {
      this.end();
      logger.log('info', 'the index is what the rows of the store say', {
        revision: check.revision,
      });
      return this.passed();
    }
    if (isCompacting()) scheduler.endOfTurn(resume);
    else this.timer = scheduler.after(pauseMs, resume);
  }

  private end(): void {
    this.scan?.close();
    this.scan = undefined;
    this.release?.();
    this.release = undefined;
  }

  /** The next start reads every row, and so finds out whether it is the store that is wrong. */
  private fail(difference: string): void {
    const { dataDir, failed } = this.parts;
    this.stop();
    dataDir.removeCheckpoint(() => {
      failed(
        `the index that was loaded from a checkpoint is not what the store holds: ${difference}. The member ` +
          'must not serve from it. The checkpoint was removed: start the member again, and it reads the whole ' +
          'store. What it has applied since its last start may be wrong all the same: compare it with the ' +
          'others (endpoint hashkv --cluster), and exchange it if it differs.',
      );
    });
  }
}
