import { decodeRowKey } from '../../../src/mvcc/revision.ts';
import { must, type Property } from './property.ts';
import type { RowFact } from './row-history.ts';

const name = 'I20 compaction';

/**
 * The compact revision never goes back and is not in the future; rows are given up only when whoever reads or watches
 * from it on cannot need them: a newer row of the key is at or below it, or it is a deletion below it (etcd #19179).
 */
export const compaction: Property = {
  name,
  on: ['start', 'figures', 'deleted'],
  judge({ id, isNew, before, now, deleted }, { rows }) {
    must(
      now.compactRevision <= now.revision,
      name,
      () => `${id} is compacted at ${now.compactRevision}, its revision is ${now.revision}`,
    );
    must(
      isNew || now.compactRevision >= before.compactRevision,
      name,
      () => `${id} goes from ${before.compactRevision} back to ${now.compactRevision}`,
    );
    for (const key of deleted) {
      const { main, sub } = decodeRowKey(key);
      const fact = rows.fact(main, sub);
      must(
        fact === undefined || isGivenUp(fact, now.compactRevision),
        name,
        () =>
          `${id} deletes row ${main}.${sub}, which lasts until ${fact?.endedBy}, at compact revision ${now.compactRevision}`,
      );
    }
  },
};

/** Whether a compaction at this revision takes the row away. */
export function isGivenUp(fact: RowFact, compactRevision: number): boolean {
  if (fact.endedBy !== undefined && fact.endedBy <= compactRevision) return true;
  return fact.isTombstone && fact.main < compactRevision;
}
