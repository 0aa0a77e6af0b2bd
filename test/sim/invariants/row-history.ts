import { binaryString, type Bytes } from '../../../src/base/bytes.ts';
import { decodeRowKey } from '../../../src/mvcc/revision.ts';
import { decodeRowHead } from '../../../src/mvcc/row.ts';
import type { PutRow } from '../../../src/mvcc/types.ts';

/** A row that some entry has written. */
export interface RowFact {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
  /** The revision that wrote the next row of the same key. */
  endedBy: number | undefined;
}

interface LiveKey {
  readonly createRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

interface Version {
  readonly main: number;
  /** Undefined of a deletion. */
  readonly row: Bytes | undefined;
}

/** All rows ever written, by their revision: what etcd's rules say that they must look like. */
export class RowHistory {
  private readonly facts: (RowFact[] | undefined)[] = [];
  private readonly newest = new Map<string, RowFact>();
  private readonly live = new Map<string, LiveKey>();
  private readonly keysOfLeases = new Map<bigint, number>();
  private readonly versionsOf = new Map<string, Version[]>();
  /** In byte order. */
  private readonly keys: string[] = [];
  /** The newest revision. */
  private last = 1;
  /** Rows that nobody was seen to write: what was made of them is not known. */
  private hasGap = false;

  /** The rows of a revision, in the order of their sub-revisions. */
  of(main: number): readonly RowFact[] {
    return this.facts[main] ?? [];
  }

  fact(main: number, sub: number): RowFact | undefined {
    return this.facts[main]?.[sub];
  }

  /** Live keys that a lease is attached to. */
  keysOf(lease: bigint): number {
    return this.keysOfLeases.get(lease) ?? 0;
  }

  /** Whether all rows up to this revision are known. */
  isKnown(revision: number): boolean {
    return !this.hasGap && revision <= this.last;
  }

  /** The rows that are live at a revision, in the order of their keys, which are in [from, to). */
  liveAt(revision: number, from: string, to: string | undefined): readonly Bytes[] {
    const found: Bytes[] = [];
    for (let i = placeOf(this.keys, from); i < this.keys.length; i++) {
      const key = this.keys[i] as string;
      if (to !== undefined && key >= to) break;
      const row = this.versionsOf.get(key)?.findLast(({ main }) => main <= revision)?.row;
      if (row !== undefined) found.push(row);
    }
    return found;
  }

  private keep(key: string, version: Version): void {
    if (version.main > this.last + 1) this.hasGap = true;
    this.last = version.main;
    const known = this.versionsOf.get(key);
    if (known !== undefined) {
      known.push(version);
      return;
    }
    this.versionsOf.set(key, [version]);
    this.keys.splice(placeOf(this.keys, key), 0, key);
  }

  /** The next row. Answers what is wrong with it, or undefined. */
  add({ key: rowKey, value }: PutRow): string | undefined {
    const { main, sub, isTombstone } = decodeRowKey(rowKey);
    const facts = (this.facts[main] ??= []);
    const head = decodeRowHead(value);
    const key = binaryString(head.key);
    this.keep(key, { main, row: isTombstone ? undefined : value });
    const problem = sub === facts.length ? undefined : `${main}.${sub} comes after ${facts.length}`;
    const fact: RowFact = { main, sub, isTombstone, endedBy: undefined };
    facts.push(fact);
    const ended = this.newest.get(key);
    if (ended !== undefined) ended.endedBy = main;
    this.newest.set(key, fact);
    const before = this.live.get(key);
    if (before !== undefined) this.attach(before.lease, -1);
    if (isTombstone) {
      this.live.delete(key);
      const isLive = before !== undefined;
      return problem ?? (isLive ? undefined : `${main}.${sub} deletes a key that is not there`);
    }
    this.live.set(key, head);
    this.attach(head.lease, 1);
    return problem ?? wrongHead(head, before, main);
  }

  private attach(lease: bigint, count: number): void {
    if (lease !== 0n) this.keysOfLeases.set(lease, this.keysOf(lease) + count);
  }
}

function wrongHead(
  head: LiveKey & { readonly modRevision: number },
  before: LiveKey | undefined,
  main: number,
): string | undefined {
  const { createRevision, modRevision, version } = head;
  const shouldCreate = before?.createRevision ?? main;
  const shouldVersion = (before?.version ?? 0) + 1;
  const isRight =
    createRevision === shouldCreate && modRevision === main && version === shouldVersion;
  if (isRight) return undefined;
  return `a row has create ${createRevision}, mod ${modRevision}, version ${version}; right is ${shouldCreate}, ${main}, ${shouldVersion}`;
}

/** Of the first key that is not below this one. */
function placeOf(keys: readonly string[], key: string): number {
  let from = 0;
  let to = keys.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((keys[middle] as string) < key) from = middle + 1;
    else to = middle;
  }
  return from;
}
