import type { Bytes } from '../base/bytes.ts';
import type { KeyHandle } from './key-arena.ts';
import type { KeyIndex } from './key-index.ts';
import { decodeRowKey, type RowRevision } from './revision.ts';
import { decodeRowHead, type RowHead } from './row.ts';
import type { PutRow } from './types.ts';
import type { VersionId } from './version-table.ts';

/**
 * Compares the index with the rows of the store, up to one revision: each row must be a version of the index and
 * each version a row. For an index that was not made of those rows. No compaction may be at work meanwhile; writes
 * may go on.
 */
export class IndexCheck {
  readonly revision: number;
  private readonly index: KeyIndex;
  private readonly leaseOf: (key: Bytes) => bigint;
  private readonly versionsExpected: number;
  private readonly changesEnd: number;
  private nextChange: number;
  private rows = 0;

  /** `revision` is the newest one; `leaseOf` says to which lease a key belongs now. */
  constructor(index: KeyIndex, revision: number, leaseOf: (key: Bytes) => bigint) {
    this.index = index;
    this.revision = revision;
    this.leaseOf = leaseOf;
    const { changes, versions, floor } = index;
    this.nextChange = changes.firstAfter(floor - 1);
    this.changesEnd = changes.firstAfter(revision);
    this.versionsExpected = versions.count - (changes.end - this.changesEnd);
  }

  /** The next rows, in the order of their keys. Answers what is different, or undefined. */
  feed(rows: readonly PutRow[]): string | undefined {
    for (const row of rows) {
      const at = decodeRowKey(row.key);
      if (at.main > this.revision) continue;
      this.rows++;
      const head = decodeRowHead(row.value);
      const what = this.difference(at, head, row.value.length);
      if (what !== undefined) return `the row of revision ${at.main}.${at.sub} ${what}`;
    }
    return undefined;
  }

  /** After the last row. */
  finish(): string | undefined {
    const { rows, versionsExpected } = this;
    if (rows === versionsExpected) return undefined;
    return `the store has ${rows} rows and the index ${versionsExpected} versions`;
  }

  private difference(at: RowRevision, head: RowHead, rowBytes: number): string | undefined {
    const { keys, tree, versions } = this.index;
    const handle = tree.find(head.key);
    if (handle === 0) return 'has a key that the index does not know';
    const id = at.main >= this.index.floor ? this.takeChange() : this.oldVersion(handle, at);
    if (id === 0) return 'is not in the index';
    const isSame =
      versions.keyOf(id) === handle &&
      versions.modRevisionOf(id) === at.main &&
      versions.modSubOf(id) === at.sub &&
      versions.isTombstone(id) === at.isTombstone &&
      (at.isTombstone ||
        (versions.createRevisionOf(id) === head.createRevision &&
          versions.versionOf(id) === head.version &&
          versions.rowBytesOf(id) === rowBytes));
    if (!isSame) return 'is another version in the index';
    if (keys.newestOf(handle) !== id) return undefined;
    return this.leaseOf(head.key) === head.lease ? undefined : 'has a key with another lease';
  }

  /** Rows from the floor on are in the change log in the same order. */
  private takeChange(): VersionId {
    return this.nextChange < this.changesEnd ? this.index.changes.at(this.nextChange++) : 0;
  }

  /** Below it each key has at most one version. */
  private oldVersion(handle: KeyHandle, { main }: RowRevision): VersionId {
    return this.index.newestUpTo(handle, main);
  }
}
