import { message, repeatedString, string, uint64Id, type MessageOf } from './message.ts';

/**
 * What the members of a cluster tell each other about themselves through the log. Not an interface
 * of etcd's.
 */

/**
 * A member's own name and client URLs, and the incarnation of its data dir: published by itself
 * once it runs (`CommandKind.publishMember`).
 */
export const MemberAttributes = message('quorate.MemberAttributes', {
  memberId: uint64Id(1),
  name: string(2),
  clientUrls: repeatedString(3),
  incarnation: uint64Id(4),
});
export type MemberAttributes = MessageOf<typeof MemberAttributes>;

/** New peer URLs of a member (`CommandKind.updateMember`). */
export const MemberPeerUrls = message('quorate.MemberPeerUrls', {
  memberId: uint64Id(1),
  peerUrls: repeatedString(2),
});
export type MemberPeerUrls = MessageOf<typeof MemberPeerUrls>;
