import { maybeStepDown } from './leaving.ts';
import { startReadRound } from './read-only.ts';
import type { Core } from './core.ts';

/**
 * The commit rule (section 3.6.2, Figure 3.8): an entry is committed when a quorum has it on disk, and only
 * if it is of the leader's own term. Entries of earlier terms are committed by one of the own term after them.
 */
export function maybeCommit(core: Core): boolean {
  const { log } = core;
  const index = core.tracker.quorumMatch();
  if (index <= log.committed) return false;
  if (log.term(index) !== core.term) return false;
  log.commitTo(index);
  core.isBroadcastDue = true;
  startReadRound(core);
  maybeStepDown(core);
  return true;
}
