import { unreachable } from '../base/assert.ts';
import { concatBytes, type Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { Code, errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { MemberAttributes } from '../wire/membership.ts';
import { decodeConfChangeContext, type ConfChange, type MemberChange } from './conf-change.ts';
import {
  decodeMemberRow,
  encodeMemberKey,
  encodeMemberRow,
  encodeRemovedRow,
  type MemberRecord,
} from './record.ts';

/** A row of the `members` space as a change leaves it. */
export interface MemberRow {
  readonly key: Bytes;
  readonly value: Bytes;
}

/**
 * The members have changed since the change was checked. It may be checked and proposed again: this one has done
 * nothing. No client sees it.
 */
export const membersMoved: EtcdError = {
  code: Code.Unavailable,
  text: 'etcdserver: the members have changed meanwhile',
};

/**
 * The members of the cluster as of the applied index. etcd's counterpart is
 * server/etcdserver/api/membership.
 */
export class Membership {
  private members: ReadonlyMap<bigint, MemberRecord>;
  private removed: ReadonlySet<bigint>;

  private constructor(members: ReadonlyMap<bigint, MemberRecord>, removed: ReadonlySet<bigint>) {
    this.members = members;
    this.removed = removed;
  }

  /** From the rows of the `members` space, in any order; none for a store that is new. */
  static load(rows: Iterable<MemberRow>): Membership {
    const members = new Map<bigint, MemberRecord>();
    const removed = new Set<bigint>();
    for (const { key, value } of rows) {
      const { id, member } = decodeMemberRow(key, value);
      if (member === undefined) removed.add(id);
      else members.set(id, member);
    }
    return new Membership(members, removed);
  }

  /** All members by ascending id. */
  list(): readonly MemberRecord[] {
    return [...this.members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get(id: bigint): MemberRecord | undefined {
    return this.members.get(id);
  }

  /** Ids of members that were; none of them comes back. */
  get removedIds(): ReadonlySet<bigint> {
    return this.removed;
  }

  /** Whether the id once belonged to a member; it never will again. */
  isRemoved(id: bigint): boolean {
    return this.removed.has(id);
  }

  /**
   * A number that stands for who is a member, in which role, and who was one: it changes with every change of
   * these, and never comes back, for an id that was removed does not.
   */
  get fingerprint(): number {
    const roles = this.list().flatMap(({ id, isLearner }) => [
      encodeMemberKey(id),
      Uint8Array.of(isLearner ? 1 : 0),
    ]);
    const removed = [...this.removed].sort((a, b) => (a < b ? -1 : 1)).map(encodeMemberKey);
    // 0 is kept for "any".
    return Math.max(1, crc32c(concatBytes([...roles, Uint8Array.of(2), ...removed])));
  }

  /**
   * Applies all parts of a change, in order, or none of them, and answers the changed rows. It is
   * refused when another change that came first in the log has made it void: an id that was removed
   * or is there already, peer URLs that another member has, a member that is not there; and when it
   * was checked against other members than these.
   */
  change({ changes, context }: ConfChange): Outcome<readonly MemberRow[]> {
    const { members: records, basis, learnersBelow } = decodeConfChangeContext(context);
    if (basis !== 0 && basis !== this.fingerprint) return failed(membersMoved);
    const given = new Map(records.map((member) => [member.id, member]));
    const members = new Map(this.members);
    const removed = new Set(this.removed);
    const rows: MemberRow[] = [];
    for (const change of changes) {
      const key = encodeMemberKey(change.memberId);
      const changed = changeOne({ members, removed, given, learnersBelow }, change);
      if (!changed.ok) return changed;
      if (changed.value === undefined) rows.push({ key, value: encodeRemovedRow() });
      else rows.push({ key, value: encodeMemberRow(changed.value) });
    }
    this.members = members;
    this.removed = removed;
    return ok(rows);
  }

  /** Replaces a member's peer URLs; its role and all else stay. */
  update(memberId: bigint, peerUrls: readonly string[]): Outcome<readonly MemberRow[]> {
    const before = this.members.get(memberId);
    if (before === undefined) return failed(errors.memberNotFound);
    const member = { ...before, peerUrls };
    return refusePeerUrls(this.members, member) ?? ok([this.replace(member)]);
  }

  /**
   * Takes up what a member says of itself. A member that was removed in the meantime changes
   * nothing.
   */
  publish({ memberId, name, clientUrls, incarnation }: MemberAttributes): readonly MemberRow[] {
    const before = this.members.get(memberId);
    if (before === undefined) return [];
    return [this.replace({ ...before, name, clientUrls, incarnation })];
  }

  private replace(member: MemberRecord): MemberRow {
    this.members = new Map(this.members).set(member.id, member);
    return { key: encodeMemberKey(member.id), value: encodeMemberRow(member) };
  }
}

interface Draft {
  readonly members: Map<bigint, MemberRecord>;
  readonly removed: Set<bigint>;
  readonly given: ReadonlyMap<bigint, MemberRecord>;
  readonly learnersBelow: number;
}

/** Changes the draft; answers the member as it is then, or undefined when it is gone. */
function changeOne(draft: Draft, change: MemberChange): Outcome<MemberRecord | undefined> {
  const { type, memberId } = change;
  if (draft.removed.has(memberId)) return failed(errors.memberNotFound);
  switch (type) {
    case 'addVoter':
      return add(draft, memberId, false);
    case 'addLearner':
      return add(draft, memberId, true);
    case 'remove':
      if (!draft.members.delete(memberId)) return failed(errors.memberNotFound);
      draft.removed.add(memberId);
      return ok(undefined);
    default:
      return unreachable(type);
  }
}

function add(draft: Draft, id: bigint, isLearner: boolean): Outcome<MemberRecord> {
  const before = draft.members.get(id);
  const given = draft.given.get(id);
  if (before !== undefined) {
    // A record says that a new member is meant. One added twice in a second has the same id, and must not be promoted.
    const isMeantAsNew = given !== undefined;
    if (isMeantAsNew || before.isLearner === isLearner) return failed(errors.memberExists);
    return put(draft, { ...before, isLearner });
  }
  if (given === undefined) return failed(errors.memberNotFound);
  const refusal = refusePeerUrls(draft.members, given);
  if (refusal !== undefined) return refusal;
  const isTooMany = draft.learnersBelow > 0 && countLearners(draft) + 1 >= draft.learnersBelow;
  if (isLearner && isTooMany) return failed(errors.tooManyLearners);
  return put(draft, { ...given, isLearner });
}

function countLearners({ members }: Draft): number {
  return [...members.values()].filter(({ isLearner }) => isLearner).length;
}

function put(draft: Draft, member: MemberRecord): Outcome<MemberRecord> {
  draft.members.set(member.id, member);
  return ok(member);
}

/** No two members share a peer URL. */
function refusePeerUrls(
  members: ReadonlyMap<bigint, MemberRecord>,
  { id, peerUrls }: Pick<MemberRecord, 'id' | 'peerUrls'>,
): Outcome<never> | undefined {
  for (const other of members.values()) {
    const isTaken = other.id !== id && other.peerUrls.some((url) => peerUrls.includes(url));
    if (isTaken) return failed(errors.peerUrlExists);
  }
  return undefined;
}
