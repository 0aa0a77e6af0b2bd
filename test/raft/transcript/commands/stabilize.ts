import { idOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';
import type { MemberId } from '../../../../src/raft/types.ts';

const roundsMax = 100;

/** `stabilize 1 2`: these members (or all) work and hear each other until all is quiet. */
export function stabilize(env: Env, command: Command): void {
  const ids = command.words.length > 0 ? command.words.map(idOf) : [...env.cluster.members.keys()];
  for (let round = 0; round < roundsMax; round++) {
    let isQuiet = true;
    for (const id of ids) if (work(env, id)) isQuiet = false;
    for (const id of ids) if (hear(env, id)) isQuiet = false;
    if (isQuiet) return;
  }
  throw new Error('never quiet');
}

function work(env: Env, id: MemberId): boolean {
  const member = env.member(id);
  const { raft } = member;
  if (raft.hasReady()) env.under(`> ${id} takes a Ready`, () => env.takeReady(member));
  else if (member.appends.length > 0) {
    env.under(`> ${id} has written`, () => env.completeAppend(member));
  } else if (member.toApply.length > 0) {
    member.apply();
    env.print(`> ${id} has applied ${member.store.applied}`);
  } else return false;
  return true;
}

function hear(env: Env, id: MemberId): boolean {
  const items = env.takeInTransit(id, undefined, Infinity);
  if (items.length === 0) return false;
  env.under(`> ${id} receives`, () => {
    for (const item of items) env.receive(item);
  });
  return true;
}

/** `settle`: the same, without a word. */
export function settle(env: Env): void {
  env.cluster.settle();
}
