import { maybeSendAppend } from './replication.ts';
import type { Core } from './core.ts';
import type { Progress } from './progress.ts';
import { noMember, type MemberId } from './types.ts';

/**
 * Leadership transfer (section 3.10): the leader stops taking proposals, brings the target up to date and
 * tells it to campaign at once. After an election timeout it gives up and serves again.
 */
export function transferLeadership(core: Core, transferee: MemberId): void {
  if (core.state === 'leader') transferTo(core, transferee);
  else if (core.lead !== noMember) {
    core.send({
      type: 'MsgTransferLeader',
      from: core.id,
      to: core.lead,
      term: core.term,
      transferee,
    });
  }
}

export function transferTo(core: Core, transferee: MemberId): void {
  const peer = core.tracker.get(transferee);
  if (peer === undefined || !core.tracker.isVoter(transferee)) return;
  if (transferee === core.leadTransferee) return;
  core.leadTransferee = transferee === core.id ? noMember : transferee;
  if (transferee === core.id) return;
  core.electionElapsed = 0;
  if (!sendTimeoutNowIfReady(core, peer)) maybeSendAppend(core, peer, 'question');
}

/** True when the target has all there is, and was told to campaign. */
export function sendTimeoutNowIfReady(core: Core, peer: Progress): boolean {
  if (peer.id !== core.leadTransferee || peer.match !== core.log.lastIndex()) return false;
  core.offeredTerm = core.term;
  core.send({ type: 'MsgTimeoutNow', from: core.id, to: peer.id, term: core.term });
  return true;
}
