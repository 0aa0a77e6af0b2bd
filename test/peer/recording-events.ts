import type { Bytes } from '../../src/base/bytes.ts';
import type { MemberId, Message, SnapshotMeta } from '../../src/raft/types.ts';
import { errors, failed, type Outcome } from '../../src/wire/errors.ts';
import type {
  Answer,
  PeerAddress,
  PeerIdentity,
  Question,
  SnapshotSink,
  SnapshotSource,
  TransportEvents,
} from '../../src/peer/types.ts';

/** A shell that writes down what its transport tells it. */
export class RecordingEvents implements TransportEvents {
  readonly messages: Message[] = [];
  readonly batches: number[] = [];
  readonly unreachables: MemberId[] = [];
  readonly ends: MemberId[] = [];
  readonly sent: (readonly [MemberId, boolean])[] = [];
  readonly refusals: {
    readonly memberId: MemberId;
    readonly reason: string;
    readonly isFinal: boolean;
  }[] = [];
  readonly offers: {
    readonly from: MemberId;
    readonly snapshot: SnapshotMeta;
    readonly term: number;
  }[] = [];
  sink: SnapshotSink | string = 'no snapshot is expected';
  onReceived: (messages: readonly Message[]) => void = () => undefined;

  received(messages: readonly Message[]): void {
    this.batches.push(messages.length);
    this.messages.push(...messages);
    this.onReceived(messages);
  }

  asked(_from: MemberId, question: Question, answer: (outcome: Outcome<Answer>) => void): void {
    answer(this.answerTo(question));
  }

  /** Set by a test that asks. */
  answerTo: (question: Question) => Outcome<Answer> = () => failed(errors.notCapable);

  unreachable(memberId: MemberId): void {
    this.unreachables.push(memberId);
  }

  gone(memberId: MemberId): void {
    this.ends.push(memberId);
  }

  snapshotSent(memberId: MemberId, isDelivered: boolean): void {
    this.sent.push([memberId, isDelivered]);
  }

  snapshotOffered(from: MemberId, snapshot: SnapshotMeta, term: number): SnapshotSink | string {
    this.offers.push({ from, snapshot, term });
    return this.sink;
  }

  refused(memberId: MemberId, reason: string, isFinal: boolean): void {
    this.refusals.push({ memberId, reason, isFinal });
  }
}

/** Keeps nothing but the size and an order check: byte i of the image is i mod 251. */
export class CountingSink implements SnapshotSink {
  sizeBytes = 0;
  isInOrder = true;
  outcome: 'open' | 'ended' | 'aborted' = 'open';
  refusal: string | undefined;
  private readonly afterWrite: (done: () => void) => void;

  constructor(afterWrite: (done: () => void) => void = (done) => done()) {
    this.afterWrite = afterWrite;
  }

  write(chunk: Bytes, done: () => void): void {
    if (chunk[0] !== this.sizeBytes % 251) this.isInOrder = false;
    this.sizeBytes += chunk.length;
    this.afterWrite(done);
  }

  end(done: (refused: string | undefined) => void): void {
    this.outcome = 'ended';
    done(this.refusal);
  }

  abort(): void {
    this.outcome = 'aborted';
  }
}

/** An image of `sizeBytes` whose byte i is i mod 251. */
export class PatternSource implements SnapshotSource {
  readBytes = 0;
  closes = 0;
  private readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  read(bytesMax: number, next: (chunk: Bytes | undefined) => void): void {
    const length = Math.min(bytesMax, this.sizeBytes - this.readBytes);
    if (length === 0) return next(undefined);
    const chunk = new Uint8Array(length);
    for (let i = 0; i < length; i++) chunk[i] = (this.readBytes + i) % 251;
    this.readBytes += length;
    next(chunk);
  }

  close(): void {
    this.closes++;
  }
}

export const clusterId = 0xc1n;

export function identityOf(memberId: MemberId): PeerIdentity {
  return { clusterId, memberId, incarnation: memberId * 1000n };
}

export function addressOf(memberId: MemberId, ...peerUrls: readonly string[]): PeerAddress {
  return { memberId, peerUrls, incarnation: memberId * 1000n };
}

export function heartbeat(from: MemberId, to: MemberId, commit: number): Message {
  return { type: 'MsgHeartbeat', from, to, term: 1, commit, readSequence: 0 };
}

export function snapshotMessage(
  from: MemberId,
  to: MemberId,
): Message & { readonly type: 'MsgSnap' } {
  const confState = {
    voters: [1n, 2n, 3n],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  return { type: 'MsgSnap', from, to, term: 4, snapshot: { index: 77, term: 3, confState } };
}
