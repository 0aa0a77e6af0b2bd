import type { Message } from '../raft/types.ts';
import type { PeerContext } from './context.ts';
import { describeId, type Refusal } from './handshake.ts';
import { Lane } from './lane.ts';
import type { Outcome } from '../wire/errors.ts';
import type { Answer, PeerAddress, Question } from './types.ts';

export interface LinkEvents {
  unreachable(): void;
  refused(refusal: Refusal): void;
  /** The link stood, and does no more; `peerUrl` is where it led. */
  broken(peerUrl: string): void;
}

/**
 * The way to one member: a lane for what is small and urgent, and one for what is large, so that a heartbeat
 * waits for no entry. The bulk lane stands only while the control lane does.
 */
export class Link {
  private readonly context: PeerContext;
  private readonly events: LinkEvents;
  private readonly control: Lane;
  private readonly bulk: Lane;
  private peer: PeerAddress;
  /** Of the data dir that answered last. */
  private answered: bigint | undefined;
  private lastReason = '';

  constructor(context: PeerContext, peer: PeerAddress, events: LinkEvents) {
    this.context = context;
    this.peer = peer;
    this.events = events;
    const dropped = (count: number): void => {
      context.metrics.sendFailed(this.peer.memberId, count);
      events.unreachable();
    };
    this.control = new Lane(context, 'control', peer, {
      opened: ({ incarnation }) => {
        this.answered = incarnation;
        this.lastReason = '';
        this.log('info', 'a peer link is open');
        context.metrics.active(this.peer.memberId, true);
        this.bulk.start();
      },
      lost: (reason, refusal) => {
        context.metrics.active(this.peer.memberId, false);
        this.bulk.stop();
        this.lost('control', reason, refusal);
      },
      broken: (peerUrl) => events.broken(peerUrl),
      dropped,
    });
    this.bulk = new Lane(context, 'bulk', peer, {
      opened: () => undefined,
      lost: (reason, refusal) => this.lost('bulk', reason, refusal),
      // The control lane ends with the process, too.
      broken: () => undefined,
      dropped,
    });
  }

  get address(): PeerAddress {
    return this.peer;
  }

  /** Both sides have accepted one another, and the stream stands. */
  get isOpen(): boolean {
    return this.control.isOpen;
  }

  start(): void {
    this.control.start();
  }

  send(message: Message): void {
    if (isBulk(message)) this.bulk.send(message);
    else this.control.send(message);
  }

  /** Asks by the lane for what must not wait. False: there is no link now, and `done` is not called. */
  ask(question: Question, timeoutMs: number, done: (answer: Outcome<Answer>) => void): boolean {
    return this.control.ask(question, timeoutMs, done);
  }

  /** Where to reach the member, as far as is known. */
  get peerUrl(): string {
    return this.control.peerUrl;
  }

  /** A changed address counts from the next attempt on, unless the data dir that answered proves a wrong one. */
  readdress(peer: PeerAddress): void {
    this.peer = peer;
    this.control.readdress(peer);
    this.bulk.readdress(peer);
    const { incarnation } = peer;
    const isWrong = incarnation !== undefined && incarnation !== (this.answered ?? incarnation);
    if (!isWrong) return this.nudge();
    this.close();
    this.start();
  }

  nudge(): void {
    this.control.nudge();
    this.bulk.nudge();
  }

  close(): void {
    this.control.stop();
    this.bulk.stop();
    this.context.metrics.active(this.peer.memberId, false);
  }

  private lost(lane: string, reason: string, refusal: Refusal | undefined): void {
    this.events.unreachable();
    // A member that is away is tried again and again; each reason is told once. grpc-js adds the time of day.
    const news = `${refusal === undefined ? '' : 'refused: '}${reason.replace(/ \([^)]*\)$/, '')}`;
    if (news === this.lastReason) return;
    this.lastReason = news;
    if (refusal === undefined) this.log('warn', 'a peer link is lost', { lane, reason });
    else {
      this.log('error', 'a peer link was refused', { lane, reason });
      this.events.refused(refusal);
    }
  }

  private log(
    level: 'info' | 'warn' | 'error',
    msg: string,
    fields: Readonly<Record<string, string>> = {},
  ): void {
    const remote = describeId(this.peer.memberId);
    this.context.logger.log(level, msg, { 'remote-peer-id': remote, ...fields });
  }
}

/**
 * Large messages have a lane of their own, and every MsgApp is on it, an empty one too: they must not overtake
 * one another, or the follower would refuse what in order it would take.
 */
function isBulk(message: Message): boolean {
  return message.type === 'MsgApp' || message.type === 'MsgProp';
}
