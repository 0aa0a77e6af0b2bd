import { isSame } from './log-matching.ts';
import { must, type Property } from './property.ts';

const name = 'I5 the same entries are applied';

/**
 * State machine safety (dissertation, Figure 3.2): whatever is handed to the state machine at an index is the same
 * on every member, and comes in order.
 */
export const sameEntries: Property = {
  name,
  on: ['handedOut'],
  judge({ handedOut, id, now }, { entries }) {
    let last: number | undefined;
    for (const entry of handedOut) {
      const { index, term } = entry;
      must(last === undefined || index === last + 1, name, () => `${index} comes after ${last}`);
      last = index;
      must(index <= now.committed, name, () => `${index} is applied by ${id}, not yet committed`);
      const known = entries[index];
      if (known === undefined) entries[index] = entry;
      else
        must(
          isSame(entry, known),
          name,
          () => `${id} applies entry ${term}/${index}, others applied ${known.term}/${index}`,
        );
    }
  },
};
