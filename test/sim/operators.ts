import assert from 'node:assert/strict';
import type { Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { Done } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest, DeleteRangeRequest } from '../../src/wire/kv.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmType,
  type AlarmMember,
} from '../../src/wire/maintenance.ts';
import { bytesOf, type MemoryCluster } from '../server/cluster.ts';
import { SimCalls, type Note } from './calls.ts';
import type { SimHistory } from './history.ts';

export interface OperatorsParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  readonly note: Note;
  readonly history: SimHistory;
  /** A client asks for this revision to be compacted. */
  readonly compacts: (revision: number) => void;
  /** Whether a member's data is damaged, so that an alarm of CORRUPT is right. */
  readonly isAnyDamaged: () => boolean;
  /** Whether a member may run out of space. */
  readonly mayBeFull: boolean;
}

/** Operators who make room when the store is full, as etcd's manual says: delete, compact, defragment, disarm. */
export class SimOperators {
  private readonly parts: OperatorsParts;
  private readonly calls: SimCalls;

  constructor(parts: OperatorsParts) {
    this.parts = parts;
    this.calls = new SimCalls(parts.note);
  }

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  act(): void {
    const { random, cluster } = this.parts;
    const members = cluster.callable;
    const member = members[random.below(Math.max(1, members.length))];
    if (member === undefined) return;
    switch (random.below(4)) {
      case 0:
        return this.remove(member, random.below(2) === 0 ? 'x/' : 'u');
      case 1:
        return this.compact(member);
      case 2:
        return member.defragment(this.calls.begin(member, 'defragment', () => undefined));
      default:
        for (const alarm of member.alarms()) this.disarm(member, alarm);
    }
  }

  /** The world has healed: takes the next step towards a store that takes writes, and says whether it does. */
  makeRoom(): boolean {
    const { cluster } = this.parts;
    const { leader } = cluster;
    if (leader === undefined) return false;
    this.mustBeExplained(leader);
    if (leader.alarms().length === 0) return true;
    for (const prefix of ['x/', 'u']) this.remove(leader, prefix);
    this.compact(leader);
    cluster.advance(stepMs);
    for (const member of cluster.members)
      member.defragment(this.calls.begin(member, 'defragment', () => undefined));
    cluster.advance(stepMs);
    for (const alarm of leader.alarms()) this.disarm(leader, alarm);
    cluster.advance(stepMs);
    return false;
  }

  /** Nothing but damage raises CORRUPT, nothing but a quota or a full disk NOSPACE. */
  mustBeExplained(member: ServerMember): void {
    const { isAnyDamaged, mayBeFull } = this.parts;
    for (const { alarm, memberId } of member.alarms()) {
      const isExplained = alarm === AlarmType.CORRUPT ? isAnyDamaged() : mayBeFull;
      assert.ok(
        isExplained,
        `an alarm of type ${alarm} is raised for ${memberId.toString(16)}, and nothing explains it`,
      );
    }
  }

  private remove(member: ServerMember, prefix: string): void {
    const { history } = this.parts;
    const end = `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
    const removal = history.beganRemoval(prefix, end);
    const done = this.calls.begin<{ header?: { revision: number } | undefined; deleted: number }>(
      member,
      `delete all of ${prefix}`,
      ({ header, deleted }) => history.removed(removal, deleted > 0 ? header?.revision : undefined),
      (error) => history.refused([removal], error),
    );
    const request = DeleteRangeRequest.create({ key: bytesOf(prefix), rangeEnd: bytesOf(end) });
    const encoded = DeleteRangeRequest.encode(request);
    member.propose(CommandKind.deleteRange, encoded, done as Done<unknown>);
  }

  private compact(member: ServerMember): void {
    const { revision } = member;
    this.parts.compacts(revision);
    const done = this.calls.begin(member, `compact ${revision}`, () => undefined);
    member.propose(CommandKind.compact, CompactionRequest.encode({ revision }), done);
  }

  private disarm(member: ServerMember, { alarm, memberId }: AlarmMember): void {
    const request = AlarmRequest.encode({ action: AlarmAction.DEACTIVATE, alarm, memberId });
    const done = this.calls.begin(member, `disarm alarm ${alarm}`, () => undefined);
    member.propose(CommandKind.alarm, request, done);
  }
}

/** A compaction, or a defragmentation, of a small store in memory takes less. */
const stepMs = 1000;
