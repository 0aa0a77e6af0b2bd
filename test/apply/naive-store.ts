import { compareBytes, equalBytes, type Bytes } from '../../src/base/bytes.ts';
import type {
  KeyRange,
  KeyVersion,
  PutRow,
  RevisionStore,
  WriteResult,
  WriteTxn,
} from '../../src/mvcc/types.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';

interface Version extends KeyVersion {
  readonly isTombstone: boolean;
  readonly row: Bytes;
}

/**
 * The store as one array of versions, searched from end to end: slow, and too simple to be wrong.
 */
export class NaiveStore implements RevisionStore {
  revision = 1;
  compactRevision = -1;
  /** What was asked, for tests of cost. */
  readonly scanned: number[] = [];
  private readonly versions: Version[] = [];
  private open: NaiveTxn | undefined;

  get(key: Bytes, revision?: number): KeyVersion | undefined {
    const until = revision ?? Infinity;
    const last = this.versions.findLast(
      (version) => version.modRevision <= until && equalBytes(version.key, key),
    );
    return last === undefined || last.isTombstone ? undefined : last;
  }

  count(range: KeyRange, revision?: number): number {
    return this.live(range, revision).length;
  }

  rememberCount(): void {
    // It counts anew each time.
  }

  scan(range: KeyRange, limit: number, revision?: number): readonly KeyVersion[] {
    const found = this.live(range, revision).slice(0, limit);
    this.scanned.push(found.length);
    return found;
  }

  read({ modRevision, modSub }: KeyVersion): Bytes {
    const version = this.versions.find(
      (candidate) => candidate.modRevision === modRevision && candidate.modSub === modSub,
    );
    if (version === undefined) throw new Error('read of a version that is not there');
    return version.row;
  }

  begin(): WriteTxn {
    if (this.open !== undefined) throw new Error('a transaction is open');
    this.open = new NaiveTxn(this, this.versions, (changed) => {
      this.open = undefined;
      if (changed) this.revision += 1;
    });
    return this.open;
  }

  compact(revision: number): void {
    this.compactRevision = revision;
  }

  private live(range: KeyRange, revision?: number): readonly KeyVersion[] {
    const keys = this.versions
      .map(({ key }) => key)
      .filter((key) => compareBytes(range.from, key) <= 0)
      .filter((key) => range.to === undefined || compareBytes(key, range.to) < 0)
      .sort(compareBytes)
      .filter((key, i, all) => i === 0 || !equalBytes(key, all[i - 1] as Bytes));
    return keys.flatMap((key) => this.get(key, revision) ?? []);
  }
}

class NaiveTxn implements WriteTxn {
  private readonly rows: PutRow[] = [];
  private taken = 0;
  private readonly store: NaiveStore;
  private readonly versions: Version[];
  private readonly onEnd: (changed: boolean) => void;

  constructor(store: NaiveStore, versions: Version[], onEnd: (changed: boolean) => void) {
    this.store = store;
    this.versions = versions;
    this.onEnd = onEnd;
  }

  get hasChanged(): boolean {
    return this.rows.length > 0;
  }

  put(key: Bytes, value: Bytes, lease: bigint): void {
    const before = this.store.get(key);
    const modRevision = this.store.revision + 1;
    const createRevision = before?.createRevision ?? modRevision;
    const version = (before?.version ?? 0) + 1;
    const row = KeyValue.encode({ key, createRevision, modRevision, version, value, lease });
    const rowBytes = row.length;
    this.add({ key: key.slice(), createRevision, version, rowBytes, isTombstone: false, row });
  }

  deleteRange(range: KeyRange, limit = Infinity): readonly KeyVersion[] {
    const ended = this.store.scan(range, limit);
    for (const { key } of ended) {
      const row = KeyValue.encode({ key });
      this.add({ key, createRevision: 0, version: 0, rowBytes: 0, isTombstone: true, row });
    }
    return ended;
  }

  takeRows(): readonly PutRow[] {
    const rows = this.rows.slice(this.taken);
    this.taken = this.rows.length;
    return rows;
  }

  end(): WriteResult {
    this.onEnd(this.hasChanged);
    return { revision: this.store.revision, rows: this.takeRows() };
  }

  private add(version: Omit<Version, 'modRevision' | 'modSub'>): void {
    const modSub = this.rows.length;
    this.versions.push({ ...version, modRevision: this.store.revision + 1, modSub });
    this.rows.push({ key: version.key, value: version.row });
  }
}
