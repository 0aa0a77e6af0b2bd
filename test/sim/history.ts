import assert from 'node:assert/strict';

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
  private readonly deletes = new Map<string, Write[]>();
  private readonly acked: AckedWrite[] = [];
  /** Of values that were acknowledged. */
  private readonly revisionOf = new Map<string, number>();
  /** By key, in the order of their revisions. */
  private readonly ackedOf = new Map<string, AckedWrite[]>();
  private readonly reads: CompletedRead[] = [];
  private readonly hashes = new Map<string, number>();
  private clock = 0;

  /** Moments are counted, so that any two differ. */
  now(): number {
    return ++this.clock;
  }

  began(key: string, value: string | undefined, replaces?: number): Write {
    const write = { key, value, replaces, beganAt: this.now() };
    if (value !== undefined) this.issued.set(value, write);
    else this.deletes.set(key, [...(this.deletes.get(key) ?? []), write]);
    return write;
  }

  wrote(write: Write, revision: number): void {
    const acked = { ...write, revision, ackedAt: this.now() };
    this.acked.push(acked);
    if (write.value !== undefined) this.revisionOf.set(write.value, revision);
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

  check(): void {
    this.checkRevisions();
    this.checkSwaps();
    for (const read of this.reads) this.checkFound(read);
    this.checkOrder();
  }

  /** A range over all keys at `revision`: nothing acknowledged by then may be missing, nothing else be there. */
  checkAll(revision: number, found: ReadonlyMap<string, NonNullable<Read['found']>>): void {
    const keys = new Set([...found.keys(), ...this.ackedOf.keys()]);
    for (const key of keys) this.checkFound({ key, revision, found: found.get(key) });
  }

  /** What a read at `revision`, linearizable or not, must have found. */
  checkFound({ key, revision, found }: Read): void {
    const known = this.ackedOf.get(key) ?? [];
    let at = known.length;
    while (at > 0 && (known[at - 1]?.revision ?? 0) > revision) at--;
    const newest = known[at - 1];
    if (found === undefined) {
      // Only a deletion explains it, acknowledged or not.
      const isExplained = newest === undefined || this.deletes.has(key);
      assert.ok(isExplained, `${key} at ${revision} is gone and was never deleted`);
      return;
    }
    const { modRevision } = found;
    assert.ok(modRevision >= (newest?.revision ?? 0), `${key} at ${revision} misses a write`);
    assert.equal(this.revisionOf.get(found.value) ?? modRevision, modRevision);
    assert.equal(this.issued.get(found.value)?.key, key, `${key} holds what nobody wrote there`);
    assert.ok(modRevision <= revision);
  }

  private checkRevisions(): void {
    const byRevision = new Map<number, AckedWrite>();
    for (const write of this.acked) {
      const other = byRevision.get(write.revision);
      assert.ok(other === undefined, `${write.key} and ${other?.key} share ${write.revision}`);
      byRevision.set(write.revision, write);
    }
  }

  /** Between what a compare-and-swap found and what it wrote nobody wrote. */
  private checkSwaps(): void {
    for (const { key, replaces, revision } of this.acked) {
      if (replaces === undefined || replaces === 0) continue;
      const between = this.ackedOf
        .get(key)
        ?.find((other) => other.revision > replaces && other.revision < revision);
      assert.ok(between === undefined, `${key} was swapped at ${revision} from ${replaces}`);
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
