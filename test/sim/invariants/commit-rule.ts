import type { ConfState, MemberId } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { Commit, Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I9 commit rule';

/**
 * Only the leader moves the commit index, only to an entry of its own term, and only when a quorum, of both halves
 * of a joint configuration, has it on disk (dissertation, sections 3.6.2 and 4.3; LogCabin #44). All others learn.
 */
export const commitRule: Property = {
  name,
  on: ['start', 'figures'],
  judge(sight, record) {
    const { now } = sight;
    if (now.committed <= record.committed) return;
    if (sight.isNew && isBootstrapped(sight)) {
      record.committed = now.committed;
      return;
    }
    // Who is not looked at may have led; what it has committed is on a quorum of disks all the same.
    if (termLed(sight, record) === undefined && mayHaveUnseenLeader(sight, record))
      mustBeOnQuorum(sight, record);
    else mustBeLeaders(sight, record);
  },
};

/** What a new cluster, whose members begin with the same log, starts from: nobody had to commit it. */
function isBootstrapped({ now, log }: Sight): boolean {
  return now.committed === now.logLast && log.termAt(now.committed) === bootstrapTerm;
}

const bootstrapTerm = 1;

function mustBeLeaders(sight: Sight, record: Record): void {
  const { id, now, before } = sight;
  const index = now.committed;
  const commit = [before.confState, now.confState]
    .map((confState) => commitOf(sight, confState, record))
    .find((each) => each !== undefined);
  must(commit !== undefined, name, () => {
    const terms = [...record.disks].map(([member, log]) => `${member}: ${log.termAt(index)}`);
    return `${id}, ${now.state} of term ${now.term}, commits ${index}, whose terms on disk are ${terms.join(', ')}`;
  });
  if (commit === undefined) return;
  record.commits.push(commit);
  record.committed = index;
}

/** Whether the leader of its term is not known, or not looked at. */
function mayHaveUnseenLeader({ now }: Sight, record: Record): boolean {
  const leader = record.leaders.get(now.term);
  return (
    record.hasExempt && (leader === undefined || record.isExempt(record.names.get(leader) ?? ''))
  );
}

/** Members that are not looked at are taken at their word. */
function mustBeOnQuorum(sight: Sight, record: Record): void {
  const { id, now, before } = sight;
  const index = now.committed;
  const terms = new Set([...record.disks.values()].map((log) => log.termAt(index)));
  const isHeld = (term: number, confState: ConfState): boolean =>
    record.isQuorum(confState, (each) => record.disks.get(each)?.holds(index, term) === true);
  const isOnQuorum = [...terms, 0].some(
    (term) => term !== undefined && (isHeld(term, now.confState) || isHeld(term, before.confState)),
  );
  must(
    isOnQuorum,
    name,
    () =>
      `${id}, ${now.state} of term ${now.term}, learns that ${index} is committed, which no quorum of disks has`,
  );
  record.committed = index;
}

/** The commit, if a leader could make it with this configuration. */
function commitOf(sight: Sight, confState: ConfState, record: Record): Commit | undefined {
  const { committed: index } = sight.now;
  const term = termLed(sight, record);
  if (term === undefined) return undefined;
  const has = (member: MemberId): boolean => record.disks.get(member)?.holds(index, term) === true;
  return record.isQuorum(confState, has) ? { index, term, confState } : undefined;
}

/** Who was removed may have stepped down with this very commit. */
function termLed({ id, now, before }: Sight, { leaders }: Record): number | undefined {
  if (leaders.get(now.term) === id) return now.term;
  const hasLed = before.state === 'leader' && now.state !== 'leader';
  return hasLed && leaders.get(before.term) === id ? before.term : undefined;
}
