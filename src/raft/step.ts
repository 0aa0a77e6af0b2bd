import { assert, unreachable } from '../base/assert.ts';
import { acknowledge } from './handle-append.ts';
import { answerVoteRequest, handleVoteRequest, isWithinLease, learnCommitted } from './election.ts';
import { becomeFollower } from './roles.ts';
import { stepCandidate } from './step-candidate.ts';
import { stepFollower } from './step-follower.ts';
import { stepLeader } from './step-leader.ts';
import type { Core } from './core.ts';
import { noMember, type Message } from './types.ts';

/** A message from another member: first the rules on its term, then what the role makes of it. */
export function step(core: Core, message: Message): void {
  assert(message.to === core.id, `a ${message.type} for another member`);
  if (message.type === 'MsgVoteResp' || message.type === 'MsgPreVoteResp') {
    learnCommitted(core, message.commit, message.logTerm);
  }
  if (carriesTerm(message)) {
    if (message.term < core.term) {
      answerLowerTerm(core, message);
      return;
    }
    if (message.term > core.term && !enterHigherTerm(core, message)) return;
  }
  if (message.type === 'MsgVote' || message.type === 'MsgPreVote') handleVoteRequest(core, message);
  else stepByRole(core, message);
}

function stepByRole(core: Core, message: Message): void {
  switch (core.state) {
    case 'leader':
      stepLeader(core, message);
      break;
    case 'candidate':
    case 'preCandidate':
      stepCandidate(core, message);
      break;
    case 'follower':
      stepFollower(core, message);
      break;
    default:
      unreachable(core.state);
  }
}

/** A forwarded request is for whoever leads when it arrives. */
function carriesTerm(message: Message): boolean {
  return message.type !== 'MsgProp' && message.type !== 'MsgReadIndex';
}

/** "If RPC contains term T > currentTerm" (Figure 3.1), and what PreVote and the lease except from it. */
function enterHigherTerm(core: Core, message: Message): boolean {
  switch (message.type) {
    case 'MsgVote':
      if (!message.isTransfer && isWithinLease(core)) return false;
      enterTermOfCandidate(core, message.term);
      return true;
    case 'MsgPreVote':
      // It asks about a term that nobody has entered.
      if (!isWithinLease(core)) return true;
      core.gone.passedOver = message;
      return false;
    case 'MsgPreVoteResp':
      // Granted, it repeats the term asked for; refused, it tells of a later one.
      if (message.reject) becomeFollower(core, message.term, noMember);
      return true;
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      becomeFollower(core, message.term, message.from);
      return true;
    default:
      becomeFollower(core, message.term, noMember);
      return true;
  }
}

/**
 * Only a vote that is granted resets the election timer (Figure 3.1), not the news of a candidate: or one with
 * a short timeout and an old log would keep those who could win from ever standing.
 */
function enterTermOfCandidate(core: Core, term: number): void {
  const { state, electionElapsed } = core;
  becomeFollower(core, term, noMember);
  if (state !== 'leader') core.electionElapsed = electionElapsed;
}

/**
 * "Reply false if term < currentTerm" (Figure 3.1), so that a sender of the past learns of our term. A leader
 * may have no other way to: its followers, bound by their lease, do not enter the term of a candidate.
 */
function answerLowerTerm(core: Core, message: Message): void {
  switch (message.type) {
    case 'MsgPreVote':
    case 'MsgVote':
      answerVoteRequest(core, message, core.term, false);
      break;
    case 'MsgApp':
    case 'MsgHeartbeat':
      acknowledge(core, message.from, 0);
      break;
    default:
      // Answers to what was asked in an earlier term.
      break;
  }
}
