import { assert } from '../base/assert.ts';
import { maybeCommit } from './commit.ts';
import { isVoter, nextConfState } from './configuration.ts';
import { beginLeaving } from './leaving.ts';
import { maybeConfirmReads } from './read-only.ts';
import { maybeSendAppend } from './replication.ts';
import type { ConfChange } from './confchange.ts';
import type { Core } from './core.ts';
import { noMember, type ConfState } from './types.ts';

/**
 * A configuration entry takes effect when it is applied, as in go.etcd.io/raft, not when it is appended, as
 * in the dissertation. What makes that safe: the commit index is on disk with the entries, nobody campaigns
 * over an unapplied configuration entry, and a leader applies one before it proposes the next.
 */
export function applyConfChange(core: Core, change: ConfChange): ConfState {
  const outcome = nextConfState(core.tracker.conf, change);
  if ('refused' in outcome) {
    assert(false, `a configuration change that cannot be applied: ${outcome.refused}`);
  } else switchTo(core, outcome.confState);
  return core.tracker.conf;
}

function switchTo(core: Core, conf: ConfState): void {
  core.tracker.switchTo(conf, core.log.lastIndex());
  if (core.state !== 'leader') return;
  if (!isVoter(conf, core.id)) beginLeaving(core);
  // A smaller quorum may already agree on more; newcomers need not wait for a heartbeat.
  maybeCommit(core);
  maybeConfirmReads(core);
  for (const peer of core.tracker.peers) maybeSendAppend(core, peer, 'none');
  if (!core.tracker.isVoter(core.leadTransferee)) core.leadTransferee = noMember;
}
