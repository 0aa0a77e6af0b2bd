import { binaryString, fromBinaryString, type Bytes } from '../base/bytes.ts';

/** Which key belongs to which lease, and the keys of each. Keys without a lease cost nothing here. */
export class AttachedKeys {
  private readonly leaseByKey = new Map<string, bigint>();
  /** The key itself where there is only one: a set of one weighs many times as much, and most leases have one. */
  private readonly keysByLease = new Map<bigint, string | Set<string>>();

  leaseOf(key: Bytes): bigint {
    return this.leaseByKey.size === 0 ? 0n : (this.leaseByKey.get(binaryString(key)) ?? 0n);
  }

  /** Keys as `binaryString`s, with their leases. Changes meanwhile do no harm: what stays as it is, is seen once. */
  entries(): IterableIterator<readonly [string, bigint]> {
    return this.leaseByKey.entries();
  }

  /** Those that have keys. */
  leases(): Iterable<bigint> {
    return this.keysByLease.keys();
  }

  /** In no order. */
  keysOf(id: bigint): readonly Bytes[] {
    const keys = this.keysByLease.get(id) ?? [];
    return typeof keys === 'string'
      ? [fromBinaryString(keys)]
      : Array.from(keys, (text) => fromBinaryString(text));
  }

  /** The same as `binaryString`s. */
  namesOf(id: bigint): readonly string[] {
    const keys = this.keysByLease.get(id) ?? [];
    return typeof keys === 'string' ? [keys] : [...keys];
  }

  countOf(id: bigint): number {
    const keys = this.keysByLease.get(id);
    return typeof keys === 'string' ? 1 : (keys?.size ?? 0);
  }

  /** The key is not kept. 0n takes it out. */
  set(key: Bytes, id: bigint): void {
    if (id === 0n && this.leaseByKey.size === 0) return;
    const text = binaryString(key);
    const before = this.leaseByKey.get(text) ?? 0n;
    if (before === id) return;
    if (before !== 0n) this.take(text, before);
    if (id === 0n) this.leaseByKey.delete(text);
    else this.give(text, id);
  }

  private give(text: string, id: bigint): void {
    this.leaseByKey.set(text, id);
    const keys = this.keysByLease.get(id);
    if (keys === undefined) this.keysByLease.set(id, text);
    else if (typeof keys === 'string') this.keysByLease.set(id, new Set([keys, text]));
    else keys.add(text);
  }

  private take(text: string, id: bigint): void {
    const keys = this.keysByLease.get(id);
    if (typeof keys === 'object') keys.delete(text);
    if (typeof keys === 'string' || keys?.size === 0) this.keysByLease.delete(id);
  }
}
