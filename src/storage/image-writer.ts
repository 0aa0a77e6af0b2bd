import { assert, mustGet } from '../base/assert.ts';
import { compareBytes, copyBytes, emptyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Database } from './database.ts';
import type { StorageContext } from './disk.ts';
import { decodeFrame, decodeRows } from './image-frames.ts';
import type { Frame } from './image-frames.ts';
import type { SpaceGuard } from './space-guard.ts';
import { emptySpaces, putSpaceRow } from './state-store.ts';
import type { StoreContent } from './state-store.ts';
import { decodeMeta, encodeMeta } from './store-meta.ts';
import type { StoreMeta } from './store-meta.ts';
import {
  RowTally,
  describeTotals,
  equalTotals,
  metaKey,
  noRows,
  rowBytes,
  spaceOf,
  unsealAt,
} from './store-rows.ts';
import type { ImageWriter, StoreState } from './types.ts';

/**
 * Receives an image into the store of a fresh file set. Each chunk is one synced batch: an unsynced one could
 * be lost behind a later one that is kept (LevelDB's log files are separate). The first thing that is wrong
 * ends it: chunks after it are ignored, and `finish` says what it was.
 */
export class DatabaseImageWriter implements ImageWriter {
  readonly fileSet: number;
  private readonly context: StorageContext;
  private readonly space: SpaceGuard;
  private readonly discard: () => void;
  private readonly aborted: () => void;
  /** Set when the fresh database is open. */
  private db: Database | undefined;
  private readonly whenOpen: (() => void)[] = [];
  private meta: StoreMeta | undefined;
  private nextFrame = 0;
  private readonly tally = new RowTally(noRows);
  private readonly smallTally = new RowTally(noRows);
  private lastKey: Bytes = emptyBytes;
  private lastRowKey: Bytes = emptyBytes;
  private readonly spaces = emptySpaces();
  private refusal: string | undefined;
  private phase: 'receiving' | 'ended' | 'finished' | 'aborted' = 'receiving';
  private isWriting = false;

  constructor(parts: {
    readonly context: StorageContext;
    readonly space: SpaceGuard;
    readonly fileSet: number;
    /** Removes what was received; called when no write is in flight. */
    readonly discard: (db: Database | undefined) => void;
    readonly aborted: () => void;
  }) {
    this.context = parts.context;
    this.space = parts.space;
    this.fileSet = parts.fileSet;
    this.discard = () => parts.discard(this.db);
    this.aborted = parts.aborted;
  }

  get state(): StoreState | undefined {
    return this.phase === 'finished' ? this.meta?.state : undefined;
  }

  /** The whole store, for `install`. */
  get received(): { readonly db: Database; readonly content: StoreContent } {
    assert(this.phase === 'finished', 'only a whole image is installed');
    const meta = mustGet(this.meta, 'a finished image has its meta row');
    return {
      db: mustGet(this.db, 'a finished image has a database'),
      content: {
        meta,
        lastRowKey: this.lastRowKey,
        spaces: this.spaces,
        smallTotals: this.smallTally.totals(),
      },
    };
  }

  opened(db: Database): void {
    this.db = db;
    if (this.phase === 'aborted') return this.discard();
    for (const run of this.whenOpen.splice(0)) run();
  }

  write(chunk: Bytes, done: () => void): void {
    assert(!this.isWriting, 'one chunk of an image is written at a time');
    if (this.context.hasFailed || this.phase === 'aborted') return;
    this.isWriting = true;
    this.run(() => this.take(chunk, done));
  }

  finish(done: (refused: string | undefined) => void): void {
    assert(!this.isWriting, 'the last chunk has been written');
    if (this.context.hasFailed || this.phase === 'aborted') return;
    this.isWriting = true;
    this.run(() => this.check(done));
  }

  abort(): void {
    if (this.phase === 'aborted') return;
    this.phase = 'aborted';
    this.aborted();
    // Otherwise the end of the opening or of the write in flight comes to it.
    if (this.db !== undefined && !this.isWriting) this.discard();
  }

  private run(step: () => void): void {
    if (this.db === undefined) this.whenOpen.push(step);
    else this.context.scheduler.endOfTurn(step);
  }

  private take(chunk: Bytes, done: () => void): void {
    if (this.context.hasFailed) return;
    const frame = decodeFrame(chunk);
    if (frame === undefined) this.refusal ??= 'a chunk of the image was damaged on the way';
    else if (frame.number !== this.nextFrame) {
      this.refusal ??= `chunk ${this.nextFrame} of the image is missing, ${frame.number} came`;
    }
    this.nextFrame++;
    if (frame === undefined || this.refusal !== undefined) return this.settle(done);
    this.takeFrame(frame, done);
  }

  private takeFrame(frame: Frame, done: () => void): void {
    if (this.phase === 'ended') this.refusal = 'the image goes on after its end';
    else if ((frame.number === 0) !== (frame.kind === 'meta')) {
      this.refusal = 'the image does not begin with its description';
    } else if (frame.kind === 'meta') {
      this.meta = decodeMeta(frame.payload);
      if (this.meta === undefined) this.refusal = 'the description of the image is damaged';
    } else if (frame.kind === 'end') this.phase = 'ended';
    else return this.takeRows(frame.payload, done);
    this.settle(done);
  }

  private takeRows(payload: Bytes, done: () => void): void {
    const rows = decodeRows(payload);
    if (rows === undefined) {
      this.refusal = 'rows of the image cannot be read';
      return this.settle(done);
    }
    const batch = mustGet(this.db, 'rows come after the opening').batch();
    for (const { key, value: sealed } of rows) {
      const value = unsealAt(key, sealed);
      const space = spaceOf(key);
      if (value === undefined || space === undefined || compareBytes(key, this.lastKey) <= 0) {
        this.refusal = 'a row of the image is damaged or out of place';
        return this.settle(done);
      }
      this.tally.addSealed(rowBytes(key, value.length), sealed);
      this.lastKey = copyBytes(key);
      if (space === 'revision') this.lastRowKey = this.lastKey.subarray(1);
      else {
        putSpaceRow(this.spaces, space, { key: this.lastKey.subarray(1), value: copyBytes(value) });
        this.smallTally.addSealed(rowBytes(key, value.length), sealed);
      }
      batch.put(key, sealed);
    }
    this.space.fits(payload.length, () => {
      batch.write((error) => {
        if (this.context.hasFailed) return;
        if (error !== undefined) return this.context.writeFailed('writing a received image', error);
        this.settle(done);
      });
    });
  }

  private check(done: (refused: string | undefined) => void): void {
    if (this.context.hasFailed) return;
    const { meta } = this;
    if (meta === undefined || this.phase !== 'ended') this.refusal ??= 'the image is incomplete';
    else if (!equalTotals(meta.totals, this.tally.totals())) {
      this.refusal ??=
        `the image has ${describeTotals(this.tally.totals())}, ` +
        `its description says ${describeTotals(meta.totals)}`;
    }
    if (meta === undefined || this.refusal !== undefined) {
      return this.settle(() => {
        this.abort();
        done(this.refusal);
      });
    }
    const batch = mustGet(this.db, 'an image is checked after the opening').batch();
    batch.put(metaKey, encodeMeta(meta));
    batch.write((error) => {
      if (this.context.hasFailed) return;
      if (error !== undefined) return this.context.writeFailed('writing a received image', error);
      this.settle(() => {
        this.phase = 'finished';
        done(undefined);
      });
    });
  }

  private settle(done: () => void): void {
    this.isWriting = false;
    if (this.phase === 'aborted') this.discard();
    else done();
  }
}
