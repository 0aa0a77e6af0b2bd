import { emptyConfState } from '../../../../src/raft/configuration.ts';
import { idsOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';
import type { RaftConfig } from '../../../../src/raft/config.ts';

/** `members voters=(1 2 3) learners=(4) preVote=true ...`: members that begin in one configuration. */
export function members(env: Env, command: Command): void {
  const { options } = command;
  const confState = {
    ...emptyConfState,
    voters: idsOf(options.get('voters')),
    learners: idsOf(options.get('learners')),
  };
  for (const id of [...confState.voters, ...confState.learners]) {
    env.cluster.add(id, confState, changesOf(options));
  }
}

/** `bootstrap voters=(1 2 3)`: members whose logs hold their first configuration, not applied yet. */
export function bootstrap(env: Env, command: Command): void {
  const ids = idsOf(command.options.get('voters'));
  for (const id of ids) env.cluster.addBootstrapped(id, ids, changesOf(command.options));
}

/** `join 4`: a member that knows nothing yet. */
export function join(env: Env, command: Command): void {
  for (const word of command.words) env.cluster.addEmpty(BigInt(word), changesOf(command.options));
}

/** Election timeouts are exactly `electionTicks`, so that a transcript can count them. */
function changesOf(options: ReadonlyMap<string, string>): Partial<RaftConfig> {
  const changes: Record<string, unknown> = { random: { below: () => 0 } };
  for (const [key, value] of options) {
    if (key === 'voters' || key === 'learners') continue;
    changes[key] = value === 'true' || value === 'false' ? value === 'true' : Number(value);
  }
  return changes;
}
