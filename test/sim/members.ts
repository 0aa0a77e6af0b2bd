import type { Random } from '../../src/base/random.ts';
import { encodeConfChangeContext, type MemberChange } from '../../src/membership/conf-change.ts';
import type { MemberRecord } from '../../src/membership/record.ts';
import { leaveJoint } from '../../src/raft/confchange.ts';
import type { MemberLoops } from '../../src/server/loops.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { AddedMember } from '../../src/server/types.ts';
import { SimCalls, type Note } from './calls.ts';
import type { MemoryCluster } from '../server/cluster.ts';

const membersMax = 6;
const votersMin = 3;

export interface MembersParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  /** A member was started that was not there before. */
  readonly joined: (name: string) => void;
  readonly note: Note;
  /** Whether data of a member is lost: it is in the record, and does not run again. */
  readonly isLost: (id: bigint) => boolean;
}

/** Operators who add, promote and remove members of a cluster that has other troubles, too. */
export class SimMembers {
  readonly calls: SimCalls;
  private readonly parts: MembersParts;
  private readonly toJoin: MemberRecord[] = [];
  private names = 0;
  private changes = 0;

  constructor(parts: MembersParts) {
    this.parts = parts;
    this.calls = new SimCalls(parts.note);
  }

  async act(): Promise<void> {
    const { random, cluster } = this.parts;
    for (const record of this.toJoin.splice(0)) await this.join(record);
    const members = cluster.callable;
    const member = members[random.below(Math.max(1, members.length))];
    if (random.below(4) === 0) this.leaveJoint();
    if (member !== undefined) this.change(member);
  }

  /** Those that were added, whoever was told of it, are started: the others may need them. */
  async joinAll(): Promise<void> {
    const { members } = this.parts.cluster;
    const newest = members.toSorted((a, b) => appliedBy(b) - appliedBy(a))[0];
    for (const record of newest?.record ?? []) await this.join(record);
  }

  /** Whether those that run are exactly those who are in the record. */
  isSettled(): boolean {
    const { cluster } = this.parts;
    const { leader, members } = cluster;
    // Without one it is not known who is removed.
    if (leader === undefined) return false;
    const { isLost } = this.parts;
    const ids = new Set(leader.record.flatMap(({ id }) => (isLost(id) ? [] : [id])));
    for (const member of members) {
      // Removed before anybody spoke to it: it knows nobody who could tell it, and its operator ends it.
      if (member.record.length === 0 && !ids.has(member.id)) cluster.stop(cluster.nameOf(member));
    }
    return members.length === ids.size && members.every(({ id }) => ids.has(id));
  }

  /** Whether a joint configuration is in force anywhere; then its leaving is proposed, if nobody else will. */
  leaveJoint(): boolean {
    const { members, leader } = this.parts.cluster;
    const isIn = (member: ServerMember): boolean => isJoint(member);
    if (leader !== undefined && isIn(leader))
      loopsOf(leader).raftLoop.proposeConfChange(leaveJoint);
    return members.some(isIn);
  }

  /**
   * Two changes at once, which no request of etcd's API asks for and every member understands (section 4.3): as an
   * operator's tool could write them into the log of the leader.
   */
  private changeJointly(): void {
    const { random, cluster, isLost, note } = this.parts;
    const { leader } = cluster;
    if (leader === undefined || !cluster.callable.includes(leader)) return;
    const { record } = leader;
    if (isJoint(leader) || record.some(({ id }) => isLost(id))) return;
    const voters = record.filter(({ isLearner }) => !isLearner);
    const learner = record.find(({ isLearner }) => isLearner);
    if (voters.length <= votersMin && learner === undefined) return;
    const leaving = voters[random.below(voters.length)];
    if (leaving === undefined) return;
    const isDemoted = learner !== undefined && random.below(2) === 0;
    const changes: MemberChange[] = [
      { type: isDemoted ? 'addLearner' : 'remove', memberId: leaving.id },
    ];
    if (learner !== undefined) changes.push({ type: 'addVoter', memberId: learner.id });
    const transition = random.below(2) === 0 ? 'jointImplicit' : 'jointExplicit';
    const context = encodeConfChangeContext([], { basis: basisOf(leader) });
    note(
      leader,
      `joint change: ${changes.map((each) => `${each.type} ${each.memberId.toString(16)}`).join(', ')}`,
    );
    loopsOf(leader).raftLoop.proposeConfChange({ transition, changes, context });
    this.changes++;
  }

  get summary(): string {
    return `${this.changes} changes, ${this.parts.cluster.removed.length} removed`;
  }

  private async join({ id, peerUrls }: MemberRecord): Promise<void> {
    const { cluster, joined } = this.parts;
    const name = /^http:\/\/(n\d+):1$/.exec(peerUrls[0] ?? '')?.[1];
    if (name === undefined || cluster.names.includes(name)) return;
    await cluster.joinMember(name, id);
    joined(name);
  }

  private change(member: ServerMember): void {
    const { random } = this.parts;
    const { record } = member;
    const voters = record.filter(({ isLearner }) => !isLearner);
    const count = (): void => void this.changes++;
    if (random.below(6) === 0) return this.changeJointly();
    switch (random.below(5)) {
      case 0:
      case 1: {
        if (record.length >= membersMax) return;
        const isLearner = random.below(2) === 0;
        const url = `http://n${++this.names}:1`;
        const what = `add ${isLearner ? 'learner' : 'member'} ${url}`;
        const done = this.calls.begin<AddedMember>(member, what, ({ added }) => {
          count();
          this.toJoin.push(added as MemberRecord);
        });
        return member.addMember([url], isLearner, done);
      }
      case 2: {
        const learner = record.find(({ isLearner }) => isLearner);
        if (learner === undefined) return;
        const what = `promote ${learner.id.toString(16)}`;
        return member.promoteMember(learner.id, this.calls.begin(member, what, count));
      }
      default: {
        const target = record[random.below(Math.max(1, record.length))];
        if (target === undefined || (!target.isLearner && voters.length <= votersMin)) return;
        const what = `remove ${target.id.toString(16)}`;
        member.removeMember(target.id, this.calls.begin(member, what, count));
      }
    }
  }
}

function loopsOf(member: ServerMember): MemberLoops {
  return member['loops'];
}

export function isJoint(member: ServerMember): boolean {
  return loopsOf(member).raft.confState.votersOutgoing.length > 0;
}

/** So that the change is made to these members or not at all. */
function basisOf(member: ServerMember): number {
  return loopsOf(member).state.membership.fingerprint;
}

function appliedBy(member: ServerMember): number {
  return member.status().raftAppliedIndex;
}
