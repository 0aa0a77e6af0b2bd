import { broadcastAppend } from './replication.ts';
import { sizeOf } from './log.ts';
import type { Core } from './core.ts';
import type { Entry, HardState, Message, Ready, SnapshotMeta, SoftState } from './types.ts';

/** Gathers what the shell has to do. Taking a Ready is accepting it: nothing is handed out twice. */
export function takeReady(core: Core, reported: SoftState): Ready {
  if (core.isBroadcastDue) {
    // Proposals and commits since the last Ready share one MsgApp to each follower.
    core.isBroadcastDue = false;
    broadcastAppend(core);
  }
  const { unstable } = core.log;
  const snapshot = unstable.takeSnapshot();
  const entries = unstable.takeEntries();
  const hardState = takeHardState(core, entries.length > 0 || snapshot !== undefined);
  const messagesAfterAppend = trackAppend(core, hardState, entries, snapshot);
  const committedEntries = core.log.takeCommitted();
  if (core.state === 'leader') {
    core.uncommittedBytes = Math.max(0, core.uncommittedBytes - sizeOf(committedEntries));
  }
  const ready: Ready = {
    softState: changedSoftState(core, reported),
    hardState,
    entries,
    snapshot,
    messages: core.messages,
    messagesAfterAppend,
    committedEntries,
    readStates: core.readStates,
    droppedReads: core.droppedReads,
  };
  core.messages = [];
  core.readStates = [];
  core.droppedReads = [];
  return ready;
}

export function hasReady(core: Core, reported: SoftState): boolean {
  const { log } = core;
  return (
    core.messages.length > 0 ||
    core.messagesAfterAppend.length > 0 ||
    core.isBroadcastDue ||
    log.unstable.hasEntriesToWrite ||
    log.hasCommittedToApply ||
    core.readStates.length > 0 ||
    core.droppedReads.length > 0 ||
    isHardStateDue(core) ||
    (log.unstable.snapshot !== undefined && !log.unstable.isSnapshotTaken) ||
    changedSoftState(core, reported) !== undefined
  );
}

function changedSoftState(core: Core, reported: SoftState): SoftState | undefined {
  if (reported.lead === core.lead && reported.state === core.state) return undefined;
  return { lead: core.lead, state: core.state };
}

/** A new term or vote must be written; a new commit index alone waits for the next batch or tick. */
function isHardStateDue(core: Core): boolean {
  const written = core.writtenHardState;
  return written.term !== core.term || written.vote !== core.vote || core.isCommitWriteDue;
}

function takeHardState(core: Core, isBatch: boolean): HardState | undefined {
  const { log, writtenHardState: written, term, vote } = core;
  if (!isHardStateDue(core) && !(isBatch && written.commit !== log.committed)) return undefined;
  core.isCommitWriteDue = false;
  core.writtenHardState = { term, vote, commit: log.committed };
  return core.writtenHardState;
}

/**
 * Notes the batch this Ready asks for. Promises wait for it, or, when there is nothing to write, for those
 * before it; with none of either they are kept already, and leave with the other messages.
 */
function trackAppend(
  core: Core,
  hardState: HardState | undefined,
  entries: readonly Entry[],
  snapshot: SnapshotMeta | undefined,
): readonly Message[] {
  const promises = core.messagesAfterAppend;
  const { inFlight } = core.log.unstable;
  core.messagesAfterAppend = [];
  const isWrite = hardState !== undefined || entries.length > 0 || snapshot !== undefined;
  if (!isWrite && inFlight.length === 0) {
    for (const promise of promises) core.messages.push(promise);
    return [];
  }
  if (!isWrite && promises.length === 0) return promises;
  inFlight.push({
    hardState,
    firstIndex: entries[0]?.index ?? 0,
    lastIndex: entries.at(-1)?.index ?? 0,
    lastTerm: entries.at(-1)?.term ?? 0,
    snapshot,
  });
  return promises;
}
