import { assert } from '../base/assert.ts';
import { campaign } from './election.ts';
import { handleAppend } from './handle-append.ts';
import { handleHeartbeat } from './handle-heartbeat.ts';
import { handleSnapshot } from './handle-snapshot.ts';
import { handleReadIndexResp } from './read-only.ts';
import type { Core } from './core.ts';
import { noMember, type MemberId, type Message } from './types.ts';

/** What a follower makes of a message of its own term. */
export function stepFollower(core: Core, message: Message): void {
  switch (message.type) {
    case 'MsgApp':
      hearFrom(core, message.from);
      handleAppend(core, message);
      break;
    case 'MsgHeartbeat':
      hearFrom(core, message.from);
      handleHeartbeat(core, message);
      break;
    case 'MsgSnap':
      hearFrom(core, message.from);
      handleSnapshot(core, message);
      break;
    case 'MsgReadIndexResp':
      handleReadIndexResp(core, message);
      break;
    case 'MsgTimeoutNow':
      // Section 3.10. Without PreVote: the leader itself asks, so nobody is disturbed.
      if (message.from === core.lead) campaign(core, 'transfer');
      break;
    default:
      // The rest is for a leader or a candidate; forwarded requests go no further.
      break;
  }
}

function hearFrom(core: Core, leader: MemberId): void {
  assert(core.lead === noMember || core.lead === leader, `two leaders in term ${core.term} (I1)`);
  core.lead = leader;
  core.electionElapsed = 0;
  core.gone.forget();
}
