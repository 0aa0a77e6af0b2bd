import type { Membership } from '../membership/membership.ts';
import type { PeerAddress } from '../peer/types.ts';
import type { MemberId } from '../raft/types.ts';

/** Where the other members are, and which data dir each of them is known to have. */
export function peersOf(membership: Membership, self: MemberId): readonly PeerAddress[] {
  return membership
    .list()
    .filter(({ id }) => id !== self)
    .map(({ id, peerUrls, incarnation }) => ({
      memberId: id,
      peerUrls,
      incarnation: incarnation === 0n ? undefined : incarnation,
    }));
}
