import type { Message } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I1 one leader a term';

/** Election safety (dissertation, Figure 3.2): by who leads, and by who speaks as a leader. */
export const oneLeader: Property = {
  name,
  on: ['start', 'figures', 'sent'],
  judge(sight, record) {
    const { now, sent } = sight;
    if (now.state === 'leader') leads(sight, now.term, record);
    for (const message of sent) if (isLeaders(message)) leads(sight, message.term, record);
  },
};

function leads({ id }: Sight, term: number, { leaders }: Record): void {
  const known = leaders.get(term);
  if (known === undefined) leaders.set(term, id);
  else must(known === id, name, () => `${known} and ${id} both lead in term ${term}`);
}

function isLeaders({ type }: Message): boolean {
  return type === 'MsgApp' || type === 'MsgHeartbeat' || type === 'MsgTimeoutNow';
}
