import { decodeRowHead } from '../../../src/mvcc/row.ts';
import { isTombstoneKey } from '../../../src/mvcc/revision.ts';
import { decodeLeaseKey } from '../../../src/lease/record.ts';
import { CommandKind, decodeCommand } from '../../../src/wire/command.ts';
import { LeaseExpiry } from '../../../src/wire/lease.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { AppliedEntry } from './sight.ts';

const name = 'I34, I35 leases and their keys';

/**
 * A key is attached only to a lease that exists, and is gone when the lease is; an expiry counts only in the term in
 * which a leader decided it (etcd #15247). Judged where an entry is first applied.
 */
export class Leases implements Property {
  readonly name = name;
  readonly on = ['applied'] as const;
  private readonly known = new Set<bigint>();

  judge({ applied }: { readonly applied: readonly AppliedEntry[] }, record: Record): void {
    for (const each of applied)
      if (record.effects[each.index] === undefined) this.entry(each, record);
  }

  private entry(each: AppliedEntry, record: Record): void {
    const { index, rows, changes } = each;
    const entry = record.entries[index];
    if (entry?.data[1] === CommandKind.leaseExpire) {
      const { term } = LeaseExpiry.decode(decodeCommand(entry.data).request);
      must(
        term === entry.term || (rows.length === 0 && changes.length === 0),
        name,
        () => `entry ${entry.term}/${index} ends leases by a decision of term ${term}`,
      );
    }
    for (const { space, key, value } of changes) {
      if (space !== 'lease') continue;
      const id = decodeLeaseKey(key);
      if (value !== undefined) this.known.add(id);
      else this.ended(id, index, record);
    }
    for (const { key, value } of rows) {
      if (isTombstoneKey(key)) continue;
      const id = decodeRowHead(value).lease;
      must(
        id === 0n || this.known.has(id),
        name,
        () => `entry ${index} attaches a key to lease ${id}, which there is not`,
      );
    }
  }

  private ended(id: bigint, index: number, { rows }: Record): void {
    this.known.delete(id);
    const left = rows.keysOf(id);
    must(left === 0, name, () => `entry ${index} ends lease ${id} and leaves ${left} of its keys`);
  }
}
