import assert from 'node:assert/strict';
import type { EventHistory } from '../guarantees/history.ts';
import { errors, type EtcdError } from '../../src/wire/errors.ts';

/**
 * What clients of a cluster saw, in the order in which they saw it, and what must hold of it: revisions order
 * all writes, so that every answer can be held against them.
 */

export interface Write {
  readonly key: string;
  /** Undefined deletes. Every value is written once. */
  readonly value: string | undefined;
  /** Of a compare-and-swap: the revision of the key that it found, 0 for no key. */
  readonly replaces: number | undefined;
  readonly beganAt: number;
  /** The newest revision that anybody knew of when it began: if it is ever made, its own is above. */
  readonly above: number;
  /** It was told that it is not made, and why. */
  refusal: string | undefined;
}

/** A deletion of keys, by whoever: what it has taken away, and when, is known by its answer alone. */
export interface Removal {
  readonly from: string;
  /** Not included. */
  readonly to: string;
  readonly beganAt: number;
  readonly above: number;
  refusal: string | undefined;
  /** Undefined: not known, or not yet; 0: it found nothing. */
  revision: number | undefined;
}

interface AckedWrite extends Write {
  readonly revision: number;
  readonly ackedAt: number;
}

/** What a read found under one key at the store's `revision`. */
export interface Read {
  readonly key: string;
  readonly revision: number;
  readonly found: { readonly value: string; readonly modRevision: number } | undefined;
}

interface CompletedRead extends Read {
  readonly beganAt: number;
  readonly endedAt: number;
}

export class SimHistory {
  private readonly issued = new Map<string, Write>();
  /** Of one key each. */
  private readonly removalsOf = new Map<string, Removal[]>();
  private readonly wideRemovals: Removal[] = [];
  private readonly acked: AckedWrite[] = [];
  /** Of values that were acknowledged. */
  private readonly revisionOf = new Map<string, number>();
  /** By key, in the order of their revisions. */
  private readonly ackedOf = new Map<string, AckedWrite[]>();
  private readonly reads: CompletedRead[] = [];
  private readonly localReads: Read[] = [];
  private readonly hashes = new Map<string, number>();
  private clock = 0;
  /** The newest revision that a client was told of. */
  private known = 1;

  /** Moments are counted, so that any two differ. */
  now(): number {
    return ++this.clock;
  }

  began(key: string, value: string, replaces?: number): Write {
    const { known: above } = this;
    const write = { key, value, replaces, beganAt: this.now(), above, refusal: undefined };
    this.issued.set(nameOf(value), write);
    return write;
  }

  /** Of one key when no end is given. */
  beganRemoval(from: string, to = `${from}\0`): Removal {
    const { known: above } = this;
    const rest = { refusal: undefined, revision: undefined };
    const removal = { from, to, beganAt: this.now(), above, ...rest };
    const isOne = to === `${from}\0`;
    if (!isOne) this.wideRemovals.push(removal);
    else {
      const removals = this.removalsOf.get(from);
      if (removals === undefined) this.removalsOf.set(from, [removal]);
      else removals.push(removal);
    }
    return removal;
  }

  /** The key will be deleted, and not by a client that is asked. */
  expectRemoval(key: string): void {
    if (!this.removalsOf.has(key)) this.beganRemoval(key);
  }

  wrote(write: Write, revision: number): void {
    this.acknowledged(write, revision, this.now());
  }

  /** Of one transaction. */
  wroteAll(writes: readonly Write[], revision: number): void {
    const ackedAt = this.now();
    for (const write of writes) this.acknowledged(write, revision, ackedAt);
  }

  /** Without a revision it has found nothing. */
  removed(removal: Removal, revision: number | undefined): void {
    removal.revision = revision ?? 0;
    const { from, to, beganAt, above } = removal;
    if (revision === undefined || to !== `${from}\0`) return;
    const write = { key: from, value: undefined, replaces: undefined, refusal: undefined };
    this.acknowledged({ ...write, beganAt, above }, revision, this.now());
  }

  /** An error was told; some say that nothing has been done, and nothing will be. */
  refused(writes: readonly (Write | Removal)[], { text }: EtcdError): void {
    if (definite.has(text)) for (const write of writes) write.refusal = text;
  }

  private acknowledged(write: Write, revision: number, ackedAt: number): void {
    const acked = { ...write, revision, ackedAt };
    assert.ok(
      revision > write.above,
      `${write.key} is written at ${revision}, and ${write.above} was known before it was asked for`,
    );
    this.known = Math.max(this.known, revision);
    this.acked.push(acked);
    if (write.value !== undefined) this.revisionOf.set(nameOf(write.value), revision);
    const known = this.ackedOf.get(write.key);
    if (known === undefined) this.ackedOf.set(write.key, [acked]);
    else {
      let at = known.length;
      while (at > 0 && (known[at - 1]?.revision ?? 0) > revision) at--;
      known.splice(at, 0, acked);
    }
  }

  read(beganAt: number, read: Read): void {
    this.reads.push({ ...read, beganAt, endedAt: this.now() });
    this.known = Math.max(this.known, read.revision);
  }

  /** A serializable read: it may be old, but what it found was there. Judged at the end, when all is known. */
  readLocally(read: Read): void {
    this.localReads.push(read);
  }

  /** Two members that hash the same revisions must find the same. */
  hashed(revision: number, compactRevision: number, hash: number): void {
    const name = `${revision} after the compaction at ${compactRevision}`;
    const known = this.hashes.get(name);
    assert.ok(known === undefined || known === hash, `two hashes of revision ${name}`);
    this.hashes.set(name, hash);
  }

  get writes(): readonly AckedWrite[] {
    return this.acked;
  }

  get summary(): string {
    return `${this.acked.length} writes, ${this.reads.length} reads, ${this.hashes.size} hashes`;
  }

  /** Against what watchers saw happen. */
  check(events: EventHistory): void {
    this.checkRevisions();
    this.checkSwaps();
    this.checkEvents(events);
    for (const read of this.reads) this.checkFound(read);
    for (const read of this.localReads) this.checkFound(read);
    this.checkOrder();
  }

  /** A range over all keys at `revision`: nothing acknowledged by then may be missing, nothing else be there. */
  checkAll(revision: number, found: ReadonlyMap<string, NonNullable<Read['found']>>): void {
    for (const [key, each] of found) this.checkFound({ key, revision, found: each });
    for (const key of this.ackedOf.keys()) {
      if (!found.has(key)) this.checkFound({ key, revision, found: undefined });
    }
  }

  /** What a read at `revision`, linearizable or not, must have found. */
  checkFound({ key, revision, found }: Read): void {
    const known = this.ackedOf.get(key) ?? [];
    const newest = known[firstAbove(known, revision) - 1];
    if (found === undefined) {
      if (newest?.value === undefined || this.isRemoved(key, newest.revision, revision)) return;
      assert.fail(
        `${key} is not there at ${revision}; it was written at ${newest.revision}, and no deletion between explains it`,
      );
    }
    const { modRevision } = found;
    const name = nameOf(found.value);
    const issued = this.issued.get(name);
    assert.ok(modRevision >= (newest?.revision ?? 0), `${key} at ${revision} misses a write`);
    assert.equal(this.revisionOf.get(name) ?? modRevision, modRevision);
    assert.equal(issued?.key, key, `${key} holds what nobody wrote there`);
    assert.ok(issued.value === found.value, `${key} holds only the beginning of what was written`);
    assert.equal(issued.refusal, undefined, `${key} holds a value whose write was refused`);
    assert.ok(modRevision <= revision);
    assert.ok(modRevision > issued.above, `${key} was written at ${modRevision}, before it began`);
  }

  /** Whether a deletion may have come behind `after`, up to `until`. */
  private isRemoved(key: string, after: number, until: number): boolean {
    const isFit = ({ from, to, revision, above, refusal }: Removal): boolean => {
      if (key < from || key >= to || refusal !== undefined) return false;
      // What is not known may have been any revision that was not known then.
      if (revision === undefined) return above < until;
      return revision > after && revision <= until;
    };
    return this.removalsOf.get(key)?.some(isFit) === true || this.wideRemovals.some(isFit);
  }

  /** One revision is one request: what shares it was acknowledged by one answer. */
  private checkRevisions(): void {
    const byRevision = new Map<number, AckedWrite>();
    for (const write of this.acked) {
      const other = byRevision.get(write.revision);
      const isOne = other === undefined || other.ackedAt === write.ackedAt;
      assert.ok(isOne, `${write.key} and ${other?.key} share ${write.revision}`);
      byRevision.set(write.revision, write);
    }
  }

  /** Between what a compare-and-swap found and what it wrote nobody wrote. */
  private checkSwaps(): void {
    for (const { key, replaces, revision } of this.acked) {
      if (replaces === undefined || replaces === 0) continue;
      const known = this.ackedOf.get(key) ?? [];
      const next = known[firstAbove(known, replaces)]?.revision ?? revision;
      assert.ok(next >= revision, `${key} was swapped at ${revision} from ${replaces}`);
    }
  }

  /** Whatever was put was asked for, and not refused; a swap, acknowledged or not, found what it compared with. */
  private checkEvents(events: EventHistory): void {
    for (let revision = 2; revision <= events.lastRevision; revision++) {
      for (const { type, key, kv } of events.at(revision) ?? []) {
        if (type !== 'put') continue;
        this.checkFound({ key, revision, found: kv });
        const { replaces } = this.issued.get(nameOf(kv.value)) ?? {};
        const before = replaces === undefined ? 'unknown' : events.before(key, revision);
        if (before === 'unknown') continue;
        const found = before === 'none' ? 0 : before.modRevision;
        assert.equal(
          found,
          replaces,
          `${key} was swapped at ${revision} if it was of ${replaces}; it was of ${found}`,
        );
      }
    }
  }

  /** A write that begins after another was acknowledged is later, and a read sees all that ended before it. */
  private checkOrder(): void {
    const ended = [
      ...this.acked.map(({ ackedAt, revision }) => ({ at: ackedAt, revision })),
      ...this.reads.map(({ endedAt, revision }) => ({ at: endedAt, revision })),
    ].sort((a, b) => a.at - b.at);
    const begun = [
      ...this.acked.map(({ beganAt, revision }) => ({ at: beganAt, least: revision - 1 })),
      ...this.reads.map(({ beganAt, revision }) => ({ at: beganAt, least: revision })),
    ].sort((a, b) => a.at - b.at);
    let seen = 0;
    let next = 0;
    for (const { at, least } of begun) {
      for (; (ended[next]?.at ?? Infinity) < at; next++) {
        seen = Math.max(seen, ended[next]?.revision ?? 0);
      }
      assert.ok(least >= seen, `revision ${least} was answered to who knew of ${seen}`);
    }
  }
}

/** Values are long, and differ in their beginnings. */
function nameOf(value: string): string {
  return value.length > nameMax ? value.slice(0, nameMax) : value;
}

const nameMax = 40;

/** The place of the first write above a revision, among writes in the order of their revisions. */
function firstAbove(writes: readonly AckedWrite[], revision: number): number {
  let from = 0;
  let to = writes.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((writes[middle] as AckedWrite).revision > revision) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Errors after which nothing has been written, and nothing will be. Time-outs, say, leave it open. */
const definite: ReadonlySet<string> = new Set(
  [
    errors.noSpace,
    errors.leaseNotFound,
    errors.requestTooLarge,
    errors.tooManyRequests,
    errors.corrupt,
  ].map(({ text }) => text),
);
