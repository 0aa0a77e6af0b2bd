import { handleAppend } from './handle-append.ts';
import { handleHeartbeat } from './handle-heartbeat.ts';
import { handleSnapshot } from './handle-snapshot.ts';
import { recordVote } from './election.ts';
import { becomeFollower } from './roles.ts';
import type { Core } from './core.ts';
import type { Message } from './types.ts';

/** What a candidate or pre-candidate makes of a message of its own term. */
export function stepCandidate(core: Core, message: Message): void {
  switch (message.type) {
    case 'MsgVoteResp':
      if (core.state === 'candidate') recordVote(core, message.from, !message.reject);
      break;
    case 'MsgPreVoteResp':
      if (core.state === 'preCandidate') recordVote(core, message.from, !message.reject);
      break;
    // Section 3.4: another has won this term.
    case 'MsgApp':
      becomeFollower(core, message.term, message.from);
      handleAppend(core, message);
      break;
    case 'MsgHeartbeat':
      becomeFollower(core, message.term, message.from);
      handleHeartbeat(core, message);
      break;
    case 'MsgSnap':
      becomeFollower(core, message.term, message.from);
      handleSnapshot(core, message);
      break;
    default:
      // The rest is for a leader, or from one that this member does not follow.
      break;
  }
}
