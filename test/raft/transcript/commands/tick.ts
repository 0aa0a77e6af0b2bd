import { idOf, numberOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `tick 1 count=10` */
export function tick(env: Env, command: Command): void {
  const { raft } = env.member(idOf(command.words[0]));
  for (let i = numberOf(command.options.get('count'), 1); i > 0; i--) raft.tick();
}
