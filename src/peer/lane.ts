import type { Timer } from '../base/clock.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Message } from '../raft/types.ts';
import { errors, type Outcome } from '../wire/errors.ts';
import type { PeerContext } from './context.ts';
import type { Refusal } from './handshake.ts';
import {
  encodeBatch,
  MessagesReply,
  MessagesRequest,
  messagesPath,
  type HelloReply,
} from './messages.ts';
import { Opening } from './opening.ts';
import { OpenQuestions } from './questions.ts';
import type { Answer, PeerAddress, PeerIdentity, Question } from './types.ts';

export interface LaneEvents {
  /** `answer` is who the other side has shown itself to be. */
  opened(answer: PeerIdentity): void;
  /** The stream that was open, or was being opened, is gone; another attempt follows by itself. */
  lost(reason: string, refusal: Refusal | undefined): void;
  /** The stream that is gone was open, at this URL. Told before `lost`. */
  broken(peerUrl: string): void;
  /** Messages that will not arrive. */
  dropped(count: number): void;
}

/** Counted for each message and entry beside its data: about what a message costs in memory. */
const messageBytes = 96;

/**
 * One of the two ways to a member: a queue in front of a stream that comes back by itself. What is sent while
 * a stream is being opened waits for it; what is sent in the pause between two attempts is dropped, and Raft
 * repeats what it still needs.
 */
export class Lane {
  private readonly context: PeerContext;
  private readonly name: 'control' | 'bulk';
  private readonly events: LaneEvents;
  private peer: PeerAddress;
  private opening: Opening | undefined;
  private retryTimer: Timer | undefined;
  private pingTimer: Timer | undefined;
  private failures = 0;
  private hasOpened = false;
  private urlIndex = 0;
  private readonly questions: OpenQuestions;
  private queue: Message[] = [];
  private queueBytes = 0;
  private isFlushDue = false;
  private isFull = false;
  private pingSequence = 0;
  private pongSequence = 0;
  private pingSentMs = 0;

  constructor(
    context: PeerContext,
    name: 'control' | 'bulk',
    peer: PeerAddress,
    events: LaneEvents,
  ) {
    this.context = context;
    this.name = name;
    this.peer = peer;
    this.events = events;
    this.questions = new OpenQuestions(context.scheduler);
  }

  get isOpen(): boolean {
    return this.opening?.isOpen ?? false;
  }

  /** The peer URL that the next attempt goes to: the one that answered last, if one did. */
  get peerUrl(): string {
    const { peerUrls } = this.peer;
    return peerUrls[this.urlIndex % Math.max(1, peerUrls.length)] ?? '';
  }

  /** Connects, and from then on keeps connected. */
  start(): void {
    if (this.opening === undefined && this.retryTimer === undefined) this.connect();
  }

  /** Ends the stream and tries no more until `start`. What waits is dropped without an event. */
  stop(): void {
    this.retryTimer?.cancel();
    this.retryTimer = undefined;
    this.pingTimer?.cancel();
    this.opening?.close();
    this.opening = undefined;
    this.clearQueue();
    this.questions.failAll(errors.timeoutConnectionLost);
  }

  /** Uses a changed address from the next attempt on. */
  readdress(peer: PeerAddress): void {
    this.peer = peer;
  }

  /** Connects now rather than at the end of a pause: there is reason to believe that it will work. */
  nudge(): void {
    if (this.retryTimer === undefined) return;
    this.retryTimer.cancel();
    this.connect();
  }

  send(message: Message): void {
    const { limits, scheduler } = this.context;
    const sizeBytes = sizeOf(message);
    const isTooMuch =
      this.queue.length >= limits.queueMessagesMax ||
      (this.queue.length > 0 && this.queueBytes + sizeBytes > limits.queueBytesMax);
    if (this.opening === undefined || isTooMuch) return this.events.dropped(1);
    this.queue.push(message);
    this.queueBytes += sizeBytes;
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    scheduler.endOfTurn(() => {
      this.isFlushDue = false;
      this.flush();
    });
  }

  /** Sends what is asked; false when there is no link now, and then `done` is not called. */
  ask(question: Question, timeoutMs: number, done: (answer: Outcome<Answer>) => void): boolean {
    if (!this.isOpen) return false;
    const frame = this.questions.maybeAsk(question, timeoutMs, done);
    if (frame !== undefined) this.sendFrame(frame);
    return frame !== undefined;
  }

  private connect(): void {
    this.retryTimer = undefined;
    this.hasOpened = false;
    const opening = new Opening({
      context: this.context,
      peer: this.peer,
      peerUrl: this.peerUrl,
      lane: this.name,
      path: messagesPath,
      wrapHello: (value) => MessagesRequest.encode({ request: { case: 'hello', value } }),
      unwrapHello,
      events: {
        opened: (answer) => this.opened(answer),
        replied: (message) => this.replied(message),
        drained: () => {
          this.isFull = false;
          this.flush();
        },
        ended: (reason, refusal) => this.ended(reason, refusal),
      },
    });
    this.opening = opening;
    opening.connect();
  }

  private opened(answer: PeerIdentity): void {
    this.failures = 0;
    this.hasOpened = true;
    this.isFull = false;
    this.context.heard(this.peer.memberId);
    this.pongSequence = this.pingSequence;
    this.ping();
    this.events.opened(answer);
    this.flush();
  }

  private ended(reason: string, refusal: Refusal | undefined): void {
    const dropped = this.queue.length;
    this.stop();
    if (this.hasOpened && refusal === undefined) this.events.broken(this.peerUrl);
    this.urlIndex++;
    const delayMs = this.pauseMs(refusal !== undefined);
    this.retryTimer = this.context.scheduler.after(delayMs, () => this.connect());
    if (dropped > 0) this.events.dropped(dropped);
    this.events.lost(reason, refusal);
  }

  /** Grows from attempt to attempt; half of it is left to chance, so that members do not move in step. */
  private pauseMs(isRefused: boolean): number {
    const { limits, random } = this.context;
    const growth = isRefused ? Number.POSITIVE_INFINITY : 2 ** Math.min(30, this.failures++);
    const boundMs = Math.min(limits.reconnectMaxMs, limits.reconnectMinMs * growth);
    return boundMs / 2 + random.below(Math.max(1, Math.ceil(boundMs / 2)));
  }

  private flush(): void {
    while (this.queue.length > 0 && !this.isFull && this.isOpen) {
      const batch = this.takeBatch();
      const frame = encodeBatch(batch);
      this.context.metrics.sent(this.peer.memberId, frame.length);
      this.isFull = !this.sendFrame(frame);
    }
  }

  private takeBatch(): readonly Message[] {
    const { frameBytes } = this.context.limits;
    let sizeBytes = 0;
    let count = 0;
    while (count < this.queue.length && sizeBytes < frameBytes) {
      sizeBytes += sizeOf(this.queue[count++] as Message);
    }
    this.queueBytes -= sizeBytes;
    assert(this.queueBytes >= 0, 'the queue of a lane holds less than nothing');
    return this.queue.splice(0, count);
  }

  private clearQueue(): void {
    this.queue = [];
    this.queueBytes = 0;
  }

  private sendFrame(frame: Bytes): boolean {
    return this.opening?.send(frame) ?? true;
  }

  private replied(message: Bytes): void {
    const { reply } = MessagesReply.decode(message);
    this.context.heard(this.peer.memberId);
    if (reply?.case === 'answer') this.questions.answered(reply.value);
    if (reply?.case !== 'pong') return;
    const { scheduler, metrics } = this.context;
    if (reply.value.sequence !== this.pingSequence || this.isAnswered) return;
    this.pongSequence = this.pingSequence;
    if (this.name === 'control') {
      metrics.roundTrip(this.peer.memberId, scheduler.nowMs() - this.pingSentMs);
    }
  }

  private get isAnswered(): boolean {
    return this.pongSequence === this.pingSequence;
  }

  /** One ping at a time: the next when the last has been answered, and an end when it never is. */
  private ping(): void {
    const { scheduler, limits } = this.context;
    const { opening } = this;
    if (this.isAnswered) {
      this.pingSentMs = scheduler.nowMs();
      const value = { sequence: ++this.pingSequence };
      this.sendFrame(MessagesRequest.encode({ request: { case: 'ping', value } }));
    }
    this.pingTimer = scheduler.after(limits.pingIntervalMs, () => {
      // A timer may fire late, with the answer waiting unread: that is read first.
      scheduler.endOfTurn(() => {
        if (this.opening !== opening || opening?.isOpen !== true) return;
        const timeoutMs =
          this.name === 'control' ? limits.controlPongTimeoutMs : limits.bulkPongTimeoutMs;
        const waitedMs = scheduler.nowMs() - this.pingSentMs;
        if (this.isAnswered || waitedMs < timeoutMs) return this.ping();
        opening.finish(`a ping was not answered within ${timeoutMs} ms`);
      });
    });
  }
}

function unwrapHello(message: Bytes): HelloReply | undefined {
  const { reply } = MessagesReply.decode(message);
  return reply?.case === 'hello' ? reply.value : undefined;
}

function sizeOf(message: Message): number {
  let sizeBytes = messageBytes;
  if (!('entries' in message)) return sizeBytes;
  for (const { data } of message.entries) sizeBytes += messageBytes + data.length;
  return sizeBytes;
}
