import { unreachable } from '../base/assert.ts';
import { hex, textOf, type Bytes } from '../base/bytes.ts';
import { decodeConfChange, isLeaveJoint, type ConfChange } from './confchange.ts';
import { isJoint } from './configuration.ts';
import type { PeerStatus } from './status.ts';
import type {
  ConfState,
  Entry,
  HardState,
  MemberId,
  Message,
  Ready,
  SnapshotMeta,
} from './types.ts';

/** Raft's values as text, for logs and transcripts. Member ids are hexadecimal, as etcd prints them. */

export function describeId(id: MemberId): string {
  return id.toString(16);
}

function describeIds(ids: readonly MemberId[]): string {
  return `(${ids.map(describeId).join(' ')})`;
}

/** `voters=(1 2 3)`, and `voters=(1)&&(1 2 3)` while joint. */
export function describeConfState(conf: ConfState): string {
  let text = `voters=${describeIds(conf.voters)}`;
  if (isJoint(conf)) text += `&&${describeIds(conf.votersOutgoing)}`;
  if (conf.learners.length > 0) text += ` learners=${describeIds(conf.learners)}`;
  if (conf.learnersNext.length > 0) text += ` learnersNext=${describeIds(conf.learnersNext)}`;
  if (conf.autoLeave) text += ' autoLeave';
  return text;
}

export function describeConfChange(change: ConfChange): string {
  if (isLeaveJoint(change)) return 'leaveJoint';
  const changes = change.changes.map(({ type, memberId }) => `${type}(${describeId(memberId)})`);
  const how = change.transition === 'auto' ? [] : [change.transition];
  return [...how, ...changes].join(' ');
}

/** `1/3 "x"`: term, index, data. */
export function describeEntry(entry: Entry): string {
  const data =
    entry.type === 'confChange'
      ? describeConfChange(decodeConfChange(entry.data))
      : describeData(entry.data);
  return `${entry.term}/${entry.index} ${data}`;
}

const shownBytesMax = 64;

function describeData(data: Bytes): string {
  if (data.length > shownBytesMax) return `<${data.length} bytes>`;
  const isText = data.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? JSON.stringify(textOf(data)) : `0x${hex(data)}`;
}

function describeEntries(entries: readonly Entry[]): string {
  return `[${entries.map(describeEntry).join(', ')}]`;
}

export function describeHardState({ term, vote, commit }: HardState): string {
  return `term=${term} vote=${describeId(vote)} commit=${commit}`;
}

export function describeSnapshot({ index, term, confState }: SnapshotMeta): string {
  return `${term}/${index} ${describeConfState(confState)}`;
}

/** `1->2 MsgApp term=1 log=1/3 commit=3 entries=[...]`. */
export function describeMessage(message: Message): string {
  const { from, to, term, type } = message;
  const carried = term === 0 ? '' : ` term=${term}`;
  const rest = describePayload(message);
  const head = `${describeId(from)}->${describeId(to)} ${type}${carried}`;
  return rest === '' ? head : `${head} ${rest}`;
}

function describePayload(message: Message): string {
  switch (message.type) {
    case 'MsgProp':
      return `[${message.entries
        .map((entry) =>
          entry.type === 'normal'
            ? describeData(entry.data)
            : describeConfChange(decodeConfChange(entry.data)),
        )
        .join(', ')}]`;
    case 'MsgApp': {
      const { logTerm, index, commit, entries, isNotice } = message;
      const carried = entries.length === 0 ? '' : ` entries=${describeEntries(entries)}`;
      return `log=${logTerm}/${index} commit=${commit}${carried}${isNotice ? ' notice' : ''}`;
    }
    case 'MsgAppResp': {
      const { index, reject, rejectHint, logTerm } = message;
      return reject ? `index=${index} rejected hint=${logTerm}/${rejectHint}` : `index=${index}`;
    }
    case 'MsgVote':
    case 'MsgPreVote':
      return `log=${message.logTerm}/${message.index}${message.isTransfer ? ' transfer' : ''}`;
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return `${message.reject ? 'rejected' : 'granted'} commit=${message.logTerm}/${message.commit}`;
    case 'MsgSnap':
      return `snapshot=${describeSnapshot(message.snapshot)}`;
    case 'MsgHeartbeat':
      return `commit=${message.commit}${describeRead(message.readSequence)}`;
    case 'MsgHeartbeatResp':
      return describeRead(message.readSequence).trimStart();
    case 'MsgReadIndex':
      return `context=${message.context}`;
    case 'MsgReadIndexResp':
      return `context=${message.context} index=${message.index}`;
    case 'MsgTransferLeader':
      return `to=${describeId(message.transferee)}`;
    case 'MsgTimeoutNow':
      return '';
    default:
      return unreachable(message);
  }
}

function describeRead(sequence: number): string {
  return sequence === 0 ? '' : ` read=${sequence}`;
}

/** One line for each part of a Ready that has something. */
export function describeReady(ready: Ready): readonly string[] {
  const lines: string[] = [];
  const { softState, hardState, snapshot } = ready;
  if (softState !== undefined) {
    lines.push(`lead=${describeId(softState.lead)} state=${softState.state}`);
  }
  if (hardState !== undefined) lines.push(`hardState ${describeHardState(hardState)}`);
  if (snapshot !== undefined) lines.push(`snapshot ${describeSnapshot(snapshot)}`);
  if (ready.entries.length > 0) lines.push(`entries ${describeEntries(ready.entries)}`);
  if (ready.committedEntries.length > 0) {
    lines.push(`committed ${describeEntries(ready.committedEntries)}`);
  }
  for (const { context, index } of ready.readStates) lines.push(`read ${context} index=${index}`);
  for (const context of ready.droppedReads) lines.push(`read ${context} dropped`);
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  for (const message of ready.messagesAfterAppend) {
    lines.push(`after append ${describeMessage(message)}`);
  }
  return lines;
}

/** `2: replicate match=3 next=4 paused inflight=1`. */
export function describeProgress(peer: PeerStatus): string {
  let text = `${describeId(peer.id)}: ${peer.state} match=${peer.match} next=${peer.next}`;
  if (peer.isLearner) text += ' learner';
  if (peer.isPaused) text += ' paused';
  if (peer.pendingSnapshot > 0) text += ` pendingSnapshot=${peer.pendingSnapshot}`;
  if (!peer.isRecentlyActive) text += ' inactive';
  if (peer.inflight > 0) text += ` inflight=${peer.inflight}`;
  return text;
}
