import { setTimeout as sleep } from 'node:timers/promises';
import { mustGet } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { Random } from '../../src/base/random.ts';
import type { Bootstrap } from '../../src/embed/bootstrap.ts';
import { randomNonce } from '../../src/host/random.ts';
import type { SnapshotSource } from '../../src/peer/types.ts';
import type { Entry, MemberId, Message, SnapshotMeta } from '../../src/raft/types.ts';
import { CommandKind, CommandOrigin } from '../../src/wire/command.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import type { RealMember } from '../peer/real-member.ts';
import { PeerHistory } from './peer-history.ts';
import type { Picture } from './peer-history.ts';

/** The other two members of three, played by a script: they lead in turn, and hear what the follower acknowledges. */

const ackTimeoutMs = 120_000;
/** A link may have come to an end, and what was on its way with it: a leader sends it again. */
const resendAfterMs = 3_000;
const keysCount = 30;
const largeBytes = 100_000;
const floodEntries = 14;
const floodBytes = 700_000;

export class FakeLeader {
  readonly history = new PeerHistory();
  private readonly peers: readonly RealMember[];
  private readonly followerId: MemberId;
  private readonly random: Random;
  private readonly now: () => number;
  private readonly origin = new CommandOrigin(1n, randomNonce());
  private picture: Picture;
  private leader: RealMember;
  private sequence = 0;
  /** Sent and perhaps not taken up yet, in order; by one leader in one term. */
  private underway: Message[] = [];

  constructor(parts: {
    readonly peers: readonly RealMember[];
    readonly bootstrap: Bootstrap;
    readonly random: Random;
    /** The trace's length. */
    readonly now: () => number;
  }) {
    this.peers = parts.peers;
    this.followerId = parts.bootstrap.memberId;
    this.random = parts.random;
    this.now = parts.now;
    this.leader = mustGet(parts.peers[0], 'there are two peers');
    const { entries, hardState } = parts.bootstrap;
    for (const entry of entries) this.history.know(entry, false);
    this.picture = {
      term: hardState.term,
      vote: 0n,
      terms: [0, ...entries.map(({ term }) => term)],
      last: entries.length,
      start: 0,
      commit: entries.length,
    };
    for (const peer of parts.peers) {
      peer.events.onReceived = (messages) => messages.forEach((message) => this.heard(message));
    }
  }

  get last(): number {
    return this.picture.last;
  }

  private heard(message: Message): void {
    const at = this.now();
    const { term } = message;
    if (message.type === 'MsgAppResp' && !message.reject) {
      const { index } = message;
      this.history.acked(at, (picture) => picture.term === term && picture.last <= index);
    }
    if (message.type === 'MsgVoteResp' && !message.reject) {
      this.history.acked(at, (picture) => picture.term === term && picture.vote !== 0n);
    }
  }

  /** Waits until the follower is linked to both. */
  async linked(): Promise<void> {
    await this.until('a link', () =>
      this.peers.every((peer) => peer.transport.connectedPeers().has(this.followerId)),
    );
  }

  async allAcked(): Promise<void> {
    await this.until('an acknowledgement', () => this.history.isAllAcked);
    this.underway = [];
  }

  private async until(what: string, isSo: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + ackTimeoutMs;
    let resendAtMs = performance.now() + resendAfterMs;
    while (!isSo()) {
      if (performance.now() > resendAtMs) {
        resendAtMs = performance.now() + resendAfterMs;
        this.leader.transport.send(this.underway);
      }
      if (performance.now() > deadlineMs) {
        const picture = JSON.stringify({
          ...this.picture,
          terms: [],
          vote: `${this.picture.vote}`,
        });
        throw new Error(`${what} of the follower does not come: ${picture}`);
      }
      await sleep(2);
    }
  }

  private send(what: string, picture: Picture, message: Message): void {
    this.picture = picture;
    this.history.sent(what, this.now(), picture);
    this.underway.push(message);
    this.leader.transport.send([message]);
  }

  private envelope(term: number): Pick<Message, 'from' | 'to' | 'term'> {
    return { from: this.leader.id, to: this.followerId, term };
  }

  /** The other one asks for the follower's vote, and has it when this is acknowledged. */
  async elect(): Promise<void> {
    await this.allAcked();
    this.leader = mustGet(this.peers[this.random.below(2)], 'there are two peers');
    const { last: index, terms } = this.picture;
    const term = this.picture.term + 1 + this.random.below(2);
    const logTerm = mustGet(terms[index], 'the last entry has a term');
    const vote = this.leader.id;
    const message = { ...this.envelope(term), index, logTerm, isTransfer: true };
    this.send(
      `a vote in term ${term}`,
      { ...this.picture, term, vote },
      {
        type: 'MsgVote',
        ...message,
      },
    );
    await this.allAcked();
  }

  /** Somebody leads in a later term without this follower's vote. */
  async follow(): Promise<void> {
    await this.allAcked();
    this.leader = mustGet(this.peers[this.random.below(2)], 'there are two peers');
    const term = this.picture.term + 1;
    const { commit } = this.picture;
    this.send(
      `the news of term ${term}`,
      { ...this.picture, term, vote: 0n },
      {
        type: 'MsgHeartbeat',
        ...this.envelope(term),
        commit,
        readSequence: 0,
      },
    );
    // The answer to a heartbeat promises no term (go.etcd.io/raft: it does not wait for the disk); entries do.
    this.append(1);
    await this.allAcked();
  }

  /** Entries behind index `after`, in place of what the follower has there. */
  append(count: number, after = this.picture.last, valueBytes?: number): void {
    const { term } = this.picture;
    const logTerm = mustGet(this.picture.terms[after], 'the entry before an append is known');
    const entries = Array.from({ length: count }, (_, i) => this.entry(after + 1 + i, valueBytes));
    const terms = [...this.picture.terms.slice(0, after + 1), ...entries.map(() => term)];
    const last = after + count;
    const what = `entries ${after + 1} to ${last} of term ${term}`;
    this.send(
      what,
      { ...this.picture, terms, last },
      {
        type: 'MsgApp',
        ...this.envelope(term),
        index: after,
        logTerm,
        entries,
        isNotice: false,
        commit: this.picture.commit,
      },
    );
  }

  /** More than LevelDB's write buffer holds, one entry a message. */
  async flood(): Promise<void> {
    for (let left = floodEntries; left > 0; left--) {
      this.append(1, this.picture.last, floodBytes);
      await this.allAcked();
    }
  }

  /** A new leader replaces some of what no quorum has. */
  async replace(): Promise<void> {
    await this.elect();
    const { commit, last } = this.picture;
    this.append(1 + this.random.below(4), commit + this.random.below(last - commit + 1));
  }

  /** Entries up to here are committed; the next message says so. */
  async commit(): Promise<void> {
    await this.allAcked();
    const { last, commit } = this.picture;
    this.picture = { ...this.picture, commit: commit + this.random.below(last - commit + 1) };
    this.append(1);
    await this.allAcked();
  }

  /** The follower's log is replaced by an image of the store. */
  async sendSnapshot(
    snapshot: SnapshotMeta,
    source: SnapshotSource,
    terms: readonly number[],
  ): Promise<void> {
    await this.allAcked();
    const { index } = snapshot;
    const picture = { ...this.picture, start: index, last: index, commit: index, terms };
    this.picture = picture;
    this.history.sent(`a snapshot at index ${index}`, this.now(), picture);
    const message = { type: 'MsgSnap', ...this.envelope(picture.term), snapshot } as const;
    this.leader.transport.sendSnapshot(message, source);
    await this.allAcked();
  }

  private entry(index: number, valueBytes: number | undefined): Entry {
    const number = ++this.sequence;
    const drawn = this.random.below(6) === 0 ? this.random.below(largeBytes) : 20;
    const length = valueBytes ?? drawn;
    const key = utf8(`key-${this.random.below(keysCount)}`);
    const value = utf8(`${number}:`.padEnd(length, `${number % 7}`));
    const request = PutRequest.encode({ key, value });
    const data = this.origin.encode(CommandKind.put, number, request);
    const entry: Entry = { term: this.picture.term, index, type: 'normal', data };
    this.history.know(entry, true);
    return entry;
  }
}
