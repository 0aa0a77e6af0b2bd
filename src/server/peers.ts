import type { Membership } from '../membership/membership.ts';
import type { PeerAddress } from '../peer/types.ts';

/** Where the members are, this one included, and which data dir each of them is known to have. */
export function peersOf(membership: Membership): readonly PeerAddress[] {
  return membership.list().map(({ id, peerUrls, incarnation }) => ({
    memberId: id,
    peerUrls,
    incarnation: incarnation === 0n ? undefined : incarnation,
  }));
}
