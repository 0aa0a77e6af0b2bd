import { assert, unreachable } from '../base/assert.ts';
import { handleVoteRequest, isWithinLease } from './election.ts';
import { becomeFollower } from './roles.ts';
import { stepCandidate } from './step-candidate.ts';
import { stepFollower } from './step-follower.ts';
import { stepLeader } from './step-leader.ts';
import type { Core } from './core.ts';
import { noMember, type Message } from './types.ts';

/** A message from another member: first the rules on its term, then what the role makes of it. */
export function step(core: Core, message: Message): void {
  assert(message.to === core.id, `a ${message.type} for another member`);
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
      becomeFollower(core, message.term, noMember);
      return true;
    case 'MsgPreVote':
      // It asks about a term that nobody has entered.
      return !isWithinLease(core);
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
 * A sender of the past learns of our term where it would otherwise never: a leader whose followers refuse
 * votes by their lease, and a pre-candidate, neither of which raises anybody's term by asking.
 */
function answerLowerTerm(core: Core, message: Message): void {
  const { preVote, checkQuorum } = core.config;
  const { from, type } = message;
  if (type === 'MsgPreVote') {
    core.send({
      type: 'MsgPreVoteResp',
      from: core.id,
      to: from,
      term: core.term,
      reject: true,
    });
  } else if ((preVote || checkQuorum) && (type === 'MsgApp' || type === 'MsgHeartbeat')) {
    core.send({
      type: 'MsgAppResp',
      from: core.id,
      to: from,
      term: core.term,
      index: 0,
      reject: false,
      rejectHint: 0,
      logTerm: 0,
    });
  }
}
