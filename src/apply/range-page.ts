import { mustGet } from '../base/assert.ts';
import type { MvccStore } from '../mvcc/store.ts';
import { isSingleKey, keyRangeOf, rangeAbove } from '../mvcc/key-range.ts';
import type { KeyRange, StretchLimits } from '../mvcc/types.ts';
import { failed, ok, type Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse } from '../wire/kv.ts';
import { KvsWriter } from '../wire/kvs-writer.ts';
import { refuseRevision, revisionHeader } from './range.ts';
import { hasRevisionFilters, isKeyOrder } from './range-order.ts';

/**
 * The range that is asked most: keys in their order, with their values, some of them or all. Its rows go from where
 * they lie into the answer as it is sent; what the cursor of range.ts would answer costs four times as much.
 */

/** Whether a range is such a one: nothing is to be sorted, left out or taken away. */
export function isPage(request: RangeRequest): boolean {
  const { rangeEnd, keysOnly, countOnly } = request;
  if (isSingleKey(rangeEnd) || keysOnly || countOnly) return false;
  return isKeyOrder(request) && !hasRevisionFilters(request);
}

export class PageCursor {
  readonly kvs = new KvsWriter();
  private readonly store: MvccStore;
  private readonly request: RangeRequest;
  private readonly currentRevision: number;
  readonly revision: number;
  private readonly range: KeyRange;
  private readonly count: number;
  private readonly more: boolean;
  private rest: KeyRange;
  /** Rows to read. */
  private left: number;

  static open(store: MvccStore, request: RangeRequest): Outcome<PageCursor> {
    const refused = refuseRevision(store, request.revision, store.revision);
    return refused === undefined ? ok(new PageCursor(store, request)) : failed(refused);
  }

  private constructor(store: MvccStore, request: RangeRequest) {
    const { revision, limit, key, rangeEnd } = request;
    this.store = store;
    this.request = request;
    this.currentRevision = store.revision;
    this.revision = revision > 0 ? revision : store.revision;
    this.range = keyRangeOf(key, rangeEnd);
    this.rest = this.range;
    // Nothing is left out: what is not among the first so many is what there is more.
    this.count = store.count(this.range, this.revision);
    this.more = limit > 0 && this.count > limit;
    this.left = this.more ? limit : this.count;
  }

  /** Goes on at the revision of the start, which the caller has pinned; answers true at the end. */
  advance(limits: StretchLimits): boolean {
    if (this.left === 0) return true;
    const rowsMax = Math.min(this.left, limits.rowsMax);
    const { rows, lastKey } = this.store.readInto(this.kvs, this.rest, this.revision, {
      ...limits,
      rowsMax,
    });
    this.left -= rows;
    const last = mustGet(lastKey, 'a range holds fewer keys than were counted');
    this.rest = rangeAbove(this.rest, last);
    if (this.left > 0) return false;
    // The next page of the list need not count again.
    if (this.more)
      this.store.rememberCount(this.rest, this.revision, this.count - this.request.limit);
    return true;
  }

  /** All of the answer but its `kvs`. */
  get answer(): Omit<RangeResponse, 'kvs'> {
    const { count, more, currentRevision } = this;
    return { header: revisionHeader(currentRevision), more, count };
  }
}
