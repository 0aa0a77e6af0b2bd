import { assert } from '../base/assert.ts';
import { compareBytes, type Bytes } from '../base/bytes.ts';
import { sortInSteps } from '../base/sort-in-steps.ts';
import { AttachedKeys } from './attached-keys.ts';
import {
  decodeLeaseRow,
  encodeLeaseKey,
  encodeLeaseRow,
  type LeaseRecord,
  type LeaseRowChange,
} from './record.ts';

/**
 * The leases that are granted, and the keys that belong to each, as of the applied index: the replicated part of
 * etcd's server/lease. When a lease ends is the leader's knowledge alone (lessor.ts).
 */
export class Leases {
  private readonly leases: Map<bigint, LeaseRecord>;
  private readonly attached: AttachedKeys;

  private constructor(leases: Map<bigint, LeaseRecord>, attached: AttachedKeys) {
    this.leases = leases;
    this.attached = attached;
  }

  /**
   * From the rows of the `lease` space, in any order, and the keys that the newest versions say belong to leases,
   * which are taken over.
   */
  static load(
    rows: Iterable<{ readonly key: Bytes; readonly value: Bytes }>,
    attached: AttachedKeys = new AttachedKeys(),
  ): Leases {
    const leases = new Map<bigint, LeaseRecord>();
    for (const { key, value } of rows) {
      const lease = decodeLeaseRow(key, value);
      leases.set(lease.id, lease);
    }
    for (const id of attached.leases()) {
      assert(leases.has(id), `a key belongs to lease ${id}, which is not there`);
    }
    return new Leases(leases, attached);
  }

  get size(): number {
    return this.leases.size;
  }

  has(id: bigint): boolean {
    return this.leases.has(id);
  }

  get(id: bigint): LeaseRecord | undefined {
    return this.leases.get(id);
  }

  /** In the order in which they were granted; after a start in the order of their rows. */
  list(): IterableIterator<LeaseRecord> {
    return this.leases.values();
  }

  /** The keys of a lease in byte order. */
  keysOf(id: bigint): readonly Bytes[] {
    return this.attached.keysOf(id).toSorted(compareBytes);
  }

  /** The same in steps, as `binaryString`s: of a lease with very many keys, as they are when it begins. */
  keyNamesInSteps(id: bigint): Generator<undefined, readonly string[], number> {
    return sortInSteps(this.attached.namesOf(id), (a, b) => (a < b ? -1 : 1));
  }

  keyCountOf(id: bigint): number {
    return this.attached.countOf(id);
  }

  /** `AttachedKeys.entries`. */
  attachments(): IterableIterator<readonly [string, bigint]> {
    return this.attached.entries();
  }

  /** The lease of a key; 0n is none. */
  leaseOf(key: Bytes): bigint {
    return this.attached.leaseOf(key);
  }

  grant(id: bigint, grantedTtl: number): LeaseRowChange {
    assert(id !== 0n && !this.leases.has(id), `lease ${id} is granted already`);
    assert(grantedTtl > 0, `lease ${id} is granted for ${grantedTtl} s`);
    return this.keep({ id, grantedTtl, remainingTtl: 0 });
  }

  /** Writes down what is left of a lease. */
  checkpoint(id: bigint, remainingTtl: number): LeaseRowChange {
    const lease = this.leases.get(id);
    assert(lease !== undefined, `lease ${id} to be checkpointed is not there`);
    return this.keep({ ...lease, remainingTtl });
  }

  /** Forgets the lease; its keys have been deleted, and so detached, before. */
  revoke(id: bigint): LeaseRowChange {
    assert(this.leases.delete(id), `lease ${id} to be revoked is not there`);
    assert(this.attached.countOf(id) === 0, `lease ${id} is revoked and still has keys`);
    return { key: encodeLeaseKey(id), value: undefined };
  }

  /** The key now belongs to this lease alone; 0n: to none. */
  attach(key: Bytes, id: bigint): void {
    assert(
      id === 0n || this.leases.has(id),
      `a key is attached to lease ${id}, which is not there`,
    );
    this.attached.set(key, id);
  }

  detach(key: Bytes): void {
    this.attached.set(key, 0n);
  }

  private keep(lease: LeaseRecord): LeaseRowChange {
    this.leases.set(lease.id, lease);
    return { key: encodeLeaseKey(lease.id), value: encodeLeaseRow(lease) };
  }
}
