import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { KeyHandle } from './key-arena.ts';

/**
 * Every version in the index, tombstones included, as numbers in large arrays: 40 bytes each and no
 * object. The versions of a key are a chain from the newest to the oldest; its head is in the key's
 * record (key-arena.ts). A version is one record, side by side, because reading one touches most of
 * it; records come in chunks, so that growing never copies what is there.
 */

/** Names a version. 0 is none. */
export type VersionId = number;

/** What a version says; `version` 0 is a tombstone. */
export interface VersionFields {
  readonly key: KeyHandle;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly modSub: number;
  readonly version: number;
  /** Of its row's value. */
  readonly rowBytes: number;
}

const chunkBits = 14;
export const chunkVersions = 1 << chunkBits;
/** An id is 32 bits: 4,294,967,296 versions. */
const chunksMax = 2 ** (32 - chunkBits);

// A record is five 64-bit floats wide. The first three are floats; then come 32-bit integers, counted
// from the start of the record.
const recordFloats = 5;
export const versionBytes = recordFloats * 8;
const createRevisionAt = 0;
const modRevisionAt = 1;
const versionAt = 2;
const recordWords = recordFloats * 2;
const modSubAt = 6;
const keyAt = 7;
const olderAt = 8;
const rowBytesAt = 9;

export interface VersionChunk {
  readonly floats: Float64Array;
  /** The same memory as 32-bit integers. */
  readonly words: Uint32Array;
}

/** What a version, its key and the next older version are called elsewhere. */
export interface VersionNames {
  readonly id: VersionId;
  readonly key: KeyHandle;
  readonly older: VersionId;
}

export class VersionTable {
  private readonly chunks: VersionChunk[] = [newVersionChunk()];
  private nextId: VersionId = 1;
  private firstFree: VersionId = 0;
  private used = 0;

  /** How many versions there are. */
  get count(): number {
    return this.used;
  }

  /** Above every id given out so far. */
  get idsEnd(): VersionId {
    return this.nextId;
  }

  add(fields: VersionFields, older: VersionId): VersionId {
    const id = this.reserve();
    this.used++;
    const { floats, words } = this.chunkOf(id);
    const float = (id & (chunkVersions - 1)) * recordFloats;
    floats[float + createRevisionAt] = fields.createRevision;
    floats[float + modRevisionAt] = fields.modRevision;
    floats[float + versionAt] = fields.version;
    const word = float * 2;
    words[word + modSubAt] = fields.modSub;
    words[word + keyAt] = fields.key;
    words[word + olderAt] = older;
    words[word + rowBytesAt] = fields.rowBytes;
    return id;
  }

  free(id: VersionId): void {
    this.setOlder(id, this.firstFree);
    this.firstFree = id;
    this.used--;
  }

  createRevisionOf(id: VersionId): number {
    return this.float(id, createRevisionAt);
  }

  modRevisionOf(id: VersionId): number {
    return this.float(id, modRevisionAt);
  }

  modSubOf(id: VersionId): number {
    return this.word(id, modSubAt);
  }

  versionOf(id: VersionId): number {
    return this.float(id, versionAt);
  }

  rowBytesOf(id: VersionId): number {
    return this.word(id, rowBytesAt);
  }

  /** For a row that is made after its version, which it names. */
  setRowBytes(id: VersionId, rowBytes: number): void {
    this.chunkOf(id).words[(id & (chunkVersions - 1)) * recordWords + rowBytesAt] = rowBytes;
  }

  isTombstone(id: VersionId): boolean {
    return this.versionOf(id) === 0;
  }

  keyOf(id: VersionId): KeyHandle {
    return this.word(id, keyAt);
  }

  /** The next older version of the same key; of a freed record, the next freed one. */
  olderOf(id: VersionId): VersionId {
    return this.word(id, olderAt);
  }

  setOlder(id: VersionId, older: VersionId): void {
    this.chunkOf(id).words[(id & (chunkVersions - 1)) * recordWords + olderAt] = older;
  }

  /**
   * Writes the record of a version to `target`, a chunk of another table, where its key and the next older version
   * have other names.
   */
  copyRecord(id: VersionId, target: VersionChunk, as: VersionNames): void {
    const { words } = this.chunkOf(id);
    const from = (id & (chunkVersions - 1)) * recordWords;
    const to = (as.id & (chunkVersions - 1)) * recordWords;
    for (let i = 0; i < recordWords; i++) target.words[to + i] = words[from + i] as number;
    target.words[to + keyAt] = as.key;
    target.words[to + olderAt] = as.older;
  }

  /** Takes over a chunk of records: full ones and then one that need not be, into a table that is empty. */
  adopt(bytes: Bytes): boolean {
    const count = bytes.length / versionBytes;
    const isFull = this.nextId % chunkVersions === 0 || this.nextId === 1;
    if (!Number.isInteger(count) || count < 1 || count > chunkVersions || !isFull) return false;
    if (this.nextId === 1) this.chunks.length = 0;
    const chunk = newVersionChunk();
    new Uint8Array(chunk.floats.buffer).set(bytes);
    this.chunks.push(chunk);
    this.nextId = (this.chunks.length - 1) * chunkVersions + count;
    // Record 0 is no version's.
    this.used = this.nextId - 1;
    return true;
  }

  private float(id: VersionId, at: number): number {
    return this.chunkOf(id).floats[(id & (chunkVersions - 1)) * recordFloats + at] as number;
  }

  private word(id: VersionId, at: number): number {
    return this.chunkOf(id).words[(id & (chunkVersions - 1)) * recordWords + at] as number;
  }

  private chunkOf(id: VersionId): VersionChunk {
    return this.chunks[id >>> chunkBits] as VersionChunk;
  }

  private reserve(): VersionId {
    if (this.firstFree !== 0) {
      const id = this.firstFree;
      this.firstFree = this.olderOf(id);
      return id;
    }
    const id = this.nextId++;
    if (id >>> chunkBits === this.chunks.length) {
      assert(this.chunks.length < chunksMax, 'the key index is full: 2^32 versions');
      this.chunks.push(newVersionChunk());
    }
    return id;
  }
}

/** One that is only written once, and then read whole, may be of fewer versions. */
export function newVersionChunk(versions = chunkVersions): VersionChunk {
  const floats = new Float64Array(versions * recordFloats);
  return { floats, words: new Uint32Array(floats.buffer) };
}
