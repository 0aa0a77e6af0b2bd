import { assert, mustGet } from '../base/assert.ts';
import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { sortInSteps } from '../base/sort-in-steps.ts';
import type { KeyRange, KeyVersion, RevisionStore } from '../mvcc/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { ResponseHeader } from '../wire/header.ts';
import { SortTarget, type RangeRequest, type RangeResponse } from '../wire/kv.ts';
import { KeyValue } from '../wire/mvccpb.ts';
import { varintBytes } from '../wire/varint.ts';
import { isSingleKey, keyRangeOf, rangeAbove } from '../mvcc/key-range.ts';
import { bytesPerStep, type Steps } from './steps.ts';
import {
  hasRevisionFilters,
  isDefaultOrder,
  isKeyOrder,
  passesFilters,
  valueOrderOf,
  versionOrderOf,
  type ValueRow,
} from './range-order.ts';

/**
 * Range, evaluated in slices (etcd server/etcdserver/txn/range.go and
 * server/storage/mvcc/kvstore_txn.go).
 */

/** How far one slice has come. */
export interface Progress {
  readonly isDone: boolean;
}

/** A header as apply makes it: the revision alone, the answering member fills in the rest. */
export function revisionHeader(revision: number): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 };
}

export interface RangeOptions {
  /**
   * The newest revision to be seen, by default the store's: within a transaction that has changed
   * something it is one above that.
   */
  readonly currentRevision?: number;
  /** Leaves `count` at 0, for a caller who counts otherwise. */
  readonly skipsCount?: boolean;
  /** The caller keeps the revision from being deleted, so a compaction above it does no harm. */
  readonly isPinned?: boolean;
  /**
   * Once so many bytes of an answer in key order have been read, they are given up and the rest is only measured:
   * the answer is then made by reading again (`again`) while it is sent.
   */
  readonly measuredAbove?: number;
}

/** The whole range at once: for transactions, and wherever a range is known to be small. */
export function evaluateRange(
  store: RevisionStore,
  request: RangeRequest,
  options: RangeOptions = {},
): Outcome<RangeResponse> {
  if (isOneRow(request)) return readOneRow(store, request, options.currentRevision);
  const opened = RangeCursor.open(store, request, options);
  if (!opened.ok) return opened;
  const cursor = opened.value;
  while (!cursor.advance(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).isDone);
  return cursor.response();
}

/** Whether a range is one look-up: a key by itself, and nothing asked of it but its row. Most are. */
export function isOneRow({ rangeEnd, keysOnly, countOnly, sortTarget }: RangeRequest): boolean {
  return isSingleKey(rangeEnd) && !keysOnly && !countOnly && sortTarget !== SortTarget.VALUE;
}

/** What the cursor below would answer to such a range, at a third of its cost. */
export function readOneRow(
  store: RevisionStore,
  request: RangeRequest,
  currentRevision = store.revision,
): Outcome<RangeResponse> {
  const refused = refuseRevision(store, request.revision, currentRevision);
  if (refused !== undefined) return failed(refused);
  const isNewest = request.revision <= 0 || request.revision === currentRevision;
  const version = store.get(request.key, isNewest ? undefined : request.revision);
  const header = revisionHeader(currentRevision);
  if (version === undefined) return ok({ header, kvs: [], more: false, count: 0 });
  const kvs = passesFilters(request, version) ? [store.read(version)] : [];
  return ok({ header, kvs, more: false, count: 1 });
}

export function refuseRevision(
  store: RevisionStore,
  revision: number,
  currentRevision: number,
): EtcdError | undefined {
  if (revision > currentRevision) return errors.futureRevision;
  return revision > 0 && revision < store.compactRevision ? errors.compacted : undefined;
}

/** The same in steps. */
export function* rangeInSteps(
  store: RevisionStore,
  request: RangeRequest,
  options: RangeOptions,
): Steps<Outcome<RangeResponse>> {
  const opened = RangeCursor.open(store, request, options);
  if (!opened.ok) return opened;
  for (;;) {
    const rowsMax = yield undefined;
    if (opened.value.advance(rowsMax, bytesPerStep).isDone) return opened.value.response();
  }
}

/**
 * One range at the revision at which it was opened, whatever is written between two slices. It
 * reads in three steps: versions are found in the index, put in order, and their rows read; in key
 * order the first and the last go hand in hand.
 */
export class RangeCursor {
  private readonly store: RevisionStore;
  private readonly request: RangeRequest;
  private readonly currentRevision: number;
  /** The revision that is read, and whether it was the newest when the cursor was opened. */
  private readonly revision: number;
  private readonly isNewest: boolean;
  private readonly isPinned: boolean;
  private readonly openedAt: number;
  private count = 0;
  private readonly limit: number;
  /** Versions to look at before the range is cut, and whether more of them are left. */
  private scanLeft: number;
  private isScanned = false;
  private rest: KeyRange;
  /** Versions found and passed, of which those before `nextUnread` have been read. */
  private found: KeyVersion[] = [];
  private nextUnread = 0;
  private lastReadKey: Bytes | undefined;
  private matched = 0;
  private kvs: Bytes[] = [];
  /** Of all `kvs` as they stand in an encoded RangeResponse. */
  private encodedBytes = 0;
  private measuring = false;
  private readonly measuredAbove: number;
  private hasCounted = false;
  private sorting: Sorting | undefined;
  private readonly byValue: ValueRow[] = [];
  private more = false;
  private refused: EtcdError | undefined;
  private isDone = false;

  static open(
    store: RevisionStore,
    request: RangeRequest,
    options: RangeOptions = {},
  ): Outcome<RangeCursor> {
    const currentRevision = options.currentRevision ?? store.revision;
    const refused = refuseRevision(store, request.revision, currentRevision);
    if (refused !== undefined) return failed(refused);
    const cursor = new RangeCursor(store, request, { ...options, currentRevision });
    cursor.begin(options.skipsCount === true);
    return ok(cursor);
  }

  private constructor(
    store: RevisionStore,
    request: RangeRequest,
    options: RangeOptions & { readonly currentRevision: number },
  ) {
    const { currentRevision, isPinned } = options;
    this.isPinned = isPinned === true;
    this.store = store;
    this.request = request;
    this.currentRevision = currentRevision;
    this.isNewest = request.revision <= 0 || request.revision === currentRevision;
    this.revision = this.isNewest ? currentRevision : request.revision;
    this.openedAt = store.revision;
    this.limit = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    this.rest = keyRangeOf(request.key, request.rangeEnd);
    const mayMeasure = isKeyOrder(request) && !isSingleKey(request.rangeEnd);
    this.measuredAbove = mayMeasure ? (options.measuredAbove ?? Infinity) : Infinity;
    this.scanLeft =
      isDefaultOrder(request) && !hasRevisionFilters(request)
        ? Math.min(this.limit + 1, Number.MAX_SAFE_INTEGER)
        : Number.MAX_SAFE_INTEGER;
  }

  private begin(skipsCount: boolean): void {
    if (isSingleKey(this.request.rangeEnd)) this.count = this.findSingleKey();
    else if (!skipsCount) {
      this.count = this.store.count(this.rest, this.readRevision());
      this.hasCounted = true;
    }
    this.isDone = this.request.countOnly;
  }

  /** Whether the answer was measured and not kept, and the bytes of its `kvs` as they are encoded. */
  get isMeasured(): boolean {
    return this.measuring;
  }

  get kvsBytes(): number {
    return this.encodedBytes;
  }

  /** The same range from its start, at the same revision, which the caller has pinned; it counts nothing. */
  again(): RangeCursor {
    const { store, request, currentRevision } = this;
    const cursor = new RangeCursor(store, request, { currentRevision, isPinned: true });
    cursor.begin(true);
    return cursor;
  }

  /** What was read since the last call, for an answer that is not to be held whole. */
  takeKvs(): readonly Bytes[] {
    const { kvs } = this;
    this.kvs = [];
    return kvs;
  }

  /** The key of the last version in the response, by which a stream of ranges goes on. */
  get lastKey(): Bytes | undefined {
    return this.lastReadKey;
  }

  /**
   * Looks at no more than `rowsMax` versions and stops once `bytesMax` bytes of rows have been
   * read. At least one step is made, so that a caller who goes on comes to the end.
   */
  advance(rowsMax: number, bytesMax: number): Progress {
    this.checkCompaction();
    let rows = Math.max(rowsMax, 1);
    let bytes = bytesMax;
    do {
      if (this.isDone) break;
      if (this.sorting !== undefined) rows -= this.sortOn(this.sorting);
      else if (this.nextUnread < this.found.length && this.mayRead()) {
        rows -= 1;
        bytes -= this.readNext();
      } else if (this.isScanned) this.finish();
      else rows -= this.scan(rows);
    } while (rows > 0 && bytes > 0);
    return { isDone: this.isDone };
  }

  /** The answer, once `advance` has said that it is done. */
  response(): Outcome<RangeResponse> {
    assert(this.isDone, 'range asked for its response before it was done');
    if (this.refused !== undefined) return failed(this.refused);
    return ok({
      header: revisionHeader(this.currentRevision),
      kvs: this.kvs,
      more: this.more,
      count: this.count,
    });
  }

  /**
   * The revision to give to the store: undefined is the newest, which costs less than any older
   * one.
   */
  private readRevision(): number | undefined {
    // Its next slice may come while an entry is half applied: only by its number is its revision whole.
    if (this.isPinned) return this.revision;
    return this.isNewest && this.store.revision === this.openedAt ? undefined : this.revision;
  }

  /** A compaction above the pinned revision may have taken rows that a later slice would need. */
  private checkCompaction(): void {
    if (this.isDone || this.isPinned || this.store.compactRevision <= this.revision) return;
    this.refused = errors.compacted;
    this.isDone = true;
  }

  private findSingleKey(): number {
    this.isScanned = true;
    const version = this.store.get(this.request.key, this.readRevision());
    if (version === undefined) return 0;
    if (passesFilters(this.request, version)) this.found.push(version);
    return 1;
  }

  /**
   * In any other order than by key nothing is read before the order is known, unless it is by
   * value.
   */
  private mayRead(): boolean {
    return this.isScanned || isKeyOrder(this.request);
  }

  private scan(rowsMax: number): number {
    if (isKeyOrder(this.request)) this.forgetRead();
    const wanted = Math.min(rowsMax, this.scanLeft);
    const versions = this.store.scan(this.rest, wanted, this.readRevision());
    this.scanLeft -= versions.length;
    for (const version of versions) {
      if (passesFilters(this.request, version)) this.take(version);
      if (this.more) break;
    }
    const last = versions.at(-1);
    if (last !== undefined) this.rest = rangeAbove(this.rest, last.key);
    if (versions.length < wanted || this.scanLeft === 0 || this.more) this.finishScan();
    return Math.max(versions.length, 1);
  }

  /** Counts as a full step. */
  private sortOn(sorting: Sorting): number {
    if (sorting.next(sortedPerStep).done === true) this.sorting = undefined;
    return sortedPerStep;
  }

  /** Of what is sorted by its value and asked for without, the value is kept until then. */
  private keepByValue(version: KeyVersion, row: Bytes): void {
    const { value } = KeyValue.decode(row);
    this.byValue.push({ version, value, kv: this.request.keysOnly ? withoutValue(row) : row });
  }

  /** Versions once read are of no more use, and of a big range there are many. */
  private forgetRead(): void {
    this.found = [];
    this.nextUnread = 0;
  }

  private take(version: KeyVersion): void {
    this.matched += 1;
    if (isKeyOrder(this.request) && this.matched > this.limit) this.more = true;
    else this.found.push(version);
  }

  private finishScan(): void {
    this.isScanned = true;
    if (isKeyOrder(this.request) || this.request.sortTarget === SortTarget.VALUE) return;
    this.sorting = this.sortVersions();
  }

  /** Puts what was found in the order asked for and leaves what the limit allows. */
  private *sortVersions(): Sorting {
    this.found = this.cut(yield* sortInSteps(this.found, versionOrderOf(this.request)));
  }

  private *sortByValue(): Sorting {
    const kept = this.cut(yield* sortInSteps(this.byValue, valueOrderOf(this.request)));
    this.lastReadKey = kept.at(-1)?.version.key;
    this.kvs = kept.map(({ kv }) => kv);
    this.isDone = true;
  }

  private cut<T>(sorted: readonly T[]): T[] {
    this.more = sorted.length > this.limit;
    return sorted.slice(0, this.limit);
  }

  /** A page of a list at one revision: the next one need not count again. */
  private rememberCount(): void {
    const { request, store, lastReadKey } = this;
    const isPage = this.more && isDefaultOrder(request) && isKeyOrder(request);
    if (!isPage || lastReadKey === undefined || hasRevisionFilters(request)) return;
    // Within a transaction the newest revision is not one yet.
    if (!this.hasCounted || this.revision > store.revision) return;
    const range = rangeAbove(keyRangeOf(request.key, request.rangeEnd), lastReadKey);
    store.rememberCount(range, this.revision, this.count - this.limit);
  }

  private finish(): void {
    if (this.request.sortTarget === SortTarget.VALUE) {
      this.sorting = this.sortByValue();
      return;
    }
    this.rememberCount();
    this.isDone = true;
  }

  /** Appends the next row; answers its size. */
  private readNext(): number {
    const version = mustGet(this.found[this.nextUnread], 'no version is left to read');
    this.nextUnread += 1;
    this.lastReadKey = version.key;
    const isFromIndex = this.request.keysOnly && this.request.sortTarget !== SortTarget.VALUE;
    if (this.measuring) {
      this.encodedBytes += fieldBytes(isFromIndex ? keyOnlyBytes(version) : version.rowBytes);
      return 0;
    }
    const kv = isFromIndex ? keyOnly(version) : this.store.read(version);
    if (this.request.sortTarget === SortTarget.VALUE) this.keepByValue(version, kv);
    else this.kvs.push(kv);
    this.encodedBytes += fieldBytes(kv.length);
    if (this.encodedBytes > this.measuredAbove) {
      this.measuring = true;
      this.kvs = [];
    }
    return kv.length;
  }
}

/** The work of putting many in order. */
type Sorting = Generator<undefined, void, number>;

/** Items moved in one step of sorting: some fifty microseconds. */
const sortedPerStep = 1024;

/** An element of `kvs` in a RangeResponse: a tag of one byte, its length, and itself. */
function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}

function keyOnlyBytes({ key, createRevision, modRevision, version }: KeyVersion): number {
  const numbers = varintBytes(createRevision) + varintBytes(modRevision) + varintBytes(version);
  return fieldBytes(key.length) + 3 + numbers;
}

/** What the index alone knows: no value, and no lease either (etcd #21791). */
function keyOnly({ key, createRevision, modRevision, version }: KeyVersion): Bytes {
  return KeyValue.encode({ key, createRevision, modRevision, version });
}

function withoutValue(encoded: Bytes): Bytes {
  return KeyValue.encode({ ...KeyValue.decode(encoded), value: emptyBytes });
}
