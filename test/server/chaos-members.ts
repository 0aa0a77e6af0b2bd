import type { Random } from '../../src/base/random.ts';
import type { MemberRecord } from '../../src/membership/record.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { AddedMember } from '../../src/server/types.ts';
import { ChaosCalls } from './chaos-calls.ts';
import type { MemoryCluster } from './cluster.ts';

const membersMax = 6;
const votersMin = 3;

export interface MembersParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  /** A member was started that was not there before. */
  readonly joined: (name: string) => void;
}

/** Operators who add, promote and remove members of a cluster that has other troubles, too. */
export class ChaosMembers {
  readonly calls = new ChaosCalls();
  private readonly parts: MembersParts;
  /** In half of the worlds nobody comes and nobody goes. */
  private readonly isBusy: boolean;
  private readonly toJoin: MemberRecord[] = [];
  private names = 0;
  private changes = 0;

  constructor(parts: MembersParts) {
    this.parts = parts;
    this.isBusy = parts.random.below(2) === 0;
  }

  async act(): Promise<void> {
    const { random, cluster } = this.parts;
    if (!this.isBusy) return;
    for (const record of this.toJoin.splice(0)) await this.join(record);
    const member = cluster.members[random.below(Math.max(1, cluster.members.length))];
    if (member !== undefined && random.below(3) === 0) this.change(member);
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
    const ids = new Set(leader.record.map(({ id }) => id));
    for (const member of members) {
      // Removed before anybody spoke to it: it knows nobody who could tell it, and its operator ends it.
      if (member.record.length === 0 && !ids.has(member.id)) cluster.stop(cluster.nameOf(member));
    }
    return members.length === ids.size && members.every(({ id }) => ids.has(id));
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
    switch (random.below(5)) {
      case 0:
      case 1: {
        if (record.length >= membersMax) return;
        const isLearner = random.below(2) === 0;
        const url = `http://n${++this.names}:1`;
        const done = this.calls.begin<AddedMember>(member, ({ added }) => {
          count();
          this.toJoin.push(added as MemberRecord);
        });
        return member.addMember([url], isLearner, done);
      }
      case 2: {
        const learner = record.find(({ isLearner }) => isLearner);
        if (learner !== undefined)
          member.promoteMember(learner.id, this.calls.begin(member, count));
        return;
      }
      default: {
        const target = record[random.below(Math.max(1, record.length))];
        if (target === undefined || (!target.isLearner && voters.length <= votersMin)) return;
        member.removeMember(target.id, this.calls.begin(member, count));
      }
    }
  }
}

function appliedBy(member: ServerMember): number {
  return member.status().raftAppliedIndex;
}
