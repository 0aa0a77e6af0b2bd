import type { Core } from './core.ts';
import type { ProgressState } from './progress.ts';
import type { ConfState, MemberId, RaftState } from './types.ts';

/** One member's state, for people, metrics and the checks before a transfer. */
export interface RaftStatus {
  readonly id: MemberId;
  readonly term: number;
  readonly vote: MemberId;
  readonly lead: MemberId;
  readonly state: RaftState;
  readonly committed: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly leadTransferee: MemberId;
  readonly confState: ConfState;
  /** Of a leader: what it knows of every member, itself included; else empty. Ids ascend. */
  readonly progress: readonly PeerStatus[];
}

export interface PeerStatus {
  readonly id: MemberId;
  readonly state: ProgressState;
  readonly match: number;
  readonly next: number;
  readonly isLearner: boolean;
  readonly isRecentlyActive: boolean;
  readonly isPaused: boolean;
  readonly inflight: number;
  readonly pendingSnapshot: number;
}

export function statusOf(core: Core): RaftStatus {
  const { log, tracker } = core;
  return {
    id: core.id,
    term: core.term,
    vote: core.vote,
    lead: core.lead,
    state: core.state,
    committed: log.committed,
    applied: log.applied,
    firstIndex: log.firstIndex(),
    lastIndex: log.lastIndex(),
    leadTransferee: core.leadTransferee,
    confState: tracker.conf,
    progress: core.state === 'leader' ? peerStatuses(core) : [],
  };
}

function peerStatuses(core: Core): readonly PeerStatus[] {
  return core.tracker.members.map((progress) => ({
    id: progress.id,
    state: progress.state,
    match: progress.match,
    next: progress.next,
    isLearner: progress.isLearner,
    isRecentlyActive: progress.id === core.id || progress.isRecentlyActive,
    isPaused: progress.isPaused,
    inflight: progress.inflights.count,
    pendingSnapshot: progress.pendingSnapshot,
  }));
}
