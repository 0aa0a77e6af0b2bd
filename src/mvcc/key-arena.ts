import { assert, mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';

/**
 * The keys of the index as bytes in a few large slabs, so that a million keys are not a million
 * objects for the garbage collector to walk. A key's record is
 *
 *     0  id of its newest version (version-table.ts), 4 bytes
 *     4  length of the key, 4 bytes
 *     8  the key
 *
 * padded to units of 8 bytes. A handle is the record's position in units, and stays valid until the
 * record is freed. Freed records are used again for keys of the same padded size; slabs are not
 * returned, save those that hold one very large key.
 */

/** Names a key's record. 0 is no key. */
export type KeyHandle = number;

interface Slab {
  readonly bytes: Bytes;
  /** The same memory as 32-bit words, for the two numbers of a record. */
  readonly words: Uint32Array;
}

export const unitBytes = 8;
export const headerBytes = 8;
export const slabUnitBits = 17;
const slabUnits = 1 << slabUnitBits;
export const slabBytes = slabUnits * unitBytes;
/** A record above this has a slab of its own, so that no slab is left more than half empty. */
export const sharedRecordBytesMax = slabBytes / 2;
/** Handles have 31 bits (index-tree.ts keeps one bit beside them): 16 GiB of keys. */
const slabsMax = 2 ** (31 - slabUnitBits);

const noSlab: Slab = { bytes: new Uint8Array(0), words: new Uint32Array(0) };

export class KeyArena {
  /** How many leading bytes the two keys of the last comparison have in common. */
  shared = 0;
  private readonly slabs: Slab[] = [newSlab(slabBytes)];
  /** The slab that is being filled, and its next free unit. Unit 0 of slab 0 is never given out. */
  private filling = 0;
  private nextUnit = 1;
  /** Freed records by their size in units. */
  private readonly freeHandles = new Map<number, KeyHandle[]>();
  /** Numbers of slabs that held one large key and are gone. */
  private readonly freeSlabs: number[] = [];

  /** Copies `key` into the arena. Its newest version is 0, none. */
  add(key: Bytes): KeyHandle {
    const units = Math.ceil((headerBytes + key.length) / unitBytes);
    const handle = this.reserve(units);
    const slab = this.slabOf(handle);
    const offset = offsetOf(handle);
    slab.words[offset >>> 2] = 0;
    slab.words[(offset >>> 2) + 1] = key.length;
    slab.bytes.set(key, offset + headerBytes);
    return handle;
  }

  free(handle: KeyHandle): void {
    const units = Math.ceil((headerBytes + this.lengthOf(handle)) / unitBytes);
    if (units * unitBytes > sharedRecordBytesMax) {
      const slab = handle >>> slabUnitBits;
      this.slabs[slab] = noSlab;
      this.freeSlabs.push(slab);
      return;
    }
    const sameSize = this.freeHandles.get(units);
    if (sameSize === undefined) this.freeHandles.set(units, [handle]);
    else sameSize.push(handle);
  }

  /** A copy of the key. */
  keyOf(handle: KeyHandle): Bytes {
    const start = offsetOf(handle) + headerBytes;
    return this.slabOf(handle).bytes.slice(start, start + this.lengthOf(handle));
  }

  /**
   * Negative, zero or positive as the key of the record is below, at or above `key`. The first
   * `skip` bytes are known to be the same. Sets `shared`.
   */
  compare(handle: KeyHandle, key: Bytes, skip = 0): number {
    const slab = this.slabOf(handle);
    const offset = offsetOf(handle);
    const length = slab.words[(offset >>> 2) + 1] as number;
    const { bytes } = slab;
    const start = offset + headerBytes;
    const shorter = length < key.length ? length : key.length;
    let i = skip;
    while (i < shorter && bytes[start + i] === key[i]) i++;
    this.shared = i;
    if (i < shorter) return (bytes[start + i] as number) - (key[i] as number);
    return length - key.length;
  }

  /** The same for two records. */
  compareHandles(a: KeyHandle, b: KeyHandle, skip = 0): number {
    const { bytes } = this.slabOf(b);
    const start = offsetOf(b) + headerBytes;
    return this.compare(a, bytes.subarray(start, start + this.lengthOf(b)), skip);
  }

  /** `count` bytes of the key from `from` on as one number, zeros behind its end. */
  digitsAt(handle: KeyHandle, from: number, count: number): number {
    const { bytes } = this.slabOf(handle);
    const start = offsetOf(handle) + headerBytes;
    const length = this.lengthOf(handle);
    let digits = 0;
    for (let i = from; i < from + count; i++) {
      digits = digits * 256 + (i < length ? (bytes[start + i] as number) : 0);
    }
    return digits;
  }

  lengthOf(handle: KeyHandle): number {
    return this.slabOf(handle).words[(offsetOf(handle) >>> 2) + 1] as number;
  }

  newestOf(handle: KeyHandle): number {
    return this.slabOf(handle).words[offsetOf(handle) >>> 2] as number;
  }

  setNewest(handle: KeyHandle, versionId: number): void {
    this.slabOf(handle).words[offsetOf(handle) >>> 2] = versionId;
  }

  /** Writes the key to `target`; answers its length. */
  copyKey(handle: KeyHandle, target: Bytes, at: number): number {
    const start = offsetOf(handle) + headerBytes;
    const length = this.lengthOf(handle);
    target.set(this.slabOf(handle).bytes.subarray(start, start + length), at);
    return length;
  }

  /**
   * Takes over a slab as `IndexCapture` has written it, the first one of an empty arena in place of its own, and
   * calls `each` with the records in it. Answers false, having taken nothing of use, when it is not made of records.
   */
  adopt(bytes: Bytes, each: (handle: KeyHandle) => void): boolean {
    const isFirst = this.filling === 0 && this.nextUnit === 1;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    if (isFirst) this.slabs.length = 0;
    const number = this.slabs.push({ bytes, words }) - 1;
    this.filling = number;
    // What is added next opens a slab of its own.
    this.nextUnit = slabUnits;
    let offset = isFirst ? unitBytes : 0;
    while (offset + headerBytes < bytes.length) {
      const length = words[(offset >>> 2) + 1] as number;
      if (length === 0 || offset + headerBytes + length > bytes.length) return false;
      each((number << slabUnitBits) | (offset / unitBytes));
      offset += Math.ceil((headerBytes + length) / unitBytes) * unitBytes;
    }
    return offset === bytes.length;
  }

  private slabOf(handle: KeyHandle): Slab {
    return this.slabs[handle >>> slabUnitBits] as Slab;
  }

  private reserve(units: number): KeyHandle {
    if (units * unitBytes > sharedRecordBytesMax) {
      return this.openSlab(units * unitBytes) << slabUnitBits;
    }
    const freed = this.freeHandles.get(units)?.pop();
    if (freed !== undefined) return freed;
    if (this.nextUnit + units > slabUnits) {
      this.filling = this.openSlab(slabBytes);
      this.nextUnit = 0;
    }
    const handle = (this.filling << slabUnitBits) | this.nextUnit;
    this.nextUnit += units;
    return handle;
  }

  private openSlab(sizeBytes: number): number {
    const slab = newSlab(sizeBytes);
    if (this.freeSlabs.length > 0) {
      const number = mustGet(this.freeSlabs.pop(), 'a free slab was counted but is not there');
      this.slabs[number] = slab;
      return number;
    }
    assert(this.slabs.length < slabsMax, 'the key index is full: 16 GiB of keys');
    return this.slabs.push(slab) - 1;
  }
}

function newSlab(sizeBytes: number): Slab {
  const bytes = new Uint8Array(sizeBytes);
  return { bytes, words: new Uint32Array(bytes.buffer) };
}

function offsetOf(handle: KeyHandle): number {
  return (handle & (slabUnits - 1)) * unitBytes;
}
