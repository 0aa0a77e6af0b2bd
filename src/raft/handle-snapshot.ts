import { assert } from '../base/assert.ts';
import { membersOf } from './configuration.ts';
import { acknowledge } from './handle-append.ts';
import type { Core, MessageOf } from './core.ts';
import type { SnapshotMeta } from './types.ts';

/** InstallSnapshot at a follower (section 5.1); the shell has received the snapshot whole. */
export function handleSnapshot(core: Core, message: MessageOf<'MsgSnap'>): void {
  const isTaken = maybeRestore(core, message.snapshot);
  acknowledge(core, message.from, isTaken ? core.log.lastIndex() : core.log.committed);
}

/** False when there is nothing to install; then what was received may be thrown away. */
function maybeRestore(core: Core, snapshot: SnapshotMeta): boolean {
  const { log } = core;
  assert(core.state === 'follower', 'only a follower installs a snapshot');
  if (snapshot.index <= log.committed) return false;
  // A snapshot that leaves this member out is not for it: it would have no role to play.
  if (!membersOf(snapshot.confState).includes(core.id)) return false;
  if (log.matches(snapshot.index, snapshot.term)) {
    // Index and term agree, so the log up to there does: the entries themselves are cheaper.
    log.commitTo(snapshot.index);
    return false;
  }
  // Its configuration, like any, takes effect when it is applied: when the snapshot is installed.
  log.restore(snapshot);
  return true;
}
