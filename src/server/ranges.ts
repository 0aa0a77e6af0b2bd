import { assert } from '../base/assert.ts';
import { RangeStreamCursor } from '../apply/range-stream.ts';
import { RangeCursor } from '../apply/range.ts';
import type { RevisionStore } from '../mvcc/types.ts';
import { errors, failed } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse } from '../wire/kv.ts';
import type { Slicer } from './slicer.ts';
import type { Done, RangeStreamSource } from './types.ts';

/** Ranges at the applied state, in slices: one over a million keys never holds the event loop. */

/** What one step of a slice reads at most. */
const rowsPerStep = 64;
const bytesPerStep = 256 * 1024;

export interface RangeParts {
  readonly slicer: Slicer;
  readonly store: RevisionStore;
  /** False once a received snapshot has taken the store's place: its rows are gone. */
  readonly isInForce: () => boolean;
  /** The encoded size that the chunks of a stream aim at. */
  readonly chunkBytes: number;
}

export function runRange(parts: RangeParts, request: RangeRequest, done: Done<RangeResponse>): void {
  const opened = RangeCursor.open(parts.store, request);
  if (!opened.ok) {
    done(opened);
    return;
  }
  const cursor = opened.value;
  parts.slicer.run(() => {
    if (!parts.isInForce()) {
      done(failed(errors.timeout));
      return true;
    }
    const { isDone } = cursor.advance(rowsPerStep, bytesPerStep);
    if (isDone) done(cursor.response());
    return isDone;
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
