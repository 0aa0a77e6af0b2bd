import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import { RangeStreamCursor } from '../apply/range-stream.ts';
import { isPage, PageCursor } from '../apply/range-page.ts';
import { isOneRow, RangeCursor, readOneRow } from '../apply/range.ts';
import type { Steps } from '../apply/steps.ts';
import { evaluateReadTxn, isLongTxn, oldestRevisionRead, readTxnInSteps } from '../apply/txn.ts';
import type { MvccStore } from '../mvcc/store.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../wire/kv.ts';
import type { Slicer } from './slicer.ts';
import type { Done, LargeRange, RangeStreamSource, RangeToSend } from './types.ts';

/** Ranges at the applied state, in slices: one over a million keys never holds the event loop. */

/** What one step of a slice reads at most. */
const rowsPerStep = 64;
const bytesPerStep = 256 * 1024;

/** The same for rows that lie in memory: 512 of them take less than 64 that have to be read. */
const pageStretch = { rowsMax: 512, bytesMax: bytesPerStep, storedRowsMax: rowsPerStep };

/** A range holds back compactions of what it reads for so long; after that it fails if one waits. */
const pinMsMax = 30_000;

/** Of a large answer this is made at a time. */
const pieceBytes = 128 * 1024;
const pieceRows = 512;

export interface RangeParts {
  /** Held while an entry is half applied, of which nobody may see anything. */
  readonly slicer: Slicer;
  readonly scheduler: Scheduler;
  readonly store: MvccStore;
  /** False once a received snapshot has taken the store's place, or the member has stopped: its rows are gone. */
  readonly isInForce: () => boolean;
  /** The encoded size that the chunks of a stream aim at. */
  readonly chunkBytes: number;
  /** An answer of more is made while it is sent, if its sender can do that. */
  readonly largeBytes: number;
}

export function runRange(
  parts: RangeParts,
  request: RangeRequest,
  done: Done<RangeResponse>,
): void {
  if (mayReadAtOnce(parts, request)) return done(readAtOnce(parts, request));
  runToEnd(parts, request, Infinity, (outcome) => {
    if (!outcome.ok) return done(outcome);
    const { cursor, pin } = outcome.value;
    pin?.release();
    done(cursor.response());
  });
}

/** The same, but of an answer above `largeBytes` only its size is found out before it is sent. */
export function runRangeToSend(
  parts: RangeParts,
  request: RangeRequest,
  done: Done<RangeToSend>,
): void {
  if (mayReadAtOnce(parts, request)) {
    const read = readAtOnce(parts, request);
    return done(read.ok ? ok({ type: 'whole', response: read.value }) : read);
  }
  if (isPage(request)) return runPage(parts, request, done);
  runMeasured(parts, request, done);
}

function runMeasured(parts: RangeParts, request: RangeRequest, done: Done<RangeToSend>): void {
  runToEnd(parts, request, parts.largeBytes, (outcome) => {
    if (!outcome.ok) return done(outcome);
    const { cursor, pin } = outcome.value;
    const response = cursor.response();
    if (response.ok && cursor.isMeasured && pin !== undefined) {
      const large = new PinnedRange(parts, response.value, cursor, pin);
      return done(ok({ type: 'large', large }));
    }
    pin?.release();
    done(response.ok ? ok({ type: 'whole', response: response.value }) : response);
  });
}

function mayReadAtOnce({ slicer }: RangeParts, request: RangeRequest): boolean {
  return !slicer.isOnHold && isOneRow(request);
}

function readAtOnce(parts: RangeParts, request: RangeRequest): Outcome<RangeResponse> {
  return parts.isInForce() ? readOneRow(parts.store, request) : failed(errors.timeout);
}

/** A page is read into its answer; what turns out to be large is begun again and measured. */
function runPage(parts: RangeParts, request: RangeRequest, done: Done<RangeToSend>): void {
  const { slicer, store } = parts;
  let cursor: PageCursor | undefined;
  let pin: Pin | undefined;
  const finish = (outcome: Outcome<RangeToSend>): true => {
    pin?.release();
    done(outcome);
    return true;
  };
  slicer.run(() => {
    const lost = whyLost(parts, pin);
    if (lost !== undefined) return finish(failed(lost));
    if (cursor === undefined) {
      const opened = PageCursor.open(store, request);
      if (!opened.ok) return finish(opened);
      cursor = opened.value;
    }
    const isDone = cursor.advance(pageStretch);
    if (cursor.kvs.length > parts.largeBytes) {
      pin?.release();
      runMeasured(parts, request, done);
      return true;
    }
    if (isDone) return finish(ok({ type: 'page', answer: cursor.answer, kvs: cursor.kvs }));
    pin ??= new Pin(parts, cursor.revision);
    return false;
  });
}

interface EndedRange {
  readonly cursor: RangeCursor;
  /** For the caller to release; a range that is read in one step needs none. */
  readonly pin: Pin | undefined;
}

function runToEnd(
  parts: RangeParts,
  request: RangeRequest,
  measuredAbove: number,
  done: (outcome: Outcome<EndedRange>) => void,
): void {
  const { slicer, store } = parts;
  let cursor: RangeCursor | undefined;
  let revision = 0;
  let pin: Pin | undefined;
  const fail = (error: EtcdError): true => {
    pin?.release();
    done(failed(error));
    return true;
  };
  slicer.run(() => {
    const lost = whyLost(parts, pin);
    if (lost !== undefined) return fail(lost);
    if (cursor === undefined) {
      revision = request.revision > 0 ? request.revision : store.revision;
      const opened = RangeCursor.open(store, request, { isPinned: true, measuredAbove });
      if (!opened.ok) return fail(opened.error);
      cursor = opened.value;
    }
    const { isDone } = cursor.advance(rowsPerStep, bytesPerStep);
    if (isDone && !cursor.isMeasured) done(ok({ cursor, pin }));
    else {
      pin ??= new Pin(parts, revision);
      if (isDone) done(ok({ cursor, pin }));
    }
    return isDone;
  });
}

/** Keeps a revision from physical deletion for a while, and tells when it may be gone after that. */
class Pin {
  private readonly store: MvccStore;
  private readonly revision: number;
  private readonly releasePin: () => void;
  private readonly timer: Timer;
  private isHeld = true;

  constructor({ store, scheduler }: RangeParts, revision: number) {
    this.store = store;
    this.revision = revision;
    this.releasePin = store.pin(revision);
    this.timer = scheduler.after(pinMsMax, () => this.release());
  }

  get isLost(): boolean {
    return !this.isHeld && this.store.compactRevision > this.revision;
  }

  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.timer.cancel();
    this.releasePin();
  }
}

/** Why what has begun cannot go on; undefined: it can. */
function whyLost(parts: RangeParts, pin: Pin | undefined): EtcdError | undefined {
  if (!parts.isInForce()) return errors.timeout;
  return pin?.isLost === true ? errors.compacted : undefined;
}

/** A range that was measured, read again piece by piece as it is sent. */
class PinnedRange implements LargeRange {
  readonly rest: LargeRange['rest'];
  readonly kvsBytes: number;
  private readonly parts: RangeParts;
  private readonly cursor: RangeCursor;
  private readonly pin: Pin;

  constructor(
    parts: RangeParts,
    { header, more, count }: RangeResponse,
    measured: RangeCursor,
    pin: Pin,
  ) {
    this.parts = parts;
    this.rest = { header, more, count };
    this.kvsBytes = measured.kvsBytes;
    this.cursor = measured.again();
    this.pin = pin;
  }

  next(): readonly Bytes[] | undefined {
    if (whyLost(this.parts, this.pin) !== undefined) return undefined;
    // The one step finds versions, the other reads their rows.
    for (;;) {
      const { isDone } = this.cursor.advance(pieceRows, pieceBytes);
      const kvs = this.cursor.takeKvs();
      if (kvs.length > 0) return kvs;
      assert(!isDone, 'a range was asked for more than was measured');
    }
  }

  close(): void {
    this.pin.release();
  }
}

/** A transaction of ranges, at one revision; in slices where it may take long. */
export function runReadTxn(parts: RangeParts, request: TxnRequest, done: Done<TxnResponse>): void {
  const { slicer, store } = parts;
  let steps: Steps<Outcome<TxnResponse>> | undefined;
  let pin: Pin | undefined;
  const finish = (outcome: Outcome<TxnResponse>): true => {
    pin?.release();
    done(outcome);
    return true;
  };
  slicer.run(() => {
    const lost = whyLost(parts, pin);
    if (lost !== undefined) return finish(failed(lost));
    if (steps === undefined) {
      if (!isLongTxn(store, request)) return finish(evaluateReadTxn(store, request));
      pin = new Pin(parts, oldestRevisionRead(store, request));
      steps = readTxnInSteps(store, request);
    }
    const next = steps.next(rowsPerStep);
    return next.done === true && finish(next.value);
  });
}

export function openRangeStream(parts: RangeParts, request: RangeRequest): RangeStreamSource {
  let opened: Outcome<RangeStreamCursor> | undefined;
  let isClosed = false;
  return {
    next: (done) => {
      assert(!isClosed, 'a closed range stream was asked for more');
      parts.slicer.run(() => {
        if (isClosed) return true;
        if (!parts.isInForce()) {
          done(failed(errors.timeout));
          return true;
        }
        opened ??= RangeStreamCursor.open(parts.store, request, parts.chunkBytes);
        if (!opened.ok) {
          done(opened);
          return true;
        }
        const { isDone } = opened.value.advance(rowsPerStep, bytesPerStep);
        if (isDone) done(opened.value.chunk());
        return isDone;
      });
    },
    close: () => {
      isClosed = true;
    },
  };
}
