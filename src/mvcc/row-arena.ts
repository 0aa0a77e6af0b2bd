import type { Bytes } from '../base/bytes.ts';
import { varintBytes, writeVarint } from '../wire/varint.ts';
import { kvsTag, type KvsWriter } from '../wire/kvs-writer.ts';
import { prefetchKeysMax } from './prefetch.ts';
import type { RowNames } from './types.ts';

/**
 * Rows in memory, found by their revision: those written last, and those that are read. They lie one behind the other
 * in slabs that are filled once and never written again, because a socket may still hold views of them; each as it
 * stands in the `kvs` of a RangeResponse, so that rows which were written or read together are answered in one copy.
 * A row is no object, so a million of them are nothing to the garbage collector: beside the bytes of a slab lies for
 * each of its rows, in four words,
 *
 *     0   main revision, its low half
 *     1   its high half
 *     2   sub-revision
 *     3   where the row ends; in the highest bit, whether it was read since it came into the slab
 *
 * The oldest slab is let go of as a whole; rows in it that were read get a second chance in the newest one. So where
 * all that is read fits, reading moves nothing. It is a cache: whatever is not in it is to be read elsewhere.
 */

/** Small, since a view that somebody keeps holds all of its slab. */
export const slabBytes = 256 * 1024;
/** Larger rows are left out: they would leave slabs half empty, and the cost of reading them is in their bytes. */
export const arenaRowBytesMax = slabBytes / 8;
/** Rows of a slab are numbered. A slab of so many is full, however small they are. */
const rowBits = 13;
const slabRowsMax = 1 << rowBits;
const slabRowsAtFirst = 1 << 10;
/** Slabs are numbered by the other bits of a position; after 128 GiB these are used up and the arena begins again. */
const slabNumbers = 2 ** (32 - rowBits);
/** A new slab is filled so far at most with rows of the oldest: what is written has to go somewhere too. */
const secondChanceBytesMax = (slabBytes * 3) / 4;
/** Slabs that are opened at once where the oldest were read in full: beyond that some of their rows are let go. */
const slabsAtOnceMax = 4;

const headWords = 4;
const subAt = 2;
const endAt = 3;
const readMark = 0x8000_0000;
const two32 = 0x1_0000_0000;

/** A row is looked for in two buckets, each a cache line: pairs of a tag and a position. */
const bucketSlots = 8;
const bucketWords = 2 * bucketSlots;
/** Buckets come in chunks, made when they are needed. */
const chunkBits = 10;
const chunkBuckets = 1 << chunkBits;
/** Neighbours share a bucket, so that rows written one after the other touch the same memory. */
const neighbourBits = 2;
/** Bytes of the budget a bucket stands for: at rows of 256 bytes it is half full, so that few rows are crowded out. */
const bucketBytes = 1024;

/** Of a row that is prefetched: behind so much the processor has seen where it goes. */
const touchedBytesMax = 512;
const cacheLineBytes = 64;

interface Slab {
  readonly number: number;
  readonly bytes: Bytes;
  /** Four words a row. */
  heads: Uint32Array;
  rows: number;
  usedBytes: number;
}

const noSlab: Slab = {
  number: 0,
  bytes: new Uint8Array(0),
  heads: new Uint32Array(headWords),
  rows: 0,
  usedBytes: 0,
};

export class RowArena {
  private readonly slabsMax: number;
  private buckets: (Uint32Array | undefined)[] = [];
  private readonly bucketMask: number;
  /** By number modulo `slabsMax`. Numbers begin at 1: position 0 is an empty slot's. */
  private slabs: Slab[] = [];
  /** The slab that is being filled; `noSlab` before the first. */
  private newest = noSlab;
  private oldest = 1;
  /** The row that was found last: the next one asked for often lies behind it. */
  private found = noSlab;
  private foundRow = 0;
  private readonly positions = new Uint32Array(prefetchKeysMax);
  /** What was read for its being read: a sum that is used nowhere would not be made. */
  private touched = 0;

  /** `bytesMax` bounds the slabs; heads and buckets take about 1/16 of it each. Below one slab: no arena. */
  constructor(bytesMax: number) {
    this.slabsMax = Math.floor(bytesMax / slabBytes);
    let buckets = 1;
    while (buckets * bucketBytes < bytesMax) buckets *= 2;
    this.bucketMask = buckets - 1;
  }

  /** A view of the row. */
  get(main: number, sub: number): Bytes | undefined {
    if (!this.find(main, sub)) return undefined;
    const { found, foundRow } = this;
    const end = endOf(found, foundRow);
    const { buffer } = found.bytes;
    const start = rowStart(found, foundRow, end);
    // Half the cost of `subarray`; a slab is all of its buffer.
    return new Uint8Array(buffer, start, end - start);
  }

  /** Appends the row to an answer; false when it is not here. */
  maybeCopy(main: number, sub: number, to: KvsWriter): boolean {
    if (!this.find(main, sub)) return false;
    const { found, foundRow } = this;
    to.addEncoded(found.bytes, startOf(found, foundRow), endOf(found, foundRow));
    return true;
  }

  /** Brings the first `count` rows, `prefetchKeysMax` at most, into the processor's caches (prefetch.ts). */
  prefetch({ mains, subs }: RowNames, count: number): void {
    const { positions } = this;
    for (let i = 0; i < count; i++) {
      positions[i] = this.firstPosition(mains[i] as number, subs[i] as number);
    }
    for (let i = 0; i < count; i++) this.touched ^= this.endAtPosition(positions[i] as number);
    for (let i = 0; i < count; i++) this.touchRow(positions[i] as number);
  }

  /** Copies the row in, whether or not it is there already. */
  add(main: number, sub: number, row: Bytes): void {
    if (this.slabsMax === 0 || row.length > arenaRowBytesMax) return;
    const { length } = row;
    const slab = this.slabFor(1 + varintBytes(length) + length);
    let at = slab.usedBytes;
    slab.bytes[at] = kvsTag;
    at = writeVarint(slab.bytes, at + 1, length);
    slab.bytes.set(row, at);
    this.enter(slab, { main, sub, end: at + length });
  }

  clear(): void {
    this.slabs = [];
    this.newest = noSlab;
    this.oldest = 1;
    this.found = noSlab;
    this.foundRow = 0;
    this.buckets = [];
  }

  /** Sets `found` and `foundRow`, and marks the row as read. */
  private find(main: number, sub: number): boolean {
    const next = this.foundRow + 1;
    const { found } = this;
    if (next < found.rows && found.number >= this.oldest && isRow(found, next, main, sub)) {
      this.foundRow = next;
    } else if (!this.look(main, sub)) return false;
    const { heads } = this.found;
    const at = this.foundRow * headWords + endAt;
    const end = heads[at] as number;
    if (end < readMark) heads[at] = end + readMark;
    return true;
  }

  private look(main: number, sub: number): boolean {
    const tag = tagOf(main, sub);
    return (
      this.lookIn(firstHash(main, sub), tag, main, sub) ||
      this.lookIn(secondHash(tag), tag, main, sub)
    );
  }

  private lookIn(hash: number, tag: number, main: number, sub: number): boolean {
    const bucket = hash & this.bucketMask;
    const buckets = this.buckets[bucket >>> chunkBits];
    if (buckets === undefined) return false;
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] !== tag) continue;
      const position = buckets[at + 1] as number;
      const number = position >>> rowBits;
      if (number < this.oldest) continue;
      const slab = this.slabs[number % this.slabsMax] as Slab;
      const row = position & (slabRowsMax - 1);
      if (!isRow(slab, row, main, sub)) continue;
      this.found = slab;
      this.foundRow = row;
      return true;
    }
    return false;
  }

  /** 0 when nothing of this name stands in its first bucket. */
  private firstPosition(main: number, sub: number): number {
    const bucket = firstHash(main, sub) & this.bucketMask;
    const buckets = this.buckets[bucket >>> chunkBits];
    if (buckets === undefined) return 0;
    const tag = tagOf(main, sub);
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] === tag) return buckets[at + 1] as number;
    }
    return 0;
  }

  private slabAt(position: number): Slab {
    const number = position >>> rowBits;
    if (number < this.oldest) return noSlab;
    return this.slabs[number % this.slabsMax] as Slab;
  }

  private endAtPosition(position: number): number {
    const row = position & (slabRowsMax - 1);
    return this.slabAt(position).heads[row * headWords + endAt] ?? 0;
  }

  private touchRow(position: number): void {
    const slab = this.slabAt(position);
    const row = position & (slabRowsMax - 1);
    if (row >= slab.rows) return;
    const start = startOf(slab, row);
    const end = Math.min(endOf(slab, row), start + touchedBytesMax);
    for (let at = start; at < end; at += cacheLineBytes) this.touched ^= slab.bytes[at] as number;
  }

  private slabFor(bytes: number): Slab {
    const { newest } = this;
    const hasRoom = newest.usedBytes + bytes <= slabBytes && newest.rows < slabRowsMax;
    if (newest !== noSlab && hasRoom) return newest;
    this.openSlab();
    return this.newest;
  }

  private openSlab(): void {
    for (let opened = 1; opened <= slabsAtOnceMax; opened++) {
      this.openNext(opened === slabsAtOnceMax ? secondChanceBytesMax : slabBytes);
      if (this.newest.usedBytes <= secondChanceBytesMax) return;
    }
  }

  private openNext(secondChanceBytes: number): void {
    if (this.newest.number + 1 === slabNumbers) this.clear();
    const number = this.newest.number + 1;
    const victim = this.slabs[number % this.slabsMax];
    this.newest = {
      number,
      bytes: new Uint8Array(slabBytes),
      heads: new Uint32Array(slabRowsAtFirst * headWords),
      rows: 0,
      usedBytes: 0,
    };
    this.slabs[number % this.slabsMax] = this.newest;
    if (victim !== undefined) this.giveSecondChances(victim, secondChanceBytes);
    this.oldest = Math.max(1, number - this.slabsMax + 1);
  }

  /** Copies what was read into the newest slab; whatever has been copied before, or was crowded out, is not. */
  private giveSecondChances(victim: Slab, bytesMax: number): void {
    const { newest } = this;
    for (let row = 0; row < victim.rows; row++) {
      const at = row * headWords;
      if ((victim.heads[at + endAt] as number) < readMark) continue;
      const main = mainOf(victim, row);
      const sub = victim.heads[at + subAt] as number;
      if (!this.isAt(main, sub, ((victim.number << rowBits) | row) >>> 0)) continue;
      const start = startOf(victim, row);
      const end = endOf(victim, row);
      if (newest.usedBytes + end - start > bytesMax) return;
      newest.bytes.set(victim.bytes.subarray(start, end), newest.usedBytes);
      this.enter(newest, { main, sub, end: newest.usedBytes + end - start });
    }
  }

  private isAt(main: number, sub: number, position: number): boolean {
    const tag = tagOf(main, sub);
    return (
      this.isNoted(firstHash(main, sub), tag, position) ||
      this.isNoted(secondHash(tag), tag, position)
    );
  }

  private isNoted(hash: number, tag: number, position: number): boolean {
    const bucket = hash & this.bucketMask;
    const buckets = this.buckets[bucket >>> chunkBits];
    if (buckets === undefined) return false;
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] === tag && buckets[at + 1] === position) return true;
    }
    return false;
  }

  /** The bytes of a row stand in the slab: it is one of its rows from now on, and can be found. */
  private enter(slab: Slab, { main, sub, end }: RowPlace): void {
    const row = slab.rows++;
    if (slab.heads.length === row * headWords) {
      const larger = new Uint32Array(slab.heads.length * 2);
      larger.set(slab.heads);
      slab.heads = larger;
    }
    const at = row * headWords;
    slab.heads[at] = main >>> 0;
    slab.heads[at + 1] = Math.floor(main / two32);
    slab.heads[at + subAt] = sub;
    slab.heads[at + endAt] = end;
    slab.usedBytes = end;
    const position = ((slab.number << rowBits) | row) >>> 0;
    const tag = tagOf(main, sub);
    const first = firstHash(main, sub);
    if (this.maybeNote(first, tag, position)) return;
    if (!this.maybeNote(secondHash(tag), tag, position)) this.crowdOut(first, tag, position);
  }

  /** Takes a slot of the bucket: its own, or one whose slab is gone. */
  private maybeNote(hash: number, tag: number, position: number): boolean {
    const bucket = hash & this.bucketMask;
    const buckets = this.chunkOf(bucket);
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    const oldestPosition = this.oldest * slabRowsMax;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] !== tag && (buckets[at + 1] as number) >= oldestPosition) continue;
      buckets[at] = tag;
      buckets[at + 1] = position;
      return true;
    }
    return false;
  }

  /** Takes the slot of a row that can move to its other bucket, or of the one that was written longest ago. */
  private crowdOut(hash: number, tag: number, position: number): void {
    const bucket = hash & this.bucketMask;
    const buckets = this.chunkOf(bucket);
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    let taken = from;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (this.maybeMove(buckets[at] as number, buckets[at + 1] as number, bucket)) {
        taken = at;
        break;
      }
      if ((buckets[at + 1] as number) < (buckets[taken + 1] as number)) taken = at;
    }
    buckets[taken] = tag;
    buckets[taken + 1] = position;
  }

  private maybeMove(tag: number, position: number, bucket: number): boolean {
    const slab = this.slabs[(position >>> rowBits) % this.slabsMax] as Slab;
    const row = position & (slabRowsMax - 1);
    const first = firstHash(mainOf(slab, row), slab.heads[row * headWords + subAt] as number);
    const isInFirst = (first & this.bucketMask) === bucket;
    return this.maybeNote(isInFirst ? secondHash(tag) : first, tag, position);
  }

  private chunkOf(bucket: number): Uint32Array {
    return (this.buckets[bucket >>> chunkBits] ??= new Uint32Array(chunkBuckets * bucketWords));
  }
}

interface RowPlace {
  readonly main: number;
  readonly sub: number;
  readonly end: number;
}

function isRow({ heads }: Slab, row: number, main: number, sub: number): boolean {
  const at = row * headWords;
  return (
    heads[at] === main >>> 0 &&
    heads[at + subAt] === sub &&
    heads[at + 1] === Math.floor(main / two32)
  );
}

function mainOf({ heads }: Slab, row: number): number {
  return (heads[row * headWords + 1] as number) * two32 + (heads[row * headWords] as number);
}

/** Where the row with what stands before it begins: where the one before it ends. */
function startOf(slab: Slab, row: number): number {
  return row === 0 ? 0 : endOf(slab, row - 1);
}

function endOf({ heads }: Slab, row: number): number {
  return (heads[row * headWords + endAt] as number) & ~readMark;
}

/** Where the row itself begins, behind its tag and its length. */
function rowStart(slab: Slab, row: number, end: number): number {
  const start = startOf(slab, row);
  let lengthBytes = 1;
  while ((slab.bytes[start + lengthBytes] as number) >= 0x80) lengthBytes++;
  return Math.min(start + 1 + lengthBytes, end);
}

/** The low bits of the revision: two rows with the same tag are told apart by what lies beside them. */
function tagOf(main: number, sub: number): number {
  return (main ^ Math.imul(sub, 0x85ebca6b)) >>> 0;
}

/**
 * The bucket that is looked into first: a few revisions of one write each, next to each other, have one, and a few
 * writes of one revision. That of the former goes by their revision, so that buckets fill evenly.
 */
function firstHash(main: number, sub: number): number {
  if (sub === 0) return main >>> neighbourBits;
  const group = Math.imul((sub >>> neighbourBits) + 1, 0x9e3779b1);
  const mixed = Math.imul(main ^ group, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** That of a row which found no room in the first. */
function secondHash(tag: number): number {
  const mixed = Math.imul(tag ^ (tag >>> 16), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
