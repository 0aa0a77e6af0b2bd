import { maybeConfirmReads } from './read-only.ts';
import { maybeSendAppend } from './replication.ts';
import type { Core, MessageOf } from './core.ts';
import type { Progress } from './progress.ts';

/** A follower is there, and confirms the ReadIndex round that the heartbeat carried. */
export function handleHeartbeatResp(
  core: Core,
  peer: Progress,
  message: MessageOf<'MsgHeartbeatResp'>,
): void {
  peer.isRecentlyActive = true;
  peer.isFlowPaused = false;
  // What was on the way may be lost: an append, even an empty one, finds out.
  if (peer.match < core.log.lastIndex() || peer.state === 'probe') {
    maybeSendAppend(core, peer, 'question');
  }
  // A sequence above ours was not made in this term by this leader: it confirms nothing.
  if (message.readSequence > core.reads.sequence) return;
  peer.readAcked = Math.max(peer.readAcked, message.readSequence);
  maybeConfirmReads(core);
}
