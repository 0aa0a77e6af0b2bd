import { emptyBytes, utf8 } from '../../../../src/base/bytes.ts';
import { idOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeType,
  ConfTransition,
} from '../../../../src/raft/confchange.ts';

/** `propose 1 "a" "b"`: as one batch. */
export function propose(env: Env, command: Command): void {
  const [id, ...texts] = command.words;
  env.print(env.member(idOf(id)).raft.proposeBatch(texts.map(utf8)));
}

/** `propose-conf 1 addVoter(2) remove(3) transition=jointExplicit`; without changes: leave. */
export function proposeConf(env: Env, command: Command): void {
  const [id, ...words] = command.words;
  const change: ConfChange = {
    transition: (command.options.get('transition') ?? 'auto') as ConfTransition,
    changes: words.map(parseSingle),
    context: emptyBytes,
  };
  env.print(env.member(idOf(id)).raft.proposeConfChange(change));
}

function parseSingle(text: string): ConfChangeSingle {
  const [, type, id] = /^(\w+)\((\d+)\)$/.exec(text) ?? [];
  return { type: type as ConfChangeType, memberId: idOf(id) };
}
