import type { ConfState } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { LoggedEntry, Sight } from './sight.ts';

const name = 'I10 configuration';

/**
 * The configuration in force is that of the newest applied entry, on every member and after every snapshot (openraft
 * #1808). A leader proposes a change only when an entry of its own term is committed (the bug of 2015 in single
 * server changes) and the change before is committed.
 */
export class Configuration implements Property {
  readonly name = name;
  readonly on = ['start', 'figures', 'handedOut', 'logged'] as const;
  /** By index, the terms of the configuration entries met so far. */
  private readonly met = new Map<number, Set<number>>();

  judge(sight: Sight, record: Record): void {
    for (const { type, index } of sight.handedOut) {
      const last = record.configurations.at(-1)?.index ?? 0;
      if (type === 'confChange' && index > last)
        record.configurations.push({ index, after: undefined });
    }
    this.proposed(sight, record);
    const { now, before, isNew } = sight;
    if (isNew || now.confState !== before.confState || now.applied !== before.applied)
      mustBeOfIndex(sight, record);
  }

  private proposed(sight: Sight, record: Record): void {
    for (const logged of sight.logged) {
      const { type, index, term } = logged.entry;
      if (type !== 'confChange' || this.isKnown(index, term)) continue;
      // Others learn of it later; a new cluster begins with some.
      if (record.leaders.get(term) === sight.id) this.mayBeProposed(sight, logged, record);
      this.met.set(index, (this.met.get(index) ?? new Set()).add(term));
    }
  }

  private isKnown(index: number, term: number): boolean {
    return this.met.get(index)?.has(term) === true;
  }

  private mayBeProposed(sight: Sight, { entry }: LoggedEntry, record: Record): void {
    const { index, term } = entry;
    must(
      record.commits.some((commit) => commit.term === term),
      name,
      () => `change ${term}/${index} is proposed before a commit of that term`,
    );
    for (const [other, terms] of this.met) {
      if (other >= index || other <= sight.now.committed) continue;
      const inLog = sight.log.termAt(other);
      must(
        inLog === undefined || !terms.has(inLog),
        name,
        () => `change ${term}/${index} is proposed while ${inLog}/${other} is not committed`,
      );
    }
  }
}

function mustBeOfIndex({ id, now }: Sight, record: Record): void {
  if (now.isInstalling) return;
  const last = record.configurationAt(now.applied);
  if (last === undefined) return;
  const text = describeConfState(now.confState);
  last.after ??= text;
  must(
    text === last.after,
    name,
    () => `${id} has ${text} after entry ${last.index}, others ${last.after}`,
  );
}

const texts = new WeakMap<ConfState, string>();

export function describeConfState(confState: ConfState): string {
  let text = texts.get(confState);
  if (text !== undefined) return text;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  text = `voters ${voters.join(' ')}; outgoing ${votersOutgoing.join(' ')}; learners ${learners.join(' ')}; next ${learnersNext.join(' ')}; ${autoLeave}`;
  texts.set(confState, text);
  return text;
}
