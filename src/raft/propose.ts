import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { isJoint, nextConfState } from './configuration.ts';
import { decodeConfChange, encodeConfChange, leaveJoint, type ConfChange } from './confchange.ts';
import type { Core, MessageOf } from './core.ts';
import { noMember, type Entry } from './types.ts';

/**
 * Proposals. What is `accepted` is in the leader's log, or on its way to the leader once; the core neither
 * repeats a proposal nor sends it anywhere a second time. What is `dropped` is nowhere.
 */
export type ProposeResult = 'accepted' | 'dropped';

type ProposedEntry = Pick<Entry, 'type' | 'data'>;

export function propose(core: Core, entries: readonly ProposedEntry[]): ProposeResult {
  if (entries.length === 0) return 'accepted';
  if (core.state === 'leader') return proposeAsLeader(core, entries);
  if (core.lead === noMember || core.gone.isKnown) return 'dropped';
  forward(core, entries);
  return 'accepted';
}

/** In messages of the size that appends have, too: what one turn gathers can be more than a link takes at once. */
function forward(core: Core, entries: readonly ProposedEntry[]): void {
  const { id: from, lead: to, config } = core;
  let part: ProposedEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (part.length > 0 && bytes + entry.data.length > config.maxSizePerMsgBytes) {
      core.send({ type: 'MsgProp', from, to, term: 0, entries: part });
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += entry.data.length;
  }
  core.send({ type: 'MsgProp', from, to, term: 0, entries: part });
}

/** A forwarded proposal that finds no leader here is not passed on: it could travel in circles. */
export function handleProposal(core: Core, message: MessageOf<'MsgProp'>): void {
  if (core.state === 'leader') proposeAsLeader(core, message.entries);
}

export function proposeConfChange(core: Core, change: ConfChange): ProposeResult {
  return propose(core, [{ type: 'confChange', data: encodeConfChange(change) }]);
}

function proposeAsLeader(core: Core, entries: readonly ProposedEntry[]): ProposeResult {
  if (core.leadTransferee !== noMember || core.leavingIndex > 0) return 'dropped';
  if (!mayChangeConfiguration(core, entries)) return 'dropped';
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  if (
    core.uncommittedBytes > 0 &&
    core.uncommittedBytes + bytes > core.config.maxUncommittedBytes
  ) {
    return 'dropped';
  }
  core.uncommittedBytes += bytes;
  appendAsLeader(core, entries);
  return 'accepted';
}

/**
 * At most one configuration entry at a time, proposed when the one before has been applied (section 4.1; I10),
 * and only one that can be applied to the configuration it will find.
 */
function mayChangeConfiguration(core: Core, entries: readonly ProposedEntry[]): boolean {
  let found = 0;
  for (const entry of entries) {
    if (entry.type !== 'confChange') continue;
    found++;
    if (found > 1 || core.pendingConfIndex > core.log.applied) return false;
    const change = maybeDecode(entry.data);
    if (change === undefined || 'refused' in nextConfState(core.tracker.conf, change)) return false;
  }
  return true;
}

/** A follower of another version may propose what this leader does not know: it is refused, not fatal. */
function maybeDecode(data: Bytes): ConfChange | undefined {
  try {
    return decodeConfChange(data);
  } catch {
    return undefined;
  }
}

/** A leader's log only grows (I2). Its own copy counts when the write completes, like any follower's does. */
export function appendAsLeader(core: Core, proposed: readonly ProposedEntry[]): void {
  let index = core.log.lastIndex();
  const entries: Entry[] = [];
  for (const { type, data } of proposed) {
    index++;
    if (type === 'confChange') core.pendingConfIndex = index;
    entries.push({ term: core.term, index, type, data });
  }
  core.log.append(entries);
  core.isBroadcastDue = true;
}

/** The empty entry with which a leader begins its term (section 6.4, step 1). */
export function appendNoOp(core: Core): void {
  appendAsLeader(core, [{ type: 'normal', data: emptyBytes }]);
  // Whatever configuration entry is in the log stands before this one.
  core.pendingConfIndex = core.log.lastIndex();
}

/** A joint configuration that leaves itself does so when the leader has applied it. */
export function maybeLeaveJoint(core: Core): void {
  const { conf } = core.tracker;
  if (core.state !== 'leader' || !isJoint(conf) || !conf.autoLeave) return;
  if (core.pendingConfIndex > core.log.applied || core.leadTransferee !== noMember) return;
  const data: Bytes = encodeConfChange(leaveJoint);
  appendAsLeader(core, [{ type: 'confChange', data }]);
}
