import type { Timer } from '../base/clock.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientStream, GrpcChannel, Status } from '../grpc/types.ts';
import type { PeerContext } from './context.ts';
import { helloTo, judgeAnswer, type Refusal } from './handshake.ts';
import { Lane, type HelloReply, type HelloRequest, type LaneName } from './messages.ts';
import { parsePeerUrl } from './peer-url.ts';
import type { PeerAddress, PeerIdentity } from './types.ts';

/** What becomes of a stream that this member opens to another. */
export interface OpeningEvents {
  /** Both sides have accepted one another. */
  opened(answer: PeerIdentity): void;
  /** A reply after the hello's. Throwing a WireError ends the stream. */
  replied(message: Bytes): void;
  drained(): void;
  /** The stream is over, called once. `refusal` when one side would not have the other. */
  ended(reason: string, refusal: Refusal | undefined): void;
}

export interface OpeningOptions {
  readonly context: PeerContext;
  readonly peer: PeerAddress;
  /** Which of the peer's URLs is tried. */
  readonly peerUrl: string;
  readonly lane: LaneName;
  readonly path: string;
  readonly wrapHello: (hello: HelloRequest) => Bytes;
  /** The hello's answer in a reply; undefined where it is something else. */
  readonly unwrapHello: (reply: Bytes) => HelloReply | undefined;
  readonly events: OpeningEvents;
}

/**
 * A stream to another member, on a connection of its own: it greets, waits for the answer, and then carries
 * whatever its owner sends. A new attempt is a new one of these, so nothing of the old can come late.
 */
export class Opening {
  private readonly options: OpeningOptions;
  private channel: GrpcChannel | undefined;
  private stream: ClientStream | undefined;
  private state: 'greeting' | 'open' | 'over' = 'greeting';
  private readonly handshakeTimer: Timer;

  constructor(options: OpeningOptions) {
    this.options = options;
    const { scheduler, limits } = options.context;
    this.handshakeTimer = scheduler.after(limits.handshakeTimeoutMs, () => {
      this.finish(`no answer to the handshake within ${limits.handshakeTimeoutMs} ms`);
    });
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  connect(): void {
    const { context, peer, peerUrl, lane, path, wrapHello } = this.options;
    const target = parsePeerUrl(peerUrl);
    if (!target.ok) return this.finish(target.reason);
    this.channel = context.openChannel(target.address);
    this.stream = this.channel.stream(
      path,
      {},
      {
        onMessage: (message) => this.receive(message),
        onDrain: () => {
          if (this.state === 'open') this.options.events.drained();
        },
        onEnd: (status) => this.finish(describeEnd(status)),
      },
    );
    const hello = helloTo(peer.memberId, context.identity, context.directory.ownPeerUrls);
    this.stream.send(wrapHello({ ...hello, lane: Lane[lane] }));
  }

  /** False: wait for `drained`. */
  send(message: Bytes): boolean {
    return this.stream?.send(message) ?? true;
  }

  /** Ends it without another event. */
  close(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.handshakeTimer.cancel();
    this.stream?.cancel();
    this.channel?.close();
  }

  finish(reason: string, refusal?: Refusal): void {
    if (this.state === 'over') return;
    this.close();
    this.options.events.ended(reason, refusal);
  }

  private receive(message: Bytes): void {
    if (this.state === 'over') return;
    try {
      if (this.state === 'open') this.options.events.replied(message);
      else this.greet(message);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WireError') throw error;
      this.finish(`malformed reply: ${error.message}`);
    }
  }

  private greet(message: Bytes): void {
    const { context, peer, unwrapHello, events } = this.options;
    const reply = unwrapHello(message);
    if (reply === undefined) return this.finish('the first reply is no hello');
    if (reply.refused !== '') {
      return this.finish(reply.refused, { reason: reply.refused, isFinal: reply.isFinal });
    }
    const mismatch = judgeAnswer(peer, context.identity, reply);
    if (mismatch !== undefined) return this.finish(mismatch, { reason: mismatch, isFinal: false });
    this.state = 'open';
    this.handshakeTimer.cancel();
    events.opened(reply);
  }
}

function describeEnd(status: Status): string {
  return status.text === '' ? `the stream ended with code ${status.code}` : status.text;
}
