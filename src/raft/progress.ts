import { assert } from '../base/assert.ts';
import type { Inflights } from './inflights.ts';
import type { MemberId } from './types.ts';

/**
 * How a leader treats a follower (names of go.etcd.io/raft):
 * - `probe`: where the logs agree is not known; one MsgApp at a time.
 * - `replicate`: the logs agree; MsgApps stream within the window, `next` runs ahead of what is acknowledged.
 * - `snapshot`: the follower needs entries that are compacted; nothing is sent until the snapshot is through.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one member of its configuration, itself included. */
export class Progress {
  readonly id: MemberId;
  readonly inflights: Inflights;
  isLearner: boolean;
  state: ProgressState = 'probe';
  /** The highest index known to be durable there and equal to ours. Only grows within a term. */
  match = 0;
  /** The next index to send. Invariant: match < next. */
  next: number;
  /** The highest commit index on its way there. */
  sentCommit = 0;
  /** In `snapshot`: the index of the snapshot asked for. */
  pendingSnapshot = 0;
  /** Heard from since the last quorum check. */
  isRecentlyActive = false;
  /** A probe is out, or the window is full: wait for an answer, at the latest to a heartbeat. */
  isFlowPaused = false;
  /** The newest ReadIndex round it has acknowledged in this term. */
  readAcked = 0;

  constructor(id: MemberId, next: number, inflights: Inflights, isLearner: boolean) {
    this.id = id;
    this.next = next;
    this.inflights = inflights;
    this.isLearner = isLearner;
  }

  /** Back to the beginning of a leader's term. */
  reset(next: number): void {
    this.#enter('probe');
    this.match = 0;
    this.next = next;
    this.sentCommit = 0;
    this.isRecentlyActive = false;
    this.readAcked = 0;
  }

  /** From `snapshot`, on the assumption that the snapshot arrived; set `pendingSnapshot` to 0 before if not. */
  becomeProbe(): void {
    const pending = this.state === 'snapshot' ? this.pendingSnapshot : 0;
    this.#enter('probe');
    this.next = Math.max(this.match, pending) + 1;
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
    this.sentCommit = Math.min(this.sentCommit, this.match);
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.isFlowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.clear();
  }

  get isPaused(): boolean {
    return this.state === 'snapshot' || this.isFlowPaused;
  }

  /** Notes a MsgApp with `count` entries from `next` on. */
  sent(count: number, sizeBytes: number, commit: number): void {
    assert(this.state !== 'snapshot', 'no append is sent while a snapshot is pending');
    if (this.state === 'probe') this.isFlowPaused = true;
    else {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, sizeBytes);
      }
      this.isFlowPaused = this.inflights.isFull;
    }
    this.sentCommit = commit;
  }

  /** Whether news of `commit` would move the follower's commit index, which ends at what it was sent. */
  canAdvanceCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** Takes an acknowledgement of `index`; false when it is old news. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isFlowPaused = false;
    return true;
  }

  /**
   * Takes the rejection of a MsgApp after `rejected`; the logs may agree at `hint`. False when the rejection
   * is stale: it speaks of an index that has been acknowledged since, or not of the probe that is out.
   */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.isFlowPaused = false;
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    return true;
  }
}
