import { assert } from '../base/assert.ts';
import type { KeyHandle } from './key-arena.ts';

/**
 * Every version in the index, tombstones included, as columns of numbers: 36 bytes each and no object.
 * The versions of a key are a chain from the newest to the oldest; its head is in the key's record
 * (key-arena.ts). Columns come in chunks, so that growing never copies what is there.
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
}

const chunkBits = 14;
const chunkVersions = 1 << chunkBits;
/** An id is 32 bits: 4,294,967,296 versions. */
const chunksMax = 2 ** (32 - chunkBits);

class VersionChunk {
  readonly createRevision = new Float64Array(chunkVersions);
  readonly modRevision = new Float64Array(chunkVersions);
  readonly version = new Float64Array(chunkVersions);
  readonly modSub = new Uint32Array(chunkVersions);
  readonly key = new Uint32Array(chunkVersions);
  /** The next older version of the same key; in a freed record, the next freed one. */
  readonly older = new Uint32Array(chunkVersions);
}

export class VersionTable {
  private readonly chunks: VersionChunk[] = [new VersionChunk()];
  private nextId: VersionId = 1;
  private firstFree: VersionId = 0;

  add(fields: VersionFields, older: VersionId): VersionId {
    const id = this.reserve();
    const chunk = this.chunkOf(id);
    const at = id & (chunkVersions - 1);
    chunk.createRevision[at] = fields.createRevision;
    chunk.modRevision[at] = fields.modRevision;
    chunk.version[at] = fields.version;
    chunk.modSub[at] = fields.modSub;
    chunk.key[at] = fields.key;
    chunk.older[at] = older;
    return id;
  }

  free(id: VersionId): void {
    this.setOlder(id, this.firstFree);
    this.firstFree = id;
  }

  createRevisionOf(id: VersionId): number {
    return this.chunkOf(id).createRevision[id & (chunkVersions - 1)] as number;
  }

  modRevisionOf(id: VersionId): number {
    return this.chunkOf(id).modRevision[id & (chunkVersions - 1)] as number;
  }

  modSubOf(id: VersionId): number {
    return this.chunkOf(id).modSub[id & (chunkVersions - 1)] as number;
  }

  versionOf(id: VersionId): number {
    return this.chunkOf(id).version[id & (chunkVersions - 1)] as number;
  }

  isTombstone(id: VersionId): boolean {
    return this.versionOf(id) === 0;
  }

  keyOf(id: VersionId): KeyHandle {
    return this.chunkOf(id).key[id & (chunkVersions - 1)] as number;
  }

  olderOf(id: VersionId): VersionId {
    return this.chunkOf(id).older[id & (chunkVersions - 1)] as number;
  }

  setOlder(id: VersionId, older: VersionId): void {
    this.chunkOf(id).older[id & (chunkVersions - 1)] = older;
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
      this.chunks.push(new VersionChunk());
    }
    return id;
  }
}
