import { CommandKind, decodeCommand } from '../../../src/wire/command.ts';
import { LeaseExpiry } from '../../../src/wire/lease.ts';
import type { Message } from '../../../src/raft/types.ts';
import type { ProbeName } from '../probes.ts';
import type { Probes } from '../types.ts';
import type { Observer } from './observer.ts';
import { shown, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Figures, Sight } from './sight.ts';

/** No property: tells the probes of rare states that can be seen from outside. */
export class RareStates implements Property {
  readonly name = 'rare states';
  readonly on = ['start', 'figures', 'installed', 'message', 'sent', 'applied', 'reads'] as const;
  private readonly probes: Probes;
  private readonly observer: Observer;
  /** By the data dir: how a member was seen last. */
  private readonly last = new Map<bigint, Last>();

  constructor(probes: Probes, observer: Observer) {
    this.probes = probes;
    this.observer = observer;
  }

  judge(sight: Sight, record: Record): void {
    const { isNew, isInstalled, before, now, event } = sight;
    if (isNew) this.started(sight, record);
    else if (now.term !== before.term || now.state !== before.state)
      this.roleChanged(sight, record);
    if (isInstalled) this.installed(sight);
    if (now.confState !== before.confState) this.reconfigured(sight);
    if (now.logLast !== before.logLast || now.committed !== before.committed)
      this.logMoved(sight, record);
    if (event.kind === 'message') this.received(event.message, before);
    for (const message of sight.sent) this.sent(message);
    if (sight.applied.length > 0) this.applied(sight, record);
    for (const { askedInTerm, answeredInTerm } of sight.reads)
      if (askedInTerm !== answeredInTerm) this.met('read answered in a later term than asked');
    if ((sight.shows & shown.figures) !== 0) this.keep(sight);
  }

  private met(name: ProbeName): void {
    this.probes.sometimes(name);
  }

  private keep({ incarnation, now }: Sight): void {
    const last = this.last.get(incarnation);
    if (last === undefined)
      this.last.set(incarnation, { lastIndex: now.lastIndex, applied: now.applied });
    else {
      last.lastIndex = now.lastIndex;
      last.applied = now.applied;
    }
  }

  private started({ incarnation, now, log, store }: Sight, record: Record): void {
    const last = this.last.get(incarnation);
    if (last === undefined) {
      if (record.commits.length > 0) this.met('member joined a cluster at work');
      return;
    }
    if (now.logLast < last.lastIndex) this.met('restart without the end of the log');
    if (now.applied < last.applied) this.met('restart with entries to apply again');
    if (now.committed < record.committed) this.met('restart behind the commit index');
    const { hardState } = log;
    if (hardState !== undefined && hardState.vote !== 0n) this.met('restart with a vote');
    if (now.logLast > now.committed) this.met('restart with entries that are not committed');
    if ((store.state?.scheduledCompaction ?? -1) !== -1)
      this.met('compaction taken up again after a restart');
    if (now.confState.votersOutgoing.length > 0) this.met('restart within a joint configuration');
  }

  private roleChanged({ id, before, now }: Sight, record: Record): void {
    if (now.state === 'leader' && before.state !== 'leader') {
      const others = [...this.observer.members].filter((other) => other.id !== id);
      if (others.some((other) => other.now.state === 'leader')) this.met('two leaders at once');
      if (now.lastIndex - 1 > record.committed)
        this.met('leader elected with entries that are not committed');
      if (now.confState.votersOutgoing.length > 0)
        this.met('leader elected within a joint configuration');
    }
    if (before.state === 'leader' && now.state !== 'leader') {
      if (before.lastIndex > record.committed)
        this.met('leader deposed with entries that are not committed');
      if (before.term === now.term) this.met('leader stepped down within its term');
    }
    const candidates = new Set(record.votes.get(now.term)?.values());
    if (now.state === 'candidate' && candidates.size > 1) this.met('vote split');
    if (before.state === 'candidate' && now.state === 'candidate')
      this.met('election without a winner');
  }

  private installed({ store }: Sight): void {
    this.met('snapshot installed');
    const { state } = store;
    if (state === undefined) return;
    if (state.confState.votersOutgoing.length > 0)
      this.met('snapshot installed during a joint configuration');
    if (state.compactRevision > 0) this.met('snapshot installed of a compacted store');
  }

  private reconfigured({ id, before, now }: Sight): void {
    const { voters, votersOutgoing } = now.confState;
    if (votersOutgoing.length > 0) this.met('joint configuration entered');
    if (before.confState.learners.some((learner) => voters.includes(learner)))
      this.met('learner promoted');
    const isVoter = voters.includes(id) || votersOutgoing.includes(id);
    if (now.state === 'leader' && !isVoter) this.met('member removed while it leads');
  }

  private logMoved({ before, now, isInstalled, isNew }: Sight, record: Record): void {
    if (isInstalled || isNew) return;
    const isCut =
      now.logLast < before.logLast ||
      (now.logLastTerm > before.logLastTerm && now.logLast === before.logLast);
    if (isCut) this.met('entries truncated at a follower');
    if (now.committed === before.committed) return;
    if (now.committed > now.logLast) this.met('commit known before the own disk has the entry');
    const commit = record.commits.at(-1);
    const first = record.entries[before.committed + 1];
    if (commit !== undefined && first !== undefined && first.term < commit.term)
      this.met('entries of an older term committed by a newer one');
  }

  private received(message: Message, before: Figures): void {
    const { type, term } = message;
    if (term !== 0 && term < before.term) this.met('message of an older term delivered');
    if (type === 'MsgHeartbeatResp' && term < before.term)
      this.met('answer to a heartbeat of an older term delivered');
    if (type === 'MsgApp' && term === before.term && message.index < before.committed)
      this.met('entries delivered that are committed already');
    if (type === 'MsgReadIndexResp') this.met('read confirmed by another member');
  }

  private sent(message: Message): void {
    switch (message.type) {
      case 'MsgPreVoteResp':
        if (message.reject) this.met('pre-vote refused');
        return;
      case 'MsgVoteResp':
        if (message.reject) this.met('vote refused');
        return;
      case 'MsgAppResp':
        if (message.reject) this.met('append refused');
        return;
      case 'MsgTimeoutNow':
        return this.met('leadership transferred');
      case 'MsgProp':
        return this.met('proposal forwarded');
      default:
        return;
    }
  }

  private applied({ applied, now }: Sight, record: Record): void {
    if (now.applied > now.logLast) this.met('entry applied before the own disk has it');
    for (const { index, rows, changes, isInSteps } of applied) {
      if (isInSteps) this.met('entry applied in steps');
      const entry = record.entries[index];
      if (entry?.type !== 'normal') continue;
      if (entry.data[1] !== CommandKind.leaseExpire) continue;
      const { term } = LeaseExpiry.decode(decodeCommand(entry.data).request);
      if (term !== entry.term) this.met('lease expired by a deposed leader refused');
      else if (rows.length > 0) this.met('lease expired with keys');
      else if (changes.length > 0) this.met('lease expired');
    }
  }
}

interface Last {
  lastIndex: number;
  applied: number;
}
