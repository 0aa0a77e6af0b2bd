import { mustGet } from '../base/assert.ts';
import type { VersionId, VersionTable } from './version-table.ts';

const chunkBits = 14;
export const chunkEntries = 1 << chunkBits;

/**
 * The versions in the order in which they were written, from the revision of the last compaction on, for
 * whoever watches from there must see it (etcd issue 19179): which keys changed after a revision, without
 * looking at any other key. 4 bytes a version. Positions count from the first version ever added; only
 * `drop` moves any.
 */
export class ChangeLog {
  private readonly versions: VersionTable;
  private chunks: Uint32Array[] = [];
  /** Chunks dropped from the front. */
  private droppedChunks = 0;
  private start = 0;
  private endPosition = 0;

  constructor(versions: VersionTable) {
    this.versions = versions;
  }

  /** The position after the last. */
  get end(): number {
    return this.endPosition;
  }

  /** Ids come in the order of their revisions. */
  add(id: VersionId): void {
    const position = this.endPosition++;
    const chunk = Math.floor(position / chunkEntries) - this.droppedChunks;
    if (chunk === this.chunks.length) this.chunks.push(new Uint32Array(chunkEntries));
    this.set(position, id);
  }

  /** Takes over the next ids in their order, when nothing was added yet: whole chunks, then one that need not be. */
  adopt(ids: Uint32Array): boolean {
    if (this.endPosition % chunkEntries !== 0 || ids.length > chunkEntries) return false;
    const chunk = new Uint32Array(chunkEntries);
    chunk.set(ids);
    this.chunks.push(chunk);
    this.endPosition += ids.length;
    return true;
  }

  at(position: number): VersionId {
    const chunk = Math.floor(position / chunkEntries) - this.droppedChunks;
    return this.chunkAt(chunk)[position % chunkEntries] as number;
  }

  /** The position of the first version above `revision`, or of it and above `sub`; `end` when there is none. */
  firstAfter(revision: number, sub = Number.MAX_SAFE_INTEGER): number {
    let low = this.start;
    let high = this.endPosition;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.isUpTo(this.at(middle), revision, sub)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets the versions below `revision`: from then on only it and later ones may be asked for. */
  trim(revision: number): void {
    this.start = this.firstAfter(revision - 1);
    const firstChunk = Math.floor(this.start / chunkEntries);
    this.chunks = this.chunks.slice(firstChunk - this.droppedChunks);
    this.droppedChunks = firstChunk;
  }

  /**
   * Forgets one version of the revision that it was trimmed to: a key that was deleted and put at once has two, of
   * which the compaction keeps one.
   */
  drop(id: VersionId): void {
    let at = this.start;
    while (this.at(at) !== id) at++;
    for (; at > this.start; at--) this.set(at, this.at(at - 1));
    this.start++;
  }

  private isUpTo(id: VersionId, revision: number, sub: number): boolean {
    const { versions } = this;
    const of = versions.modRevisionOf(id);
    return of < revision || (of === revision && versions.modSubOf(id) <= sub);
  }

  private set(position: number, id: VersionId): void {
    const chunk = Math.floor(position / chunkEntries) - this.droppedChunks;
    this.chunkAt(chunk)[position % chunkEntries] = id;
  }

  private chunkAt(chunk: number): Uint32Array {
    return mustGet(this.chunks[chunk], 'a change that was trimmed away was asked for');
  }
}
