import { assert } from '../base/assert.ts';
import { handleAppendResp } from './handle-append-resp.ts';
import { handleHeartbeatResp } from './handle-heartbeat-resp.ts';
import { handleProposal } from './propose.ts';
import { handleReadIndex } from './read-only.ts';
import { transferTo } from './transfer.ts';
import type { Core } from './core.ts';
import type { Message } from './types.ts';

/** What a leader makes of a message of its own term. */
export function stepLeader(core: Core, message: Message): void {
  switch (message.type) {
    case 'MsgProp':
      handleProposal(core, message);
      break;
    case 'MsgReadIndex':
      handleReadIndex(core, message);
      break;
    case 'MsgTransferLeader':
      transferTo(core, message.transferee);
      break;
    case 'MsgAppResp': {
      const peer = core.tracker.get(message.from);
      if (peer !== undefined) handleAppendResp(core, peer, message);
      break;
    }
    case 'MsgHeartbeatResp': {
      const peer = core.tracker.get(message.from);
      if (peer !== undefined) handleHeartbeatResp(core, peer, message);
      break;
    }
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      assert(false, `two leaders in term ${core.term} (I1)`);
      break;
    default:
      // Late answers to the election that was won.
      break;
  }
}
