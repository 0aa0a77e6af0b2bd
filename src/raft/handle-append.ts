import { assert } from '../base/assert.ts';
import type { Core, MessageOf } from './core.ts';
import type { MemberId } from './types.ts';

/**
 * AppendEntries at a follower (Figure 3.1). The commit index becomes min(leader's commit, last new index), so
 * it is written in the batch that writes the entries, before they are acknowledged: configurations take effect
 * when applied, and a member must find after a restart what it had to apply (reliability.md row 25).
 */
export function handleAppend(core: Core, message: MessageOf<'MsgApp'>): void {
  const { log } = core;
  const { from, index, entries, isNotice } = message;
  mustBeWellFormed(message);
  if (index < log.committed) {
    // Older than what is known to be committed, which is equal everywhere: nothing new can be in it.
    if (!isNotice) acknowledge(core, from, log.committed);
    return;
  }
  // Nothing is written after a snapshot until that is in place; the leader probes again at its heartbeat.
  if (log.hasPendingSnapshot) return;
  const lastNew = log.maybeAppend(index, message.logTerm, entries);
  if (lastNew !== undefined) {
    log.commitTo(Math.min(message.commit, lastNew));
    if (!isNotice) acknowledge(core, from, lastNew);
    return;
  }
  // The leader has nothing above its term at `index`, so the logs cannot agree where ours is above it.
  const hint = log.lastNotAfter(Math.min(index, log.lastIndex()), message.logTerm);
  core.send({
    type: 'MsgAppResp',
    from: core.id,
    to: from,
    term: core.term,
    index,
    reject: true,
    rejectHint: hint.index,
    logTerm: hint.term,
  });
}

export function acknowledge(core: Core, to: MemberId, index: number): void {
  core.send({
    type: 'MsgAppResp',
    from: core.id,
    to,
    term: core.term,
    index,
    reject: false,
    rejectHint: 0,
    logTerm: 0,
  });
}

/** What every leader's log promises: no gaps, terms that never go back and none above the sender's. */
function mustBeWellFormed(message: MessageOf<'MsgApp'>): void {
  let { index, logTerm: term } = message;
  for (const entry of message.entries) {
    index++;
    // The texts are made only for an entry that is wrong.
    if (entry.index !== index || entry.term < term) {
      assert(entry.index === index, `MsgApp with a gap before index ${entry.index}`);
      assert(entry.term >= term, `MsgApp whose terms go back at index ${index}`);
    }
    term = entry.term;
  }
  assert(term <= message.term, 'MsgApp with an entry of a term after its leader');
}
