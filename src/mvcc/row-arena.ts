import type { Bytes } from '../base/bytes.ts';

/**
 * Rows in memory, found by their revision: those written last, and those read again and again. They lie in slabs
 * that are filled once and never written again, because a socket may still hold views of them; the oldest slab
 * is let go of as a whole. A row is no object, so a million of them are nothing to the garbage collector:
 * before each lie its revision and its length,
 *
 *     0   main revision, a 64-bit float
 *     8   sub-revision, 4 bytes
 *     12  length, 4 bytes
 *     16  the row
 *
 * padded to units of 8 bytes. It is a cache: whatever is not in it is to be read elsewhere.
 */

const unitBytes = 8;
const slabUnitBits = 15;
const slabUnits = 1 << slabUnitBits;
/** Small, since a view that somebody keeps holds all of its slab. */
export const slabBytes = slabUnits * unitBytes;
const headerUnits = 2;
/** Larger rows are left out: they would leave slabs half empty, and the cost of reading them is in their bytes. */
export const arenaRowBytesMax = slabBytes / 8;
/** Positions are 32 bits of units; when they are used up (32 GiB written) the arena begins again, empty. */
const slabNumbers = 2 ** (32 - slabUnitBits);

/** A row is looked for in one bucket, which is a cache line: pairs of a tag and a position. */
const bucketSlots = 8;
const bucketWords = 2 * bucketSlots;
/** Buckets come in chunks, made when they are needed. */
const chunkBits = 10;
const chunkBuckets = 1 << chunkBits;
/** Neighbours share a bucket, so that rows written one after the other touch the same memory. */
const neighbourBits = 2;
/** Bytes of the budget a bucket stands for: at rows of 256 bytes it is half full, so that few rows are crowded out. */
const bucketBytes = 1024;

interface Slab {
  readonly bytes: Bytes;
  /** The same memory. */
  readonly floats: Float64Array;
  readonly words: Uint32Array;
}

export class RowArena {
  private readonly slabsMax: number;
  private buckets: (Uint32Array | undefined)[] = [];
  private readonly bucketMask: number;
  /** By number modulo `slabsMax`; the newest is being filled. */
  private slabs: Slab[] = [];
  private newest = -1;
  private oldest = 0;
  private nextUnit = slabUnits;

  /** `bytesMax` bounds the slabs; the buckets take about 1/16 of it beside them. Below one slab: no arena. */
  constructor(bytesMax: number) {
    this.slabsMax = Math.floor(bytesMax / slabBytes);
    let buckets = 1;
    while (buckets * bucketBytes < bytesMax) buckets *= 2;
    this.bucketMask = buckets - 1;
  }

  /** A view of the row. */
  get(main: number, sub: number): Bytes | undefined {
    const tag = tagOf(main, sub);
    const bucket = (tag >>> neighbourBits) & this.bucketMask;
    const buckets = this.buckets[bucket >>> chunkBits];
    if (buckets === undefined) return undefined;
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] !== tag) continue;
      const position = buckets[at + 1] as number;
      const number = position >>> slabUnitBits;
      if (position === 0 || number < this.oldest) continue;
      const { bytes, floats, words } = this.slabs[number % this.slabsMax] as Slab;
      const unit = position & (slabUnits - 1);
      if (floats[unit] !== main || words[2 * unit + 2] !== sub) continue;
      const start = (unit + headerUnits) * unitBytes;
      const row = bytes.subarray(start, start + (words[2 * unit + 3] as number));
      // What is read while it is old is hot: it moves to the front.
      if (this.newest - number > (this.slabsMax * 3) / 4) this.add(main, sub, row);
      return row;
    }
    return undefined;
  }

  /** Copies the row in, whether or not it is there already. */
  add(main: number, sub: number, row: Bytes): void {
    if (this.slabsMax === 0 || row.length > arenaRowBytesMax) return;
    const units = headerUnits + Math.ceil(row.length / unitBytes);
    if (this.nextUnit + units > slabUnits) this.openSlab();
    const unit = this.nextUnit;
    this.nextUnit += units;
    const { bytes, floats, words } = this.slabs[this.newest % this.slabsMax] as Slab;
    floats[unit] = main;
    words[2 * unit + 2] = sub;
    words[2 * unit + 3] = row.length;
    bytes.set(row, (unit + headerUnits) * unitBytes);
    this.enter(tagOf(main, sub), ((this.newest << slabUnitBits) | unit) >>> 0);
  }

  clear(): void {
    this.slabs = [];
    this.newest = -1;
    this.oldest = 0;
    this.nextUnit = slabUnits;
    this.buckets = [];
  }

  /** Takes a slot of the bucket: its own, one whose slab is gone, or the one written longest ago. */
  private enter(tag: number, position: number): void {
    const bucket = (tag >>> neighbourBits) & this.bucketMask;
    const buckets = (this.buckets[bucket >>> chunkBits] ??= new Uint32Array(
      chunkBuckets * bucketWords,
    ));
    const from = (bucket & (chunkBuckets - 1)) * bucketWords;
    const oldestPosition = this.oldest * slabUnits;
    let taken = from;
    for (let at = from; at < from + bucketWords; at += 2) {
      if (buckets[at] === tag || (buckets[at + 1] as number) < oldestPosition) {
        taken = at;
        break;
      }
      if ((buckets[at + 1] as number) < (buckets[taken + 1] as number)) taken = at;
    }
    buckets[taken] = tag;
    buckets[taken + 1] = position;
  }

  private openSlab(): void {
    if (this.newest + 1 === slabNumbers) this.clear();
    this.newest++;
    this.slabs[this.newest % this.slabsMax] = newSlab();
    this.oldest = Math.max(0, this.newest - this.slabsMax + 1);
    // Position 0 is an empty slot's.
    this.nextUnit = this.newest === 0 ? 1 : 0;
  }
}

/** The low bits of the revision: two rows with the same tag are told apart by what lies before them. */
function tagOf(main: number, sub: number): number {
  return (main ^ Math.imul(sub, 0x85ebca6b)) >>> 0;
}

function newSlab(): Slab {
  const bytes = new Uint8Array(slabBytes);
  return {
    bytes,
    floats: new Float64Array(bytes.buffer),
    words: new Uint32Array(bytes.buffer),
  };
}
