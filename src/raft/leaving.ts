import { appendNoOp } from './propose.ts';
import { becomeFollower } from './roles.ts';
import type { Core } from './core.ts';
import { noMember } from './types.ts';

/**
 * A leader that is removed or made a learner (section 4.2.2). It may not go the moment it has applied that: the
 * others may not know yet that the entry is committed, and would need its vote, which a log longer than theirs
 * can refuse for ever. So it leads on, without counting itself, until a quorum of those who stay has one more
 * entry on disk, and with it, as with every entry, the commit index that its leader had then.
 */
export function beginLeaving(core: Core): void {
  if (core.leavingIndex > 0) return;
  appendNoOp(core);
  core.leavingIndex = core.log.lastIndex();
}

export function maybeStepDown(core: Core): void {
  if (core.leavingIndex === 0 || core.log.committed < core.leavingIndex) return;
  const { term } = core;
  for (const peer of core.tracker.peers) {
    if (peer.isLearner || peer.match !== core.log.lastIndex()) continue;
    // Its log is whole: it may stand at once, as after any transfer (section 3.10).
    core.send({ type: 'MsgTimeoutNow', from: core.id, to: peer.id, term });
    break;
  }
  becomeFollower(core, term, noMember);
}
