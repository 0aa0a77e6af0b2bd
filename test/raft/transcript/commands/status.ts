import { describeConfState, describeId, describeProgress } from '../../../../src/raft/describe.ts';
import { idOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `status 1 2`: role, indexes, configuration; of a leader also what it knows of the others. */
export function status(env: Env, command: Command): void {
  for (const word of command.words) {
    const { raft } = env.member(idOf(word));
    const now = raft.status();
    env.print(
      `${word}: ${now.state} term=${now.term} lead=${describeId(now.lead)} ` +
        `commit=${now.committed} applied=${now.applied} last=${now.lastIndex} ` +
        describeConfState(now.confState),
    );
    for (const peer of now.progress) env.print(`  ${describeProgress(peer)}`);
  }
}

/** `store 1 2`: the texts that the state machine has applied. */
export function store(env: Env, command: Command): void {
  for (const word of command.words) {
    const { store: applied } = env.member(idOf(word));
    env.print(`${word}: ${applied.applied} [${applied.texts.join(' ')}]`);
  }
}
