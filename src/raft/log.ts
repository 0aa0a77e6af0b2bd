import { assert, mustGet } from '../base/assert.ts';
import { Unstable } from './unstable.ts';
import type { Entry, LogReader, SnapshotMeta } from './types.ts';

/** The bytes an entry counts for in every limit. */
export function sizeOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/**
 * The whole log: the stable part behind `LogReader`, then the unstable part in memory.
 * Invariants (I6): applied <= applying <= committed <= lastIndex, each only grows; firstIndex <= applied + 1.
 */
export class RaftLog {
  readonly unstable: Unstable;
  readonly #stable: LogReader;
  readonly #applyingBytesMax: number;
  #committed: number;
  /** Handed out to be applied. */
  #applying: number;
  #applied: number;
  /** What was handed out and is not applied yet, oldest first. */
  readonly #handedOut: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #applyingBytes = 0;
  /** Committed entries never change, so each is looked at once: none above `confScanned` has been. */
  #confScanned: number;
  #lastConfIndex = 0;

  constructor(stable: LogReader, committed: number, applied: number, applyingBytesMax: number) {
    const last = stable.lastIndex();
    assert(
      committed <= last,
      `commit index ${committed} is beyond the last entry ${last}: entries were lost`,
    );
    assert(applied <= committed, `applied index ${applied} is beyond commit index ${committed}`);
    assert(
      stable.firstIndex() <= applied + 1,
      `the log begins at ${stable.firstIndex()}, after the entry to apply next (${applied + 1})`,
    );
    this.#stable = stable;
    this.#applyingBytesMax = applyingBytesMax;
    this.unstable = new Unstable(last + 1);
    this.#committed = committed;
    this.#applying = applied;
    this.#applied = applied;
    this.#confScanned = applied;
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  /** A snapshot has been received and is not installed yet. */
  get hasPendingSnapshot(): boolean {
    return this.unstable.snapshot !== undefined;
  }

  firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === undefined ? this.#stable.firstIndex() : snapshot.index + 1;
  }

  lastIndex(): number {
    return this.unstable.lastIndex;
  }

  lastTerm(): number {
    return mustGet(this.term(this.lastIndex()), 'the last entry has a term');
  }

  /** The last index that is on disk and that no write in flight can change. */
  stableIndex(): number {
    return this.hasPendingSnapshot ? 0 : this.unstable.offset - 1;
  }

  /** Undefined for an entry that is compacted (save the last such) or beyond the end. */
  term(index: number): number | undefined {
    const unstable = this.unstable;
    if (index >= unstable.offset || this.hasPendingSnapshot) return unstable.term(index);
    return this.#stable.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Section 3.6.1: the later last term wins; with equal ones, the longer log. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ours = this.lastTerm();
    return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex());
  }

  /** Appends a leader's entries after the entry (index, term): the last new index, or undefined on a mismatch. */
  maybeAppend(index: number, term: number, entries: readonly Entry[]): number | undefined {
    if (!this.matches(index, term)) return undefined;
    const conflict = this.#firstNew(entries);
    if (conflict < entries.length) this.append(entries.slice(conflict));
    return index + entries.length;
  }

  /** How many of `entries` are here already. Section 3.5: an entry with the same index and term is the same. */
  #firstNew(entries: readonly Entry[]): number {
    let i = 0;
    while (i < entries.length) {
      const entry = entries[i] as Entry;
      if (!this.matches(entry.index, entry.term)) break;
      i++;
    }
    return i;
  }

  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(
      first.index > this.#committed,
      `entry ${first.index} would replace a committed one (commit ${this.#committed})`,
    );
    assert(!this.hasPendingSnapshot, 'nothing is appended while a snapshot is being installed');
    this.unstable.replaceFrom(entries);
  }

  /** Never goes back (section 3.5); beyond the end only if this member lost entries that it acknowledged. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    assert(
      index <= this.lastIndex(),
      `entry ${index} is committed, but this log ends at ${this.lastIndex()}: was it lost or truncated?`,
    );
    this.#committed = index;
  }

  /**
   * The highest index at or below `index` whose term is at or below `term`, or whose term is not known: the
   * best guess at where a log that has (index, term) may agree with this one. `term` 0: not known.
   */
  lastNotAfter(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = index; at > 0; at--) {
      const ours = this.term(at);
      if (ours === undefined) return { index: at, term: 0 };
      if (ours <= term) return { index: at, term: ours };
    }
    return { index: 0, term: 0 };
  }

  /** Entries of [low, high): at least one, and beyond that no more than `bytesMax` of data. */
  slice(low: number, high: number, bytesMax: number): readonly Entry[] {
    if (low >= high) return [];
    assert(low >= this.firstIndex(), `entry ${low} is compacted`);
    const offset = this.unstable.offset;
    if (low >= offset) return limitSize(this.unstable.slice(low, high), bytesMax);
    const cut = Math.min(high, offset);
    const stable = this.#stable.entries(low, cut, bytesMax);
    assert(stable[0]?.index === low, `the log has no entry ${low}`);
    if (high <= offset || stable.length < cut - low) return stable;
    const room = bytesMax - sizeOf(stable);
    const rest = limitSize(this.unstable.slice(offset, high), room);
    return sizeOf(rest) > room ? stable : [...stable, ...rest];
  }

  entriesFrom(low: number, bytesMax: number): readonly Entry[] {
    return this.slice(low, this.lastIndex() + 1, bytesMax);
  }

  restore(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.#committed, 'a snapshot may not take committed entries back');
    this.#committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  get hasCommittedToApply(): boolean {
    return (
      this.#applying < this.#committed &&
      this.#applyingBytes < this.#applyingBytesMax &&
      !this.hasPendingSnapshot
    );
  }

  /** Hands out committed entries in order, once each, as far as the limit on those in progress allows. */
  takeCommitted(): readonly Entry[] {
    if (!this.hasCommittedToApply) return [];
    const room = this.#applyingBytesMax - this.#applyingBytes;
    const entries = this.slice(this.#applying + 1, this.#committed + 1, room);
    const bytes = sizeOf(entries);
    this.#applying += entries.length;
    this.#applyingBytes += bytes;
    this.#handedOut.push({ lastIndex: this.#applying, bytes });
    return entries;
  }

  appliedTo(index: number): void {
    assert(
      index >= this.#applied && index <= this.#applying,
      `applied index ${index} is not within [${this.#applied}, ${this.#applying}]`,
    );
    this.#applied = index;
    for (let next = this.#handedOut[0]; next !== undefined; next = this.#handedOut[0]) {
      if (next.lastIndex > index) break;
      this.#applyingBytes -= next.bytes;
      this.#handedOut.shift();
    }
  }

  /** A snapshot is installed: what it stands for counts as applied. */
  installedTo(index: number): void {
    assert(index <= this.#committed, 'a snapshot beyond the commit index was installed');
    this.#applying = Math.max(this.#applying, index);
    this.appliedTo(Math.max(this.#applied, index));
  }

  /** Whether a configuration entry waits between the applied and the commit index. */
  hasUnappliedConfChange(pageBytes: number): boolean {
    let low = Math.max(this.#confScanned, this.#applied) + 1;
    if (this.hasPendingSnapshot) return true;
    while (low <= this.#committed) {
      const page = this.slice(low, this.#committed + 1, pageBytes);
      for (const entry of page) if (entry.type === 'confChange') this.#lastConfIndex = entry.index;
      low += page.length;
    }
    this.#confScanned = Math.max(this.#confScanned, this.#committed);
    return this.#lastConfIndex > this.#applied;
  }
}

/** The longest beginning within `bytesMax`, but at least one entry. */
function limitSize(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += (entries[i] as Entry).data.length;
    if (bytes > bytesMax && i > 0) return entries.slice(0, i);
  }
  return entries;
}
