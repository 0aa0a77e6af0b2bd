import type { Core } from './core.ts';
import type { MemberId } from './types.ts';

/** What the transport tells a leader about a follower. */

/** A message was lost on the way, so streaming ahead is guesswork: back to probing. */
export function reportUnreachable(core: Core, id: MemberId): void {
  const peer = core.state === 'leader' ? core.tracker.get(id) : undefined;
  if (peer?.state === 'replicate' && id !== core.id) peer.becomeProbe();
}

/**
 * A snapshot was delivered, or failed. Either way wait for the follower's next words before sending more: for
 * its answer to the snapshot, or for a heartbeat's before another try.
 */
export function reportSnapshot(core: Core, id: MemberId, isDelivered: boolean): void {
  const peer = core.state === 'leader' ? core.tracker.get(id) : undefined;
  if (peer?.state !== 'snapshot') return;
  if (!isDelivered) peer.pendingSnapshot = 0;
  peer.becomeProbe();
  peer.isFlowPaused = true;
}
