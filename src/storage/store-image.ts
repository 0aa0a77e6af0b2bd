import { assert } from '../base/assert.ts';
import { emptyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Cursor } from './database.ts';
import type { StorageContext } from './disk.ts';
import { encodeFrame, encodeRows, framedRowBytes } from './image-frames.ts';
import type { FrameKind } from './image-frames.ts';
import { encodeMeta } from './store-meta.ts';
import type { StoreMeta } from './store-meta.ts';
import { sealedKey } from './store-rows.ts';
import type { Row, StoreImage, StoreState } from './types.ts';

/** Rows asked for at once. */
const rowsMax = 250;

/** Streams the rows of a snapshot of the database. Reads ahead of the stream by one step of a scan. */
export class DatabaseStoreImage implements StoreImage {
  readonly state: StoreState;
  private readonly context: StorageContext;
  private readonly cursor: Cursor<Bytes>;
  private readonly meta: StoreMeta;
  private nextFrame = 0;
  private pending: Row[] = [];
  private hasEnded = false;
  private isClosed = false;
  /** Answers the read in progress. */
  private give: ((chunk: Bytes | undefined) => void) | undefined;
  private readonly closed: () => void;

  constructor(context: StorageContext, cursor: Cursor<Bytes>, meta: StoreMeta, closed: () => void) {
    this.closed = closed;
    this.context = context;
    this.cursor = cursor;
    this.meta = { ...meta, deletedBytes: 0 };
    this.state = meta.state;
  }

  read(bytesMax: number, next: (chunk: Bytes | undefined) => void): void {
    assert(this.give === undefined, 'one chunk of an image is read at a time');
    const give = (chunk: Bytes | undefined): void => {
      if (this.give !== give) return;
      this.give = undefined;
      next(chunk);
    };
    this.give = give;
    this.context.scheduler.endOfTurn(() => {
      if (this.isClosed) give(undefined);
      else if (this.nextFrame === 0) give(this.frame('meta', encodeMeta(this.meta)));
      else this.fill(bytesMax, give);
    });
  }

  /** Cuts the stream short: without its last frame no receiver takes it for whole. */

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pending = [];
    this.cursor.close();
    this.closed();
    const { give } = this;
    if (give !== undefined) this.context.scheduler.endOfTurn(() => give(undefined));
  }

  private fill(bytesMax: number, give: (chunk: Bytes | undefined) => void): void {
    if (this.isClosed || this.context.hasFailed) return;
    const count = this.rowsThatFit(bytesMax);
    if (count < this.pending.length) {
      const rows = this.pending.splice(0, count);
      return give(this.frame('rows', encodeRows(rows)));
    }
    this.cursor.next(rowsMax, (error, rows) => {
      if (this.isClosed || this.context.hasFailed) return;
      if (error !== undefined)
        return this.context.readFailed('reading an image of the store', error);
      for (const value of rows) this.pending.push({ key: sealedKey(value), value });
      if (rows.length > 0) return this.fill(bytesMax, give);
      this.finish(give);
    });
  }

  private finish(give: (chunk: Bytes | undefined) => void): void {
    if (this.pending.length > 0) {
      give(this.frame('rows', encodeRows(this.pending.splice(0))));
    } else if (this.hasEnded) {
      give(undefined);
    } else {
      this.hasEnded = true;
      give(this.frame('end', emptyBytes));
    }
  }

  /** At least one, when there is any. */
  private rowsThatFit(bytesMax: number): number {
    let bytes = 0;
    for (const [i, row] of this.pending.entries()) {
      bytes += framedRowBytes(row);
      if (bytes > bytesMax) return Math.max(1, i);
    }
    return this.pending.length;
  }

  private frame(kind: FrameKind, payload: Bytes): Bytes {
    return encodeFrame(kind, this.nextFrame++, payload);
  }
}
