import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { chunkEntries } from './change-log.ts';
import {
  headerBytes,
  sharedRecordBytesMax,
  slabBytes,
  slabUnitBits,
  unitBytes,
  type KeyHandle,
} from './key-arena.ts';
import type { KeyIndex } from './key-index.ts';
import { wholeKeySpace } from './key-range.ts';
import {
  chunkVersions,
  newVersionChunk,
  versionBytes,
  type VersionChunk,
  type VersionId,
} from './version-table.ts';

/** A part of a captured index, as index-image.ts takes it. */
export interface IndexBlock {
  readonly kind: IndexBlockKind;
  readonly bytes: Bytes;
}

/** A slab of key records, a chunk of versions, or one of the change log: as they lie in memory. */
export type IndexBlockKind = 'keys' | 'versions' | 'changes';

/**
 * Copies the index as it was at one revision, in steps between which it goes on changing. What a revision has
 * written is never changed by a later one: a version stays as it is, with the older ones behind it, until a
 * compaction takes it out. So the versions up to `revision` are that index, whatever is written meanwhile, as long
 * as no compaction is at work; whoever captures sees to that (`MvccStore.pin`).
 *
 * The copy is written in key order: keys and versions get new names, counted up, so that it has no gaps.
 */
export class IndexCapture {
  readonly revision: number;
  private readonly index: KeyIndex;
  private readonly versionsExpected: number;
  /** The new name of each version by its old one: the change log is written last. */
  private readonly renamed: Uint32Array;
  private readonly changesEnd: number;
  private nextChange: number;
  private nextKey: Bytes | undefined = wholeKeySpace.from;
  /** The next version of the key that is being copied, by its old name; 0 between keys. */
  private nextVersion: VersionId = 0;
  private key: KeyHandle = 0;
  private slab = newSlab(firstSlabBytes);
  private slabNumber = 0;
  /** Unit 0 of slab 0 names no key. */
  private slabOffset = unitBytes;
  private chunk: VersionChunk;
  private newId: VersionId = 1;
  private blocks: IndexBlock[] = [];

  /** `revision` is the newest one that the index has whole. */
  constructor(index: KeyIndex, revision: number) {
    this.index = index;
    this.revision = revision;
    const { changes, versions, floor } = index;
    this.nextChange = changes.firstAfter(floor - 1);
    this.changesEnd = changes.firstAfter(revision);
    this.versionsExpected = versions.count - (changes.end - this.changesEnd);
    this.renamed = new Uint32Array(versions.idsEnd);
    this.chunk = this.nextChunk();
  }

  /** Copies about so many versions; answers whether all is copied. */
  step(versionsMax: number): boolean {
    if (this.isWithinKeys) {
      this.copyKeys(versionsMax);
      if (!this.isWithinKeys) this.endKeys();
      return false;
    }
    return this.copyChanges();
  }

  /** What has been filled since the last call. */
  takeBlocks(): readonly IndexBlock[] {
    const { blocks } = this;
    this.blocks = [];
    return blocks;
  }

  private get isWithinKeys(): boolean {
    return this.nextKey !== undefined || this.nextVersion !== 0;
  }

  private copyKeys(versionsMax: number): void {
    const { index } = this;
    let left = this.copyVersions(versionsMax);
    const from = this.nextKey;
    if (this.nextVersion !== 0 || from === undefined) return;
    this.nextKey = undefined;
    index.tree.visit({ from, to: undefined }, (handle) => {
      if (left <= 0 || this.nextVersion !== 0) {
        this.nextKey = index.keys.keyOf(handle);
        return false;
      }
      left--;
      const newest = index.newestUpTo(handle, this.revision);
      if (newest === 0) return true;
      this.copyKey(handle);
      this.nextVersion = newest;
      left = this.copyVersions(left);
      return true;
    });
  }

  private copyKey(handle: KeyHandle): void {
    const { keys } = this.index;
    const units = Math.ceil((headerBytes + keys.lengthOf(handle)) / unitBytes);
    const recordBytes = units * unitBytes;
    const isLarge = recordBytes > sharedRecordBytesMax;
    if (isLarge || this.slabOffset + recordBytes > this.slab.length) this.endSlab(recordBytes);
    const { slab, slabOffset } = this;
    this.key = (this.slabNumber << slabUnitBits) | (slabOffset / unitBytes);
    const header = new Uint32Array(slab.buffer, slabOffset, 2);
    header[0] = this.newId;
    header[1] = keys.copyKey(handle, slab, slabOffset + headerBytes);
    this.slabOffset += recordBytes;
    if (isLarge) this.endSlab(0);
  }

  /** The next record is of so many bytes. */
  private endSlab(recordBytes: number): void {
    this.blocks.push({ kind: 'keys', bytes: this.slab.subarray(0, this.slabOffset) });
    const nextBytes = Math.min(2 * this.slab.length, slabBytes);
    this.slab = newSlab(Math.max(recordBytes, nextBytes));
    this.slabNumber++;
    this.slabOffset = 0;
  }

  /** Copies the versions of the key at hand; answers what is left of `versionsMax`. */
  private copyVersions(versionsMax: number): number {
    const { versions } = this.index;
    let left = versionsMax;
    while (this.nextVersion !== 0 && left > 0) {
      const id = this.newId++;
      const older = versions.olderOf(this.nextVersion);
      const names = { id, key: this.key, older: older === 0 ? 0 : id + 1 };
      versions.copyRecord(this.nextVersion, this.chunk, names);
      this.renamed[this.nextVersion] = id;
      this.nextVersion = older;
      left--;
      if (this.newId % chunkVersions === 0) this.endChunk(chunkVersions);
    }
    return left;
  }

  private endChunk(count: number): void {
    const bytes = new Uint8Array(this.chunk.floats.buffer, 0, count * versionBytes);
    this.blocks.push({ kind: 'versions', bytes });
    this.chunk = this.nextChunk();
  }

  /** As large as what is left to copy, where that is less than a whole chunk. */
  private nextChunk(): VersionChunk {
    const first = this.newId - (this.newId % chunkVersions);
    return newVersionChunk(Math.min(chunkVersions, this.versionsExpected + 1 - first));
  }

  private endKeys(): void {
    const copied = this.newId - 1;
    const { versionsExpected } = this;
    assert(copied === versionsExpected, `captured ${copied} of ${versionsExpected} versions`);
    this.endSlab(0);
    const rest = this.newId % chunkVersions;
    if (rest > 0) this.endChunk(rest);
  }

  private copyChanges(): boolean {
    const { changes } = this.index;
    const count = Math.min(chunkEntries, this.changesEnd - this.nextChange);
    if (count === 0) return true;
    const ids = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      ids[i] = this.renamed[changes.at(this.nextChange + i)] as VersionId;
    }
    this.nextChange += count;
    this.blocks.push({ kind: 'changes', bytes: new Uint8Array(ids.buffer) });
    return this.nextChange === this.changesEnd;
  }
}

/** Twice as large each time, so that a small index takes little to copy. */
const firstSlabBytes = 16 * 1024;

function newSlab(sizeBytes: number): Bytes {
  return new Uint8Array(sizeBytes);
}
