import { assert } from '../base/assert.ts';
import { RangeStreamCursor } from '../apply/range-stream.ts';
import { RangeCursor } from '../apply/range.ts';
import type { Scheduler } from '../base/clock.ts';
import type { MvccStore } from '../mvcc/store.ts';
import { errors, failed, type Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse } from '../wire/kv.ts';
import type { Slicer } from './slicer.ts';
import type { Done, RangeStreamSource } from './types.ts';

/** Ranges at the applied state, in slices: one over a million keys never holds the event loop. */

/** What one step of a slice reads at most. */
const rowsPerStep = 64;
const bytesPerStep = 256 * 1024;

/** A range holds back compactions of what it reads for so long; after that it fails if one waits. */
const pinMsMax = 30_000;

export interface RangeParts {
  readonly slicer: Slicer;
  readonly scheduler: Scheduler;
  readonly store: MvccStore;
  /** False once a received snapshot has taken the store's place: its rows are gone. */
  readonly isInForce: () => boolean;
  /** The encoded size that the chunks of a stream aim at. */
  readonly chunkBytes: number;
}

export function runRange(
  parts: RangeParts,
  request: RangeRequest,
  done: Done<RangeResponse>,
): void {
  const { slicer, scheduler, store } = parts;
  const revision = request.revision > 0 ? request.revision : store.revision;
  const opened = RangeCursor.open(store, request, { isPinned: true });
  if (!opened.ok) {
    done(opened);
    return;
  }
  const cursor = opened.value;
  let release: (() => void) | undefined;
  let untilMs = 0;
  const finish = (outcome: Outcome<RangeResponse>): true => {
    release?.();
    done(outcome);
    return true;
  };
  slicer.run(() => {
    if (!parts.isInForce()) return finish(failed(errors.timeout));
    if (cursor.advance(rowsPerStep, bytesPerStep).isDone) return finish(cursor.response());
    if (release === undefined) {
      release = store.pin(revision);
      untilMs = scheduler.nowMs() + pinMsMax;
    } else if (scheduler.nowMs() > untilMs && store.compactRevision > revision) {
      return finish(failed(errors.compacted));
    }
    return false;
  });
}

export function openRangeStream(parts: RangeParts, request: RangeRequest): RangeStreamSource {
  const opened = RangeStreamCursor.open(parts.store, request, parts.chunkBytes);
  let isClosed = false;
  return {
    next: (done) => {
      assert(!isClosed, 'a closed range stream was asked for more');
      if (!opened.ok) {
        done(opened);
        return;
      }
      const cursor = opened.value;
      parts.slicer.run(() => {
        if (isClosed) return true;
        if (!parts.isInForce()) {
          done(failed(errors.timeout));
          return true;
        }
        const { isDone } = cursor.advance(rowsPerStep, bytesPerStep);
        if (isDone) done(cursor.chunk());
        return isDone;
      });
    },
    close: () => {
      isClosed = true;
    },
  };
}
