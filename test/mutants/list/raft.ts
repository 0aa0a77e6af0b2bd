import type { Mutant } from '../types.ts';

/** Bugs of the consensus core. */
export const raftMutants: readonly Mutant[] = [
  {
    name: 'ack-before-fsync',
    breaks: 'I8: an acknowledged entry is on disk (dissertation 3.8; etcd #14370)',
    changes: [
      {
        file: 'raft/core.ts',
        from: `    case 'MsgAppResp':\n    case 'MsgVote':\n    case 'MsgVoteResp':\n      return true;\n`,
        to: `    case 'MsgVote':\n    case 'MsgVoteResp':\n      return true;\n    case 'MsgAppResp':\n`,
      },
    ],
  },
  {
    name: 'vote-before-fsync',
    breaks: 'I7: one vote a term, over restarts too (dissertation 3.8)',
    changes: [
      {
        file: 'raft/core.ts',
        from: `    case 'MsgVoteResp':\n      return true;\n    case 'MsgProp':\n`,
        to: `      return true;\n    case 'MsgVoteResp':\n    case 'MsgProp':\n`,
      },
    ],
  },
  {
    name: 'vote-not-persisted',
    breaks: 'I7: a vote given within a term already reached is written before it is told',
    changes: [
      {
        file: 'server/raft-loop.ts',
        from: 'return newest.term !== written.term || newest.vote !== written.vote;',
        to: 'return newest.term !== written.term;',
      },
    ],
  },
  {
    name: 'commit-of-an-older-term',
    breaks: 'I9: entries of earlier terms are not committed by counting (dissertation 3.6.2)',
    changes: [
      {
        file: 'raft/commit.ts',
        from: '  if (log.term(index) !== core.term) return false;\n',
        to: '',
      },
    ],
  },
  {
    name: 'commit-index-taken-from-the-leader',
    breaks:
      'I5: a follower commits no further than what the message shows to be equal (Figure 3.1)',
    changes: [
      {
        file: 'raft/handle-append.ts',
        from: 'log.commitTo(Math.min(message.commit, lastNew));',
        to: 'log.commitTo(Math.min(message.commit, log.lastIndex()));',
      },
    ],
  },
  {
    name: 'own-copy-counted-before-its-write-ended',
    breaks: 'I8 at the leader: its own copy counts when it is on disk (dissertation 10.2.1)',
    changes: [
      {
        file: 'raft/persist.ts',
        from: 'core.tracker.self?.maybeUpdate(core.log.stableIndex())',
        to: 'core.tracker.self?.maybeUpdate(core.log.lastIndex())',
      },
    ],
  },
  {
    name: 'old-append-truncates',
    breaks: 'I4, I8: a late MsgApp removes nothing that agrees with it (dissertation 3.5)',
    changes: [
      {
        file: 'raft/log.ts',
        from: 'if (conflict < entries.length) this.append(entries.slice(conflict));',
        to: 'if (conflict < entries.length || entries.length > 0) this.append(entries);',
      },
    ],
  },
  {
    name: 'vote-for-a-shorter-log',
    breaks: 'I4: who is elected has every committed entry (dissertation 3.6.1)',
    changes: [
      {
        file: 'raft/log.ts',
        from: '(lastTerm === ours && lastIndex >= this.lastIndex())',
        to: '(lastTerm === ours && lastIndex >= this.#committed)',
      },
    ],
  },
  {
    name: 'read-token-used-again',
    breaks: 'I14: a ReadIndex token is never reused (etcd #20418)',
    changes: [
      {
        file: 'raft/read-only.ts',
        from: '  reads.sequence++;\n',
        to: '  reads.sequence = log.committed;\n',
      },
    ],
  },
  {
    name: 'read-index-without-a-quorum',
    breaks: 'I14: a leader asks a quorum whether it still leads (dissertation 6.4)',
    changes: [
      {
        file: 'raft/read-only.ts',
        from: '  if (tracker.isSingleVoter) {\n    answer(core, gathered, log.committed);',
        to: '  if (tracker.isSelfVoter) {\n    answer(core, gathered, log.committed);',
      },
    ],
  },
  {
    name: 'read-index-before-the-own-term',
    breaks: 'I14: a new leader knows its commit index when an entry of its term is (etcd #7331)',
    changes: [
      {
        file: 'raft/read-only.ts',
        from: 'return core.log.term(core.log.committed) === core.term;',
        to: 'return core.log.term(core.log.committed) !== undefined;',
      },
    ],
  },
  {
    name: 'candidate-resets-the-election-timer',
    breaks: 'liveness: only a granted vote resets the timer (Figure 3.1)',
    changes: [
      {
        file: 'raft/step.ts',
        from: `if (state !== 'leader') core.electionElapsed = electionElapsed;`,
        to: `if (state === 'leader') core.electionElapsed = electionElapsed;`,
      },
    ],
  },
  {
    name: 'second-change-before-the-first-is-applied',
    breaks: 'I10: one configuration change at a time (dissertation 4.1)',
    changes: [
      {
        file: 'raft/propose.ts',
        from: 'if (found > 1 || core.pendingConfIndex > core.log.applied) return false;',
        to: 'if (found > 1 || core.pendingConfIndex > core.log.lastIndex()) return false;',
      },
    ],
  },
  {
    name: 'new-majority-alone-commits',
    breaks: 'I9: a joint configuration needs both majorities (dissertation 4.3)',
    changes: [
      {
        file: 'raft/quorum.ts',
        from: '  return Math.min(incoming, majorityIndex(conf.votersOutgoing, indexOf));',
        to: '  return incoming || majorityIndex(conf.votersOutgoing, indexOf);',
      },
    ],
  },
  {
    name: 'stale-members-after-a-snapshot',
    breaks: 'I10: an installed snapshot brings its configuration (dissertation 5.1)',
    changes: [
      {
        file: 'raft/persist.ts',
        from: '  core.tracker.switchTo(snapshot.confState, core.log.lastIndex());\n',
        to: '',
      },
    ],
  },
  {
    name: 'entries-leave-memory-under-a-later-write',
    breaks: 'I8: the ABA race of overlapping writes (go.etcd.io/raft rawnode.go)',
    changes: [
      {
        file: 'raft/unstable.ts',
        from: 'if (later.firstIndex > 0) settled = Math.min(settled, later.firstIndex - 1);',
        to: 'if (later.firstIndex > done.lastIndex) settled = Math.min(settled, later.firstIndex - 1);',
      },
    ],
  },
  {
    name: 'proposal-sent-twice-on-forwarding',
    breaks: 'I38: what is forwarded goes into the log at most once',
    changes: [
      {
        file: 'raft/propose.ts',
        from: `  forward(core, entries);\n  return 'accepted';`,
        to: `  forward(core, entries);\n  return core.electionElapsed > 2 * core.config.heartbeatTicks ? 'dropped' : 'accepted';`,
      },
    ],
  },
  {
    name: 'gone-leader-gone-for-ever',
    breaks: 'liveness: a leader that is heard keeps its lease, whatever was said of its end (6.2)',
    changes: [
      {
        file: 'raft/step-follower.ts',
        from: '  core.electionElapsed = 0;\n  core.gone.forget();\n',
        to: '  core.electionElapsed = 0;\n',
      },
    ],
  },
  {
    name: 'gone-leader-without-pre-votes',
    breaks: 'liveness: a hint that is wrong deposes nobody whom a majority hears (9.6)',
    changes: [
      {
        file: 'raft/election.ts',
        from: '  core.gone.campaignTerm = core.term;\n  preCampaign(core);\n',
        to: '  core.gone.campaignTerm = core.term;\n  stand(core, false);\n',
      },
    ],
  },
  {
    name: 'conflict-of-a-later-term-kept',
    breaks:
      'I3: an entry is the same if its term is, not if it is of a later one (dissertation 3.5)',
    changes: [
      {
        file: 'raft/log.ts',
        from: '      if (!this.matches(entry.index, entry.term)) break;',
        to: '      if ((this.term(entry.index) ?? -1) < entry.term) break;',
      },
    ],
  },
  {
    name: 'commit-learnt-without-its-term',
    breaks: 'I5: what another member has committed is committed here if it is the same entry',
    changes: [
      {
        file: 'raft/election.ts',
        from: '!log.matches(commit, term)) return;',
        to: 'commit > log.lastIndex() || term > core.term) return;',
      },
    ],
  },
  {
    name: 'joint-configuration-read-alone',
    breaks: 'I14: a read in a joint configuration needs both majorities (dissertation 4.3)',
    changes: [
      {
        file: 'raft/tracker.ts',
        from: ' && votersOutgoing.length === 0;',
        to: ' && votersOutgoing.length >= 0;',
      },
    ],
  },
  {
    name: 'gone-leader-succeeded-over-a-change',
    breaks: 'I10: nobody campaigns with a configuration entry to apply, however it is asked to',
    changes: [
      {
        file: 'raft/election.ts',
        from: '  if (core.log.hasUnappliedConfChange(core.config.maxCommittedBytesPerReady)) return;\n  core.gone.campaignTerm',
        to: '  core.gone.campaignTerm',
      },
    ],
  },
  {
    name: 'own-vote-counted-before-its-write-ended',
    breaks: 'I7: the own vote is a promise like any other (dissertation 3.8, 10.2.1)',
    changes: [
      {
        file: 'raft/persist.ts',
        from: 'if (durable.term === core.term && durable.vote === core.id) recordVote',
        to: 'if (durable.term <= core.term) recordVote',
      },
    ],
  },
  {
    name: 'half-of-an-even-quorum',
    breaks: 'I9: of an even number of voters more than half are a quorum',
    changes: [
      {
        file: 'raft/quorum.ts',
        from: 'reached[reached.length >> 1]',
        to: 'reached[(reached.length - 1) >> 1]',
      },
    ],
  },
  {
    name: 'heartbeat-commits-beyond-the-match',
    breaks: 'I5: a heartbeat commits what is known to be there',
    changes: [
      {
        file: 'raft/replication.ts',
        from: 'const commit = Math.min(peer.match, core.log.committed);',
        to: 'const commit = Math.min(peer.next - 1, core.log.committed);',
      },
    ],
  },
  {
    name: 'leader-with-a-hanging-disk-stays',
    breaks: 'liveness: a leader whose own disk hangs makes place (etcd #15247)',
    changes: [
      {
        file: 'raft/tick.ts',
        from: 'core.appendElapsed >= appendStallTicks',
        to: 'core.appendElapsed >= 1000 * appendStallTicks',
      },
    ],
  },
];
