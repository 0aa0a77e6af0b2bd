import { assert, mustGet } from '../base/assert.ts';
import { sizeOf } from './log.ts';
import type { Core } from './core.ts';
import type { Progress } from './progress.ts';
import type { Entry } from './types.ts';

/** What a leader sends to its followers: entries, the commit index, heartbeats, snapshots. */

/**
 * Whether a MsgApp may leave without entries, and what for:
 * - `notice`: to tell the commit index. Its answer would say nothing that the answers to the entries before it do not:
 *   who accepts it is silent, which takes a quarter off the messages of a Put, and only a refusal is told. If such an
 *   answer, or the notice, is lost, the next heartbeat finds out: it carries the commit index as far as is known to
 *   be there, and is followed by a MsgApp that asks when not everything is (handle-heartbeat-resp.ts). That is how
 *   go.etcd.io/raft recovers, too. A version that does not know the field answers, which does no harm.
 * - `question`: to find out where the follower's log ends.
 */
export type EmptyAppend = 'none' | 'notice' | 'question';

/** Every follower gets what is new to it: entries, or a commit index that it has not been told. */
export function broadcastAppend(core: Core): void {
  for (const peer of core.tracker.peers) {
    const empty = peer.canAdvanceCommit(core.log.committed) ? 'notice' : 'none';
    if (maybeSendAppend(core, peer, empty)) sendMore(core, peer);
  }
}

/** Fills the window; ends because each message has entries and moves `next` towards the end of the log. */
export function sendMore(core: Core, peer: Progress): void {
  while (peer.state === 'replicate' && maybeSendAppend(core, peer, 'none'));
}

/** Sends one MsgApp (or asks for a snapshot) unless the follower is paused, or there is nothing to send. */
export function maybeSendAppend(core: Core, peer: Progress, empty: EmptyAppend): boolean {
  if (peer.isPaused) return false;
  const { log } = core;
  const index = peer.next - 1;
  assert(index <= log.lastIndex(), 'a follower cannot be ahead of its leader');
  const logTerm = log.term(index);
  if (logTerm === undefined || peer.next < log.firstIndex()) return maybeSendSnapshot(core, peer);

  // A full window still lets an empty message through, so that the loss of all the others is found out.
  const isFull = peer.state === 'replicate' && peer.inflights.isFull;
  const entries: readonly Entry[] = isFull
    ? []
    : log.entriesFrom(peer.next, core.config.maxSizePerMsgBytes);
  if (entries.length === 0 && empty === 'none') return false;
  // Probes and full windows wait for an answer.
  const isNotice =
    entries.length === 0 && empty === 'notice' && peer.state === 'replicate' && !isFull;
  const commit = log.committed;
  core.send({
    type: 'MsgApp',
    from: core.id,
    to: peer.id,
    term: core.term,
    index,
    logTerm,
    entries,
    commit,
    isNotice,
  });
  peer.sent(entries.length, sizeOf(entries), commit);
  return true;
}

/**
 * The entries a follower needs are compacted. The shell streams the store as it is when it begins, at this
 * index or later; whatever arrives, the follower's answer tells where to go on.
 */
function maybeSendSnapshot(core: Core, peer: Progress): boolean {
  if (!peer.isRecentlyActive) return false;
  const index = core.log.applied;
  const term = mustGet(core.log.term(index), 'the entry applied last has a term');
  peer.becomeSnapshot(index);
  core.send({
    type: 'MsgSnap',
    from: core.id,
    to: peer.id,
    term: core.term,
    snapshot: { index, term, confState: core.tracker.conf },
  });
  return true;
}

/** Heartbeats also carry the ReadIndex round in flight, so a lost one is asked again by the next. */
export function broadcastHeartbeat(core: Core): void {
  const readSequence = core.reads.round?.sequence ?? 0;
  for (const peer of core.tracker.peers) {
    // Never beyond what is known to be there: the follower's log may differ from ours after its match.
    const commit = Math.min(peer.match, core.log.committed);
    core.send({
      type: 'MsgHeartbeat',
      from: core.id,
      to: peer.id,
      term: core.term,
      commit,
      readSequence,
    });
    peer.sentCommit = commit;
  }
}
