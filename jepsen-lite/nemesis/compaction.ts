import type { WireObject } from '../../test/members/protocol.ts';
import { oneOf, over, victim, type Fault } from './types.ts';

const anyKey = Buffer.from('\0');
const slowCallMs = 20_000;

export const compactNow: Fault = {
  name: 'compact',
  begin: async (world) => {
    const { cluster, random } = world;
    const back = oneOf(random, [0, 1, 20, 200]);
    const physical = random.below(2) === 0;
    const slot = await victim(world);
    if (slot === undefined) return undefined;
    const read = await cluster.call(slot, 'KV.Range', { key: anyKey });
    if (!read.ok) return undefined;
    const newest = Number((read.message['header'] as WireObject)['revision']);
    const revision = Math.max(1, newest - back);
    const answer = await cluster.call(slot, 'KV.Compact', { revision, physical }, slowCallMs);
    const kind = physical ? 'compaction, waited for,' : 'compaction';
    const what = `${kind} at revision ${revision} of ${newest} by ${slot.name}`;
    const effect = answer.ok ? { proof: 'acknowledged' } : { nothing: `refused: ${answer.text}` };
    return over(what, [slot.name], { ...effect, compactRevision: revision });
  },
};
