import { assert, mustGet } from '../../../src/base/assert.ts';
import { equalBytes } from '../../../src/base/bytes.ts';
import type { Cluster } from './cluster.ts';
import type { TestMember } from './member.ts';
import type { Entry, MemberId, Message, Ready } from '../../../src/raft/types.ts';

interface Committed {
  readonly entry: Entry;
  /** The term of the leader that committed it. */
  readonly inTerm: number;
}

interface Seen {
  readonly raft: unknown;
  readonly term: number;
  readonly committed: number;
  readonly applied: number;
}

/**
 * Raft's promises, watched from outside over a whole cluster (reliability.md section 7, I1-I11). `look` after
 * every turn of a member; `sent` at every message that leaves.
 */
export class Invariants {
  readonly #cluster: Cluster;
  readonly #leaders = new Map<number, MemberId>();
  readonly #votes = new Map<string, MemberId>();
  readonly #seen = new Map<MemberId, Seen>();
  readonly #committed = new Map<number, Committed>();
  #highest: number;

  constructor(cluster: Cluster, highestCommitted: number) {
    this.#cluster = cluster;
    this.#highest = highestCommitted;
  }

  /** The highest index committed anywhere so far: what a read that begins now must see. */
  get highestCommitted(): number {
    return this.#highest;
  }

  /** After a member's turn, and the Ready that ended it. */
  look(member: TestMember, ready: Ready): void {
    this.#monotone(member);
    if (member.raft.state === 'leader') this.#leader(member);
    this.#commits(member);
    this.#handedOut(ready.committedEntries);
    const { raft } = member;
    this.#seen.set(member.id, {
      raft,
      term: raft.term,
      committed: raft.committed,
      applied: raft.appliedIndex,
    });
  }

  /** I6: term, commit and applied index never go back, and are in order. */
  #monotone(member: TestMember): void {
    const { raft } = member;
    assert(
      raft.appliedIndex <= raft.committed && raft.committed <= raft.lastIndex,
      'I6: applied, committed and last index out of order',
    );
    const before = this.#seen.get(member.id);
    if (before === undefined || before.raft !== raft) return;
    assert(raft.term >= before.term, 'I6: the term went back');
    assert(raft.committed >= before.committed, 'I6: the commit index went back');
    assert(raft.appliedIndex >= before.applied, 'I6: the applied index went back');
  }

  #leader(member: TestMember): void {
    const { raft } = member;
    const known = this.#leaders.get(raft.term);
    assert(known === undefined || known === raft.id, `I1: two leaders in term ${raft.term}`);
    if (known !== undefined) return;
    const { voters, votersOutgoing } = raft.confState;
    assert(
      voters.includes(raft.id) || votersOutgoing.includes(raft.id),
      'I11: elected without being a voter',
    );
    this.#leaders.set(raft.term, raft.id);
    for (const half of [voters, votersOutgoing]) {
      const votes = half.filter((id) => this.#hasVote(id, raft.term, raft.id));
      assert(
        half.length === 0 || votes.length * 2 > half.length,
        `I7: leader ${raft.id} of term ${raft.term} without the votes of a quorum on disk`,
      );
    }
    for (const [index, { entry, inTerm }] of this.#committed) {
      if (inTerm >= raft.term) continue;
      const term = this.#termInMemory(member, index);
      assert(
        term === undefined || term === entry.term,
        `I4: leader ${raft.id} of term ${raft.term} lacks entry ${entry.term}/${index}`,
      );
    }
  }

  #hasVote(voter: MemberId, term: number, candidate: MemberId): boolean {
    if (this.#votes.get(`${voter} in ${term}`) === candidate) return true;
    const { hardState } = this.#cluster.member(voter).log;
    return hardState.term === term && hardState.vote === candidate;
  }

  /** -1 when the log ends before, undefined when compacted. */
  #termInMemory(member: TestMember, index: number): number | undefined {
    return index > member.raft.lastIndex ? -1 : member.entryInMemory(index)?.term;
  }

  /** I9: what a leader finds committed is on the disks of a quorum. */
  #commits(member: TestMember): void {
    const { raft } = member;
    if (raft.committed <= this.#highest) return;
    // A leader that was removed may have stepped down with this very commit.
    const isLeader = this.#leaders.get(raft.term) === raft.id;
    assert(isLeader, 'I9: a follower knows of a commit that no leader made');
    this.#isOnQuorum(member, raft.committed);
    for (let index = this.#highest + 1; index <= raft.committed; index++) {
      const entry = mustGet(member.entryInMemory(index), 'a leader has what it commits');
      this.#committed.set(index, { entry, inTerm: raft.term });
    }
    this.#highest = raft.committed;
  }

  /** I5: every member is given the same entry at one index. */
  #handedOut(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const known = this.#committed.get(entry.index);
      assert(
        known !== undefined &&
          entry.term === known.entry.term &&
          equalBytes(entry.data, known.entry.data),
        `I5: entry ${entry.term}/${entry.index} was handed out, but another is committed`,
      );
    }
  }

  #isOnQuorum(leader: TestMember, index: number): void {
    const entry = mustGet(leader.entryInMemory(index), 'a leader has what it commits');
    assert(entry.term === leader.raft.term, 'I9: committed by counting an entry of an older term');
    const { voters, votersOutgoing } = leader.raft.confState;
    for (const half of [voters, votersOutgoing]) {
      const holding = half.filter((id) => {
        const { log } = this.#cluster.member(id);
        return log.term(index) === entry.term || log.firstIndex() > index;
      });
      assert(
        half.length === 0 || holding.length * 2 > half.length,
        `I8, I9: entry ${entry.term}/${index} is committed without a quorum of disks`,
      );
    }
  }

  sent(sender: TestMember, message: Message): void {
    if (message.type === 'MsgVoteResp' && !message.reject) this.#voted(message, message.to);
    if (message.type === 'MsgVote') this.#voted(message, message.from);
    if (message.type === 'MsgAppResp' && !message.reject) {
      assert(sender.log.lastIndex() >= message.index, 'I8: acknowledged before it was on disk');
      assert(sender.log.hardState.term >= message.term, 'I8: acknowledged in a term not on disk');
    }
  }

  /** I7: one vote a term, on disk before anybody hears of it. */
  #voted(message: Message, candidate: MemberId): void {
    const key = `${message.from} in ${message.term}`;
    const known = this.#votes.get(key);
    assert(known === undefined || known === candidate, `I7: two votes of ${key}`);
    this.#votes.set(key, candidate);
    const { term, vote } = this.#cluster.member(message.from).log.hardState;
    assert(
      term > message.term || (term === message.term && vote === candidate),
      `I7: vote of ${key} was told before it was on disk`,
    );
  }

  /** I3: where two logs have an entry of the same index and term, they are equal up to there. */
  logMatching(): void {
    const members = [...this.#cluster.members.values()];
    for (const a of members) {
      for (const b of members) if (a.id < b.id) matchLogs(a, b);
    }
  }
}

function matchLogs(a: TestMember, b: TestMember): void {
  const low = Math.max(a.log.firstIndex(), b.log.firstIndex());
  const high = Math.min(a.log.lastIndex(), b.log.lastIndex());
  let mustMatch = false;
  for (let index = high; index >= low; index--) {
    const isSame = a.log.term(index) === b.log.term(index);
    assert(!mustMatch || isSame, `I3: logs of ${a.id} and ${b.id} differ below a common entry`);
    mustMatch ||= isSame;
  }
}
