import { campaign, isPromotable } from './election.ts';
import { tickGone } from './gone-leader.ts';
import { dropOldReads } from './read-only.ts';
import { broadcastHeartbeat } from './replication.ts';
import { becomeFollower } from './roles.ts';
import type { Core } from './core.ts';
import { noMember } from './types.ts';

/** One tick of the shell's timer. */
export function tick(core: Core): void {
  core.ticks++;
  core.electionElapsed++;
  if (core.log.unstable.inFlight.length > 0) core.appendElapsed++;
  // Every batch carries the commit index; when none comes by, it is written for its own sake, once a tick.
  if (core.log.committed > core.writtenHardState.commit) core.isCommitWriteDue = true;
  dropOldReads(core);
  if (core.state === 'leader') tickLeader(core);
  else if (core.electionElapsed >= core.electionTimeoutTicks) leaderIsSilent(core);
  else tickGone(core);
}

/** A member that may not stand forgets the leader all the same: what is forwarded to it would get lost. */
function leaderIsSilent(core: Core): void {
  core.electionElapsed = 0;
  if (isPromotable(core)) campaign(core, 'election');
  else if (core.lead !== noMember) becomeFollower(core, core.term, noMember);
}

function tickLeader(core: Core): void {
  const { electionTicks, heartbeatTicks, checkQuorum, appendStallTicks } = core.config;
  core.heartbeatElapsed++;
  if (core.electionElapsed >= electionTicks) {
    core.electionElapsed = 0;
    core.leadTransferee = noMember;
    if (checkQuorum && !core.tracker.checkQuorumActive()) {
      becomeFollower(core, core.term, noMember);
      return;
    }
  }
  if (core.appendElapsed >= appendStallTicks) {
    becomeFollower(core, core.term, noMember);
    return;
  }
  if (core.heartbeatElapsed >= heartbeatTicks) {
    core.heartbeatElapsed = 0;
    broadcastHeartbeat(core);
  }
}
