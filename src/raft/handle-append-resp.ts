import { maybeCommit } from './commit.ts';
import { maybeSendAppend, sendMore } from './replication.ts';
import { sendTimeoutNowIfReady } from './transfer.ts';
import type { Core, MessageOf } from './core.ts';
import type { Progress } from './progress.ts';

/** A follower's answer to a MsgApp, or to a snapshot. */
export function handleAppendResp(
  core: Core,
  peer: Progress,
  message: MessageOf<'MsgAppResp'>,
): void {
  peer.isRecentlyActive = true;
  if (message.reject) handleReject(core, peer, message);
  // Beyond our log no follower can agree with us: one faulty member must not move what we believe.
  else if (message.index <= core.log.lastIndex()) handleAccept(core, peer, message.index);
}

/**
 * The logs differ at the index probed. The follower says where its log ends not after our term there; we skip
 * what is of a later term than that in ours: at most one probe for each term in which they differ (3.5).
 */
function handleReject(core: Core, peer: Progress, message: MessageOf<'MsgAppResp'>): void {
  const { rejectHint, logTerm } = message;
  const hint = logTerm > 0 ? core.log.lastNotAfter(rejectHint, logTerm).index : rejectHint;
  if (!peer.maybeDecrease(message.index, hint)) return;
  if (peer.state === 'replicate') peer.becomeProbe();
  maybeSendAppend(core, peer, 'question');
}

function handleAccept(core: Core, peer: Progress, index: number): void {
  // An old answer tells nothing new, but a probe's may confirm what is known: then streaming can begin again.
  const isNews = peer.maybeUpdate(index);
  if (!isNews && !(peer.state === 'probe' && index === peer.match)) return;
  if (peer.state === 'probe') peer.becomeReplicate();
  else if (peer.state === 'replicate') peer.inflights.freeTo(index);
  else if (peer.match + 1 >= core.log.firstIndex()) {
    // Whatever snapshot it has got, it can be caught up from the log.
    peer.becomeReplicate();
  }
  maybeCommit(core);
  if (core.state !== 'leader') return;
  // What is newly committed goes to all when the Ready is taken; this follower may lack older news.
  if (!core.isBroadcastDue && peer.canAdvanceCommit(core.log.committed)) {
    maybeSendAppend(core, peer, 'notice');
  }
  sendMore(core, peer);
  sendTimeoutNowIfReady(core, peer);
}
