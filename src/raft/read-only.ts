import { broadcastHeartbeat } from './replication.ts';
import type { Core, MessageOf } from './core.ts';
import type { PendingRead } from './read-queue.ts';
import { noMember } from './types.ts';

/**
 * Linearizable reads without log writes (section 6.4). A leader remembers its commit index and asks a quorum,
 * by heartbeat, whether it still leads; when it does, a state machine applied to that index may answer. Reads
 * share rounds: while one is in flight the next gathers.
 */

/** A read asked of this member: it ends in `readStates` or in `droppedReads`, once. */
export function readIndex(core: Core, context: number): void {
  const { reads } = core;
  const isFull = reads.waiting >= core.config.readsMax;
  if (core.lead === noMember || core.gone.isKnown || isFull) core.droppedReads.push(context);
  else if (core.state === 'leader') gather(core, { from: core.id, context });
  else {
    const wireContext = reads.nextForward++;
    reads.forwarded.set(wireContext, { context, sentAtTick: core.ticks });
    core.send({
      type: 'MsgReadIndex',
      from: core.id,
      to: core.lead,
      term: 0,
      context: wireContext,
    });
  }
}

/** A follower's read at the leader. One too many is not answered: the follower drops it when it is old. */
export function handleReadIndex(core: Core, message: MessageOf<'MsgReadIndex'>): void {
  if (core.reads.waiting >= core.config.readsMax) return;
  gather(core, { from: message.from, context: message.context });
}

function gather(core: Core, read: PendingRead): void {
  core.reads.gathering.push(read);
  startReadRound(core);
}

/** Begins a round with what has gathered, unless one is in flight or the leader may not know its commit yet. */
export function startReadRound(core: Core): void {
  const { reads, log, tracker } = core;
  if (reads.round !== undefined || reads.gathering.length === 0) return;
  if (!hasCommittedInTerm(core)) return;
  const gathered = reads.gathering;
  reads.gathering = [];
  if (tracker.isSingleVoter) {
    answer(core, gathered, log.committed);
    return;
  }
  reads.sequence++;
  reads.round = { sequence: reads.sequence, index: log.committed, reads: gathered };
  if (tracker.self !== undefined) tracker.self.readAcked = reads.sequence;
  broadcastHeartbeat(core);
}

/** A new leader does not know how far its log is committed until an entry of its own term is (etcd #7331). */
function hasCommittedInTerm(core: Core): boolean {
  return core.log.term(core.log.committed) === core.term;
}

/** Ends the round in flight if a quorum has acknowledged it, and begins the next. */
export function maybeConfirmReads(core: Core): void {
  const { round } = core.reads;
  if (round === undefined || core.tracker.quorumRead() < round.sequence) return;
  core.reads.round = undefined;
  answer(core, round.reads, round.index);
  startReadRound(core);
}

function answer(core: Core, reads: readonly PendingRead[], index: number): void {
  for (const { from, context } of reads) {
    if (from === core.id) core.readStates.push({ context, index });
    else {
      core.send({
        type: 'MsgReadIndexResp',
        from: core.id,
        to: from,
        term: core.term,
        context,
        index,
      });
    }
  }
}

/** The leader's answer to a forwarded read; one that was dropped meanwhile stays dropped. */
export function handleReadIndexResp(core: Core, message: MessageOf<'MsgReadIndexResp'>): void {
  const read = core.reads.forwarded.get(message.context);
  if (read === undefined) return;
  core.reads.forwarded.delete(message.context);
  core.readStates.push({ context: read.context, index: message.index });
}

/** Leadership, or the leader, is lost: nobody will answer what waits. */
export function dropReads(core: Core): void {
  const { reads } = core;
  for (const { from, context } of reads.round?.reads ?? []) {
    if (from === core.id) core.droppedReads.push(context);
  }
  for (const { from, context } of reads.gathering) {
    if (from === core.id) core.droppedReads.push(context);
  }
  for (const { context } of reads.forwarded.values()) core.droppedReads.push(context);
  reads.round = undefined;
  reads.gathering = [];
  reads.forwarded.clear();
}

/** A forwarded read unanswered for an election timeout was lost on the way. */
export function dropOldReads(core: Core): void {
  for (const [wireContext, read] of core.reads.forwarded) {
    if (core.ticks - read.sentAtTick < core.config.electionTicks) break;
    core.reads.forwarded.delete(wireContext);
    core.droppedReads.push(read.context);
  }
}
