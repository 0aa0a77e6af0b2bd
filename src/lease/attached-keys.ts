import { binaryString, type Bytes } from '../base/bytes.ts';

/** Which key belongs to which lease, and the keys of each. Keys without a lease cost nothing here. */
export class AttachedKeys {
  private readonly leaseByKey = new Map<string, bigint>();
  private readonly keysByLease = new Map<bigint, Map<string, Bytes>>();

  leaseOf(key: Bytes): bigint {
    return this.leaseByKey.size === 0 ? 0n : (this.leaseByKey.get(binaryString(key)) ?? 0n);
  }

  /** Those that have keys. */
  leases(): Iterable<bigint> {
    return this.keysByLease.keys();
  }

  keysOf(id: bigint): Iterable<Bytes> {
    return this.keysByLease.get(id)?.values() ?? [];
  }

  countOf(id: bigint): number {
    return this.keysByLease.get(id)?.size ?? 0;
  }

  /** The key is copied. 0n takes it out. */
  set(key: Bytes, id: bigint): void {
    if (id === 0n && this.leaseByKey.size === 0) return;
    const text = binaryString(key);
    const before = this.leaseByKey.get(text) ?? 0n;
    if (before === id) return;
    if (before !== 0n) this.take(text, before);
    if (id === 0n) {
      this.leaseByKey.delete(text);
      return;
    }
    this.leaseByKey.set(text, id);
    const keys = this.keysByLease.get(id);
    if (keys === undefined) this.keysByLease.set(id, new Map([[text, key.slice()]]));
    else keys.set(text, key.slice());
  }

  private take(text: string, id: bigint): void {
    const keys = this.keysByLease.get(id);
    keys?.delete(text);
    if (keys?.size === 0) this.keysByLease.delete(id);
  }
}
