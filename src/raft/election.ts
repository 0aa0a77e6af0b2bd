import { assert } from '../base/assert.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import type { Core, MessageOf } from './core.ts';
import { noMember, type MemberId } from './types.ts';

/** Elections (section 3.4), with PreVote (9.6) and the leader's lease that CheckQuorum gives (6.2, 4.2.3). */

/** Whether this member could be elected: a voter of the applied configuration, with its log in place. */
export function isPromotable(core: Core): boolean {
  return core.tracker.isSelfVoter && !core.log.hasPendingSnapshot;
}

/**
 * Begins an election if this member may. It may not while a configuration entry at or below its commit index
 * is unapplied, whoever asks: it could be elected by voters that are none any more (reliability.md row 25).
 */
export function campaign(core: Core, kind: 'election' | 'transfer'): void {
  if (core.state === 'leader' || !isPromotable(core)) return;
  if (core.log.hasUnappliedConfChange(core.config.maxCommittedBytesPerReady)) return;
  if (core.config.preVote && kind === 'election') preCampaign(core);
  else stand(core, kind === 'transfer');
}

/** Early, because the leader is gone: always by pre-votes, whatever is configured, and once a term. */
export function campaignForGone(core: Core): void {
  if (core.log.hasUnappliedConfChange(core.config.maxCommittedBytesPerReady)) return;
  core.gone.campaignTerm = core.term;
  preCampaign(core);
}

function preCampaign(core: Core): void {
  becomePreCandidate(core);
  requestVotes(core, 'MsgPreVote', core.term + 1, false);
  // A pre-vote promises nothing, so the own one counts at once.
  recordVote(core, core.id, true);
}

/** The own vote counts, like any promise does, when it is on disk (persist.ts). */
function stand(core: Core, isTransfer: boolean): void {
  becomeCandidate(core);
  requestVotes(core, 'MsgVote', core.term, isTransfer);
}

function requestVotes(
  core: Core,
  type: 'MsgVote' | 'MsgPreVote',
  term: number,
  isTransfer: boolean,
): void {
  const index = core.log.lastIndex();
  const logTerm = core.log.lastTerm();
  for (const peer of core.tracker.peers) {
    if (peer.isLearner) continue;
    core.send({ type, from: core.id, to: peer.id, term, index, logTerm, isTransfer });
  }
}

export function recordVote(core: Core, from: MemberId, isGranted: boolean): void {
  const result = core.tracker.recordVote(from, isGranted);
  if (result === 'lost') becomeFollower(core, core.term, noMember);
  else if (result === 'won') {
    if (core.state === 'preCandidate') stand(core, false);
    else becomeLeader(core);
  }
}

/**
 * Whether a live leader was heard from within the minimum election timeout, or is this member (4.2.3). One whose
 * process has ended is not worth waiting for (gone-leader.ts).
 */
export function isWithinLease(core: Core): boolean {
  const { checkQuorum, electionTicks } = core.config;
  if (core.gone.isKnown) return false;
  return checkQuorum && core.lead !== noMember && core.electionElapsed < electionTicks;
}

/**
 * A voter that is no member any more, or only a learner, may hold more than any candidate and never stand. It
 * need not: what it knows to be committed may be the entry that lets the others do without its vote.
 */
export function learnCommitted(core: Core, commit: number, term: number): void {
  const { log } = core;
  if (core.state === 'leader' || !log.matches(commit, term)) return;
  log.commitTo(commit);
  const mayNotStand = log.hasUnappliedConfChange(core.config.maxCommittedBytesPerReady);
  if (core.state !== 'follower' && mayNotStand) becomeFollower(core, core.term, noMember);
}

export function answerVoteRequest(
  core: Core,
  request: MessageOf<'MsgVote' | 'MsgPreVote'>,
  term: number,
  isGranted: boolean,
): void {
  const commit = core.log.committed;
  core.send({
    type: request.type === 'MsgPreVote' ? 'MsgPreVoteResp' : 'MsgVoteResp',
    from: core.id,
    to: request.from,
    term,
    reject: !isGranted,
    commit,
    logTerm: core.log.term(commit) ?? 0,
  });
}

/**
 * Answers MsgVote and MsgPreVote; the term rules of step.ts have been applied. Learners answer too: one that
 * was made a voter may not have applied that yet, and its vote may be needed.
 */
export function handleVoteRequest(core: Core, message: MessageOf<'MsgVote' | 'MsgPreVote'>): void {
  const { from, term, type } = message;
  const isPreVote = type === 'MsgPreVote';
  const isFree =
    core.vote === from ||
    (core.vote === noMember && core.lead === noMember) ||
    (isPreVote && term > core.term);
  const isGranted = isFree && core.log.isUpToDate(message.index, message.logTerm);
  // A granted pre-vote answers in the term asked for, which is not ours yet.
  answerVoteRequest(core, message, isGranted ? term : core.term, isGranted);
  if (isPreVote || !isGranted) return;
  assert(term === core.term, 'a vote is given in the own term');
  assert(core.vote === noMember || core.vote === from, 'one vote a term (I7)');
  core.vote = from;
  core.electionElapsed = 0;
}
