import { errors, type EtcdError } from '../wire/errors.ts';
import type { MemberRecord } from './record.ts';

/**
 * Whether a change of the members would leave a quorum that can be reached
 * (etcd server/etcdserver/server.go, `mayAddMember` and its like; api/membership/cluster.go, `IsReadyTo...`).
 * What is undefined may be proposed.
 */
export interface ClusterView {
  readonly members: readonly MemberRecord[];
  /** Itself included: who can be reached now. */
  readonly reachable: ReadonlySet<bigint>;
}

/** Answers the same for a learner but for those who have to be started. */
export function refuseAdd(view: ClusterView, isLearner: boolean): EtcdError | undefined {
  const voters = votersOf(view.members);
  const started = countStarted(voters);
  const isSecond = started === 1 && voters.length === 1;
  if (!isLearner && !isSecond && started < quorumOf(voters.length + 1)) {
    return errors.memberNotEnoughStarted;
  }
  // The new one is not there yet: the others must be a quorum by themselves. One alone has no choice.
  if (voters.length === 1) return undefined;
  return countReachable(view, voters) < quorumOf(voters.length + 1) ? errors.unhealthy : undefined;
}

export function refuseRemove(view: ClusterView, id: bigint): EtcdError | undefined {
  const voters = votersOf(view.members);
  const isLearner = view.members.some((member) => member.id === id && member.isLearner);
  if (isLearner) return undefined;
  const staying = voters.filter((voter) => voter.id !== id);
  if (countStarted(staying) < quorumOf(staying.length)) return errors.memberNotEnoughStarted;
  // One that is down counts for nothing already.
  if (!view.reachable.has(id)) return undefined;
  // etcd counts the one to go among those that can be reached, and takes one off.
  const isEnough = countReachable(view, voters) - 1 >= quorumOf(voters.length - 1);
  return isEnough ? undefined : errors.unhealthy;
}

/**
 * etcd asks only who has been started. But a learner that is down, or voters that are, could make the promotion the
 * step that costs the quorum, so those who can be reached are counted too.
 */
export function refusePromote(view: ClusterView, id: bigint): EtcdError | undefined {
  const voters = votersOf(view.members);
  const size = voters.length + 1;
  // The learner is taken to be started, as in etcd: it has caught up.
  if (countStarted(voters) + 1 < quorumOf(size)) return errors.memberNotEnoughStarted;
  const learner = view.members.filter((member) => member.id === id);
  const reachable = countReachable(view, [...voters, ...learner]);
  return reachable < quorumOf(size) ? errors.unhealthy : undefined;
}

/** A removal that leaves no voter is none that Raft could apply. */
export function isLastVoter(members: readonly MemberRecord[], id: bigint): boolean {
  const voters = votersOf(members);
  return voters.length === 1 && voters[0]?.id === id;
}

/** Of the leader's log, what a learner must have to be promoted (etcd's readyPercentThreshold). */
const readyRatio = 0.9;

export function isReadyLearner(match: number, leaderMatch: number): boolean {
  return match >= readyRatio * leaderMatch;
}

function votersOf(members: readonly MemberRecord[]): readonly MemberRecord[] {
  return members.filter(({ isLearner }) => !isLearner);
}

/** A member has been started when it has published its name. */
function countStarted(members: readonly MemberRecord[]): number {
  return members.filter(({ name }) => name !== '').length;
}

function countReachable({ reachable }: ClusterView, members: readonly MemberRecord[]): number {
  return members.filter(({ id }) => reachable.has(id)).length;
}

function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
