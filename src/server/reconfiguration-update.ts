import { readPeerUrls } from '../membership/peer-urls.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import { CommandKind } from '../wire/command.ts';
import { errors, failed, ok } from '../wire/errors.ts';
import { MemberPeerUrls } from '../wire/membership.ts';
import type { Done, Member, MemberInfo } from './types.ts';

/**
 * New peer URLs: no change of the configuration, so it goes through the log like any command. etcd takes any text, and
 * panics on every member when it is no URL; here it is refused.
 */
export function updateMember(
  member: Pick<Member, 'propose' | 'members'>,
  memberId: MemberId,
  texts: readonly string[],
  done: Done<readonly MemberInfo[]>,
): void {
  if (memberId === noMember) return done(failed(errors.memberNotFound));
  const peerUrls = readPeerUrls(texts);
  if (peerUrls === undefined) return done(failed(errors.memberBadUrls));
  const request = MemberPeerUrls.encode({ memberId, peerUrls });
  member.propose(CommandKind.updateMember, request, (outcome) =>
    done(outcome.ok ? ok(member.members()) : outcome),
  );
}
