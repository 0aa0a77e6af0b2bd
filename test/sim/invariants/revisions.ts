import { decodeRowKey } from '../../../src/mvcc/revision.ts';
import { CommandKind } from '../../../src/wire/command.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { AppliedEntry } from './sight.ts';

const name = 'I17 one revision a change';

/**
 * An entry that changes something has the next revision, all its rows have it, and one that changes nothing takes
 * none. Only the end of several leases takes one for each. That it is the same everywhere, I22 says.
 */
export const revisions: Property = {
  name,
  on: ['applied'],
  judge({ applied }, record) {
    for (const each of applied)
      if (record.effects[each.index] === undefined) mustCount(each, record);
  },
};

function mustCount({ index, rows, revision }: AppliedEntry, record: Record): void {
  const before = record.effects[index - 1]?.revision ?? (index === 1 ? firstRevision : undefined);
  if (before === undefined) return;
  let last = before;
  for (const { key } of rows) {
    const { main } = decodeRowKey(key);
    must(
      main === last + 1 || (main === last && last > before),
      name,
      () => `entry ${index} writes revision ${main} after ${last}`,
    );
    last = main;
  }
  must(
    revision === last,
    name,
    () => `entry ${index} leaves revision ${revision}, its rows end at ${last}`,
  );
  const isExpiry = record.entries[index]?.data[1] === CommandKind.leaseExpire;
  must(
    isExpiry || last <= before + 1,
    name,
    () => `entry ${index} takes ${last - before} revisions`,
  );
}

const firstRevision = 1;
