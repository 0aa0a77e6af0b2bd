import { assert } from '../base/assert.ts';
import { maybeCommit } from './commit.ts';
import { recordVote } from './election.ts';
import type { Core } from './core.ts';
import type { AppendInFlight } from './unstable.ts';

/**
 * What this member has on disk, it may promise. To others the shell sends the promises
 * (`messagesAfterAppend`); those to itself, its own vote and the leader's own copy, are kept here (10.2.1).
 */

/** The oldest batch in flight is on disk; (term, index) are of its last entry, (0, 0) if it has none. */
export function appended(core: Core, term: number, index: number): void {
  const done = complete(core);
  assert(
    done.snapshot === undefined && done.lastIndex === index && done.lastTerm === term,
    `an append completed out of order: (${term}, ${index}) before (${done.lastTerm}, ${done.lastIndex})`,
  );
  countOwnVote(core);
  if (core.state === 'leader') countOwnCopy(core);
}

/** The oldest batch in flight, which installs the snapshot at `index`, is on disk, and the log reset to it. */
export function snapshotInstalled(core: Core, index: number): void {
  const done = complete(core);
  const { snapshot } = done;
  assert(snapshot?.index === index, `snapshot ${index} was installed out of order`);
  core.log.installedTo(index);
  // It replaces any configuration, whatever entries of a log that is gone said (reliability.md row 6).
  core.tracker.switchTo(snapshot.confState, core.log.lastIndex());
  countOwnVote(core);
}

function complete(core: Core): AppendInFlight {
  const done = core.log.unstable.completed();
  core.appendElapsed = 0;
  if (done.hardState !== undefined) core.durable = done.hardState;
  return done;
}

function countOwnVote(core: Core): void {
  const { durable } = core;
  if (core.state !== 'candidate') return;
  if (durable.term === core.term && durable.vote === core.id) recordVote(core, core.id, true);
}

function countOwnCopy(core: Core): void {
  if (core.tracker.self?.maybeUpdate(core.log.stableIndex()) === true) maybeCommit(core);
}
