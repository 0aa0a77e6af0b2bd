import { idOf, numberOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `read 1 context=7` */
export function read(env: Env, command: Command): void {
  env.member(idOf(command.words[0])).raft.readIndex(numberOf(command.options.get('context'), 0));
}
