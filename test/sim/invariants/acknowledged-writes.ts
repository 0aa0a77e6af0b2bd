import { must, type Property } from './property.ts';
import type { Record } from './record.ts';

const name = 'I37, I41 acknowledged writes';

/**
 * A client is told of a write only when it is committed, by a quorum of disks (I9); and whenever the power goes, a
 * quorum still has it, those not counted that lost their disk.
 */
export const acknowledgedWrites: Property = {
  name,
  on: ['acknowledged'],
  judge({ id, acknowledged }, { committed }) {
    for (const index of acknowledged) {
      must(
        index <= committed,
        name,
        () => `${id} tells a client of index ${index}, committed is ${committed}`,
      );
    }
  },
  afterPowerLoss(record: Record) {
    const commit = record.commits.at(-1);
    if (commit === undefined) return;
    const { index, term, confState } = commit;
    must(
      record.isQuorum(confState, (id) => record.disks.get(id)?.holds(index, term) === true),
      name,
      () => `entry ${term}/${index} was committed, and no quorum of disks has it any more`,
    );
  },
};
