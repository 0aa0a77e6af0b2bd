import type { Scheduler } from '../base/clock.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import type { MemberId } from '../raft/types.ts';
import { errors, type EtcdError, type Outcome } from '../wire/errors.ts';

/** A member's hash, and the newest revision that it had then. */
export interface MemberHash extends KvHash {
  readonly currentRevision: number;
}

/** What one of the other members answered; comparable only at the same revision and compaction. */
export interface PeerHash {
  readonly memberId: MemberId;
  readonly outcome: Outcome<MemberHash>;
}

export interface PeerHashesParts {
  readonly scheduler: Scheduler;
  readonly others: () => readonly MemberId[];
  readonly ask: (
    to: MemberId,
    revision: number,
    timeoutMs: number,
    done: (outcome: Outcome<MemberHash>) => void,
  ) => void;
}

/** A hash over millions of rows takes so long; a member that computes it is not gone. */
const answerTimeoutMs = 30_000;
/** One that cannot be reached, or has not applied the revision yet, is asked again after this. */
const retryMs = 200;

/**
 * Asks all other members for their hash at the revision of `own`. Whoever cannot be reached or is behind is asked
 * again for `patienceMs`; then, as with any other error, what it has is unknown.
 */
export function askForHashes(
  parts: PeerHashesParts,
  own: KvHash,
  patienceMs: number,
  done: (peers: readonly PeerHash[]) => void,
): void {
  const others = parts.others();
  const peers: PeerHash[] = [];
  if (others.length === 0) return done(peers);
  for (const memberId of others) {
    askOne({ parts, own, memberId, untilMs: parts.scheduler.nowMs() + patienceMs }, (outcome) => {
      peers.push({ memberId, outcome });
      if (peers.length === others.length) done(peers);
    });
  }
}

interface Inquiry {
  readonly parts: PeerHashesParts;
  readonly own: KvHash;
  readonly memberId: MemberId;
  readonly untilMs: number;
}

function askOne(inquiry: Inquiry, done: (outcome: Outcome<MemberHash>) => void): void {
  const { parts, own, memberId, untilMs } = inquiry;
  parts.ask(memberId, own.revision, answerTimeoutMs, (outcome) => {
    if (outcome.ok) {
      if (isComparable(own, outcome.value)) return done(outcome);
      return askForNewest(inquiry, outcome, done);
    }
    const isLate = parts.scheduler.nowMs() >= untilMs;
    if (isLate || !mayPass(outcome.error)) return done(outcome);
    parts.scheduler.after(retryMs, () => askOne(inquiry, done));
  });
}

/**
 * A member answers the hash that it kept of a compaction at just this revision, which one that was restarted since
 * has no more. Where nothing was written meanwhile, the hash of what is there now can be compared instead.
 */
function askForNewest(
  { parts, own, memberId }: Inquiry,
  first: Outcome<MemberHash>,
  done: (outcome: Outcome<MemberHash>) => void,
): void {
  parts.ask(memberId, 0, answerTimeoutMs, (outcome) => {
    done(outcome.ok && isComparable(own, outcome.value) ? outcome : first);
  });
}

export function isComparable(a: KvHash, b: KvHash): boolean {
  return a.revision === b.revision && a.compactRevision === b.compactRevision;
}

/** Errors come over the wire too, so they are told by their text. */
function mayPass({ text }: EtcdError): boolean {
  return text === errors.futureRevision.text || text === errors.timeoutConnectionLost.text;
}
