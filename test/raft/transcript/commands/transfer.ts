import { idOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `transfer 1 to=2`: asked of member 1. */
export function transfer(env: Env, command: Command): void {
  env.member(idOf(command.words[0])).raft.transferLeadership(idOf(command.options.get('to')));
}
