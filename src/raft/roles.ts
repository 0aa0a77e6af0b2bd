import { assert, mustGet } from '../base/assert.ts';
import { appendNoOp } from './propose.ts';
import { dropReads } from './read-only.ts';
import { noMember, type MemberId } from './types.ts';
import type { Core } from './core.ts';

/** The transitions between roles (Figure 3.3). */

export function becomeFollower(core: Core, term: number, lead: MemberId): void {
  enterTerm(core, term);
  core.state = 'follower';
  core.lead = lead;
}

/** Changes neither term nor vote (section 9.6). */
export function becomePreCandidate(core: Core): void {
  assert(core.state !== 'leader', 'a leader does not campaign');
  dropReads(core);
  core.state = 'preCandidate';
  core.lead = noMember;
  core.gone.forget();
  core.tracker.resetVotes();
  core.resetElectionTimer();
}

export function becomeCandidate(core: Core): void {
  assert(core.state !== 'leader', 'a leader does not campaign');
  enterTerm(core, core.term + 1);
  core.state = 'candidate';
  core.vote = core.id;
}

export function becomeLeader(core: Core): void {
  assert(core.state === 'candidate', 'only a candidate becomes leader');
  enterTerm(core, core.term);
  core.state = 'leader';
  core.lead = core.id;
  const self = mustGet(core.tracker.self, 'only a voter is elected');
  self.becomeReplicate();
  self.maybeUpdate(core.log.stableIndex());
  appendNoOp(core);
}

/** Sets the term, which never goes back, and forgets what belonged to the role and term before. */
function enterTerm(core: Core, term: number): void {
  assert(term >= core.term, `term ${term} is before the term ${core.term} reached`);
  if (term > core.term) {
    core.term = term;
    core.vote = noMember;
  }
  dropReads(core);
  core.lead = noMember;
  core.gone.forget();
  core.leadTransferee = noMember;
  core.pendingConfIndex = 0;
  core.leavingIndex = 0;
  core.uncommittedBytes = 0;
  core.isBroadcastDue = false;
  core.heartbeatElapsed = 0;
  core.resetElectionTimer();
  core.tracker.resetVotes();
  core.tracker.resetProgress(core.log.lastIndex());
}
