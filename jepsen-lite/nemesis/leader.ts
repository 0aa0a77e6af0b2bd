import type { TestCluster } from '../db/cluster.ts';
import type { Slot } from '../db/slot.ts';
import { memberIdOf } from '../../test/members/harness.ts';
import { between, oneOf, over, type Fault, type Nemesis } from './types.ts';

/** Leadership is handed over by hand, to anybody. */
export const moveLeader: Fault = {
  name: 'move leader',
  begin: async ({ cluster, random }) => {
    const other = random.below(0x1_0000);
    const leader = await cluster.leader();
    const up = cluster.members.filter((slot) => slot !== leader && slot.isRunning);
    const heir = up[other % Math.max(1, up.length)];
    if (leader === undefined || heir === undefined) return undefined;
    const targetID = memberIdOf(await cluster.status(heir));
    if (targetID === undefined) return undefined;
    const answer = await cluster.call(leader, 'Maintenance.MoveLeader', { targetID });
    const effect = answer.ok ? { proof: 'acknowledged' } : { nothing: `refused: ${answer.text}` };
    const what = `leadership goes from ${leader.name} to ${heir.name}`;
    return over(what, [leader.name, heir.name], effect);
  },
};

/** The leader stands still just longer than an election takes, so that there are two who think that they lead. */
export const stallLeader: Fault = {
  name: 'stall leader',
  begin: async ({ cluster, random }) => {
    const holdMs = between(random, 900, 2_500);
    const isKilled = oneOf(random, [true, false]);
    const leader = await cluster.leader();
    if (leader === undefined) return undefined;
    leader.pause();
    return {
      what: `the leader ${leader.name} stands still (SIGSTOP)${isKilled ? ' and is killed' : ''}`,
      members: [leader.name],
      holdMs,
      end: async () => {
        if (isKilled) {
          await leader.kill();
          if (leader.isMember) cluster.launch(leader);
          return {};
        }
        leader.resume();
        const heir = await leaderOther(cluster, leader);
        return heir === undefined ? {} : { proof: `${heir} leads now` };
      },
    };
  },
};

/** Who leads in its place; undefined: it does still, or nobody does. */
async function leaderOther(cluster: TestCluster, than: Slot): Promise<string | undefined> {
  const now = await cluster.leader();
  return now === than ? undefined : now?.name;
}

export const leader: Nemesis = {
  name: 'leader',
  about: 'leadership is moved by hand, and leaders stall and come back as followers',
  faults: [moveLeader, moveLeader, stallLeader],
  atOnceMax: 1,
  targets: ['quorate', 'etcd'],
};
