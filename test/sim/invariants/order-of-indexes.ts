import { must, type Property } from './property.ts';
import type { Figures } from './sight.ts';

const name = 'I6 term, commit and applied index';

/** None of them goes back, and they are in order (reliability: PySyncObj #166, a delayed MsgApp). */
export const orderOfIndexes: Property = {
  name,
  on: ['start', 'figures'],
  judge({ before, now, isNew }) {
    must(now.applied <= now.committed, name, () => `applied before committed: ${text(now)}`);
    must(now.committed <= now.lastIndex, name, () => `committed beyond the log: ${text(now)}`);
    must(
      now.isInstalling || now.logFirst <= now.applied + 1,
      name,
      () => `the log begins after what is to be applied next: ${text(now)}`,
    );
    must(now.logLastTerm <= now.term, name, () => `an entry of a term not reached: ${text(now)}`);
    if (isNew) return;
    must(
      now.term >= before.term && now.committed >= before.committed && now.applied >= before.applied,
      name,
      () => `from ${text(before)} back to ${text(now)}`,
    );
  },
};

function text({ term, applied, committed, lastIndex, logFirst }: Figures): string {
  return `term ${term}, applied ${applied}, committed ${committed}, log ${logFirst} to ${lastIndex}`;
}
