import { idOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `campaign 1` */
export function campaign(env: Env, command: Command): void {
  env.member(idOf(command.words[0])).raft.campaign();
}
