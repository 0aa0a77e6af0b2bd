import { emptyBytes, utf8 } from '../../../src/base/bytes.ts';
import { emptyConfState } from '../../../src/raft/configuration.ts';
import { noMember, type Entry, type MemberId, type Message } from '../../../src/raft/types.ts';
import { testConfig, TestMember } from './member.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { MessageOf } from '../../../src/raft/core.ts';

/** One member in a state of the test's choosing, and messages to it that say only what matters. */

export interface LoneStart {
  readonly voters?: readonly MemberId[];
  readonly learners?: readonly MemberId[];
  /** Terms of the entries on disk, from index 1 on. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly vote?: MemberId;
  readonly commit?: number;
  readonly config?: Partial<RaftConfig>;
}

/** Member 1, a follower of nobody, with timeouts of exactly `electionTicks`. */
export function loneMember(start: LoneStart = {}): TestMember {
  const { voters = [1n, 2n, 3n], learners = [], log = [], commit = 0 } = start;
  const confState = { ...emptyConfState, voters, learners };
  const config = testConfig(1n, { random: { below: () => 0 }, ...start.config });
  const store = { applied: 0, appliedTerm: 0, confState, texts: [] };
  const member = new TestMember(config, store);
  const term = start.term ?? Math.max(0, ...log);
  member.log.append({ term, vote: start.vote ?? noMember, commit }, entriesOf(log));
  member.restart();
  return member;
}

/** Entries of these terms, from `firstIndex` on; each one's text is its term and index. */
export function entriesOf(terms: readonly number[], firstIndex = 1): Entry[] {
  return terms.map((term, i) => ({
    term,
    index: firstIndex + i,
    type: 'normal',
    data: utf8(`${term}/${firstIndex + i}`),
  }));
}

/** Made leader by the votes of every other voter; its first entry is written, and what it sent forgotten. */
export function loneLeader(start: LoneStart = {}): TestMember {
  const member = loneMember({ ...start, config: { preVote: false, ...start.config } });
  const { raft } = member;
  raft.campaign();
  member.settle();
  for (const id of raft.confState.voters) {
    if (id !== 1n && raft.state !== 'leader') raft.step(voteResp(id, raft.term));
  }
  member.settle();
  member.outbox = [];
  return member;
}

/** What has left the member since the last time, after everything is written and applied. */
export function said(member: TestMember): readonly Message[] {
  member.settle();
  return member.outbox.splice(0);
}

export function saidOf<Type extends Message['type']>(
  member: TestMember,
  type: Type,
): readonly MessageOf<Type>[] {
  return said(member).filter((message): message is MessageOf<Type> => message.type === type);
}

export function vote(
  from: MemberId,
  term: number,
  log: { readonly index: number; readonly logTerm: number },
): Message {
  return { type: 'MsgVote', from, to: 1n, term, ...log, isTransfer: false };
}

export function preVote(
  from: MemberId,
  term: number,
  log: { readonly index: number; readonly logTerm: number },
): Message {
  return { type: 'MsgPreVote', from, to: 1n, term, ...log, isTransfer: false };
}

export function voteResp(from: MemberId, term: number, reject = false): Message {
  return { type: 'MsgVoteResp', from, to: 1n, term, reject, commit: 0, logTerm: 0 };
}

export function preVoteResp(from: MemberId, term: number, reject = false): Message {
  return { type: 'MsgPreVoteResp', from, to: 1n, term, reject, commit: 0, logTerm: 0 };
}

export function append(
  from: MemberId,
  term: number,
  what: {
    readonly index?: number;
    readonly logTerm?: number;
    readonly entries?: readonly Entry[];
    readonly commit?: number;
    readonly isNotice?: boolean;
  } = {},
): Message {
  const { index = 0, logTerm = 0, entries = [], commit = 0, isNotice = false } = what;
  return { type: 'MsgApp', from, to: 1n, term, index, logTerm, entries, commit, isNotice };
}

export function appendResp(from: MemberId, term: number, index: number): Message {
  return {
    type: 'MsgAppResp',
    from,
    to: 1n,
    term,
    index,
    reject: false,
    rejectHint: 0,
    logTerm: 0,
  };
}

export function heartbeat(from: MemberId, term: number, commit = 0): Message {
  return { type: 'MsgHeartbeat', from, to: 1n, term, commit, readSequence: 0 };
}

export function heartbeatResp(from: MemberId, term: number, readSequence = 0): Message {
  return { type: 'MsgHeartbeatResp', from, to: 1n, term, readSequence };
}

export function timeoutNow(from: MemberId, term: number): Message {
  return { type: 'MsgTimeoutNow', from, to: 1n, term };
}

export const noData = emptyBytes;
