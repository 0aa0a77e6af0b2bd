import type { Bytes } from '../base/bytes.ts';
import type { IndexBlockKind } from './index-capture.ts';
import type { KeyHandle } from './key-arena.ts';
import { KeyIndex } from './key-index.ts';
import type { VersionId } from './version-table.ts';

/** A captured index is not one that can be used; the message says why. */
export class IndexImageError extends Error {
  override readonly name = 'IndexImageError';
}

/**
 * Makes an index of the blocks that `IndexCapture` has copied, in their order. Checksums are the reader's business;
 * here it is only checked that the parts fit together: a hole would lead reads astray.
 */
export class IndexImage {
  private readonly index = new KeyIndex();
  private readonly revision: number;
  private readonly handles: KeyHandle[] = [];

  /** As of `revision`, with nothing readable below `compactRevision`. */
  constructor(revision: number, compactRevision: number) {
    this.revision = revision;
    this.index.raiseFloor(compactRevision);
  }

  /** The bytes are taken over: the array begins where its memory does. */
  take(kind: IndexBlockKind, bytes: Bytes): void {
    mustFit(bytes.byteOffset === 0 && bytes.length % 4 === 0, 'a block of odd length');
    mustFit(this.maybeAdopt(kind, bytes), `a block of ${kind} that cannot be`);
  }

  finish(): KeyIndex {
    const { index } = this;
    const handles = Uint32Array.from(this.handles);
    let next: VersionId = 1;
    let changes = 0;
    for (let i = 0; i < handles.length; i++) {
      const handle = handles[i] as KeyHandle;
      if (i > 0) {
        const order = index.keys.compareHandles(handles[i - 1] as KeyHandle, handle);
        mustFit(order < 0, 'keys out of order');
      }
      mustFit(index.keys.newestOf(handle) === next, 'a key without its versions');
      const end = this.versionsEnd(handle, next);
      for (let id = next; id < end; id++) {
        if (index.versions.modRevisionOf(id) >= index.floor) changes++;
      }
      next = end;
    }
    mustFit(next === index.versions.idsEnd, 'versions without their keys');
    mustFit(changes === index.changes.end, 'changes that are not the versions');
    index.tree.build(handles, (handle) => index.newestLive(handle) !== 0);
    return index;
  }

  private maybeAdopt(kind: IndexBlockKind, bytes: Bytes): boolean {
    const { index } = this;
    switch (kind) {
      case 'keys':
        return index.keys.adopt(bytes, (handle) => this.handles.push(handle));
      case 'versions':
        return index.versions.adopt(bytes);
      case 'changes':
        return index.changes.adopt(new Uint32Array(bytes.buffer));
    }
  }

  /** The versions of a key follow one another from the newest to the oldest; answers the id behind them. */
  private versionsEnd(handle: KeyHandle, newest: VersionId): VersionId {
    const { versions } = this.index;
    let id = newest;
    mustFit(id < versions.idsEnd, 'a key without versions');
    mustFit(versions.modRevisionOf(id) <= this.revision, 'a version of the future');
    for (;;) {
      mustFit(versions.keyOf(id) === handle, 'a version of another key');
      const older = versions.olderOf(id);
      if (older === 0) return id + 1;
      mustFit(older === id + 1 && older < versions.idsEnd, 'versions that do not follow');
      id = older;
    }
  }
}

function mustFit(isSo: boolean, what: string): void {
  if (!isSo) throw new IndexImageError(`it holds ${what}`);
}
