import type { Timer } from '../base/clock.ts';
import type { Bytes } from '../base/bytes.ts';
import type { StreamCall, StreamReceiver } from '../grpc/types.ts';
import type { MemberId } from '../raft/types.ts';
import { Code } from '../wire/errors.ts';
import type { PeerContext } from './context.ts';
import { describeId, judgeHello, type Refusal } from './handshake.ts';
import { HelloReply, Lane, type HelloRequest } from './messages.ts';

export interface IncomingOptions {
  readonly context: PeerContext;
  readonly call: StreamCall;
  readonly lanes: readonly number[];
  readonly unwrapHello: (request: Bytes) => HelloRequest | undefined;
  readonly wrapHello: (reply: HelloReply) => Bytes;
  /** The streams that are open, by `keyOf`: a new one from the same member takes the place of the old. */
  readonly open: Map<string, Incoming>;
}

/** Members whose last refusal is remembered. */
const toldMax = 64;

/**
 * A stream that another member opened to this one: nothing is taken before its hello has been accepted, and
 * nothing of a member that has ceased to be welcome.
 */
export abstract class Incoming implements StreamReceiver {
  protected readonly context: PeerContext;
  protected readonly call: StreamCall;
  /** Set once the hello has been accepted. */
  protected from: MemberId = 0n;
  private readonly options: IncomingOptions;
  private hello: HelloRequest | undefined;
  private readonly handshakeTimer: Timer;
  private isOver = false;

  constructor(options: IncomingOptions) {
    this.options = options;
    this.context = options.context;
    this.call = options.call;
    const { scheduler, limits } = options.context;
    this.handshakeTimer = scheduler.after(limits.handshakeTimeoutMs, () => {
      this.end(Code.DeadlineExceeded, 'no hello came in time');
    });
    options.call.onCancelled(() => this.finish());
  }

  /** Something after the hello. A WireError that it throws ends the stream. */
  protected abstract receive(message: Bytes): void;
  /** The caller has ended its side after the hello. */
  protected abstract receiveEnd(): void;
  /** The stream is over, whatever ended it; called once. */
  protected abstract closed(): void;

  protected get isClosed(): boolean {
    return this.isOver;
  }

  /** Its hello has been accepted, and it stands. */
  isFrom(member: MemberId): boolean {
    return !this.isOver && this.hello?.from === member;
  }

  onMessage(message: Bytes): void {
    if (this.isOver) return;
    try {
      if (this.hello === undefined) this.greet(message);
      else {
        this.context.metrics.received(this.from, message.length);
        this.context.heard(this.from);
        this.receive(message);
      }
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WireError') throw error;
      this.log('a peer sent what cannot be read', error.message);
      this.end(Code.InvalidArgument, error.message);
    }
  }

  onHalfClose(): void {
    if (this.isOver) return;
    if (this.hello === undefined) this.end(Code.InvalidArgument, 'no hello came');
    else this.receiveEnd();
  }

  /** Ends the stream if its member is no longer welcome. */
  reconsider(): void {
    if (this.hello === undefined || this.isOver) return;
    const refusal = this.judge(this.hello);
    if (refusal !== undefined) this.refuse(refusal);
  }

  /** Ends the stream with a status. */
  end(code: number, text: string): void {
    if (this.isOver) return;
    this.finish();
    this.call.end({ code, text });
  }

  private greet(message: Bytes): void {
    const { context, options } = this;
    const hello = options.unwrapHello(message);
    if (hello === undefined) return this.end(Code.InvalidArgument, 'the first request is no hello');
    this.from = hello.from;
    if (!options.lanes.includes(hello.lane)) {
      return this.end(Code.InvalidArgument, `lane ${hello.lane} is not served here`);
    }
    const refusal = this.judge(hello);
    if (refusal !== undefined) return this.refuse(refusal);
    this.hello = hello;
    this.context.told.delete(hello.from);
    this.handshakeTimer.cancel();
    const key = keyOf(hello);
    options.open.get(key)?.end(Code.Aborted, 'the member has opened another stream');
    options.open.set(key, this);
    this.reply({ refused: '', isFinal: false });
    context.heard(hello.from);
    if (hello.lane === Lane.control) context.greeted(hello);
  }

  private judge(hello: HelloRequest): Refusal | undefined {
    return judgeHello(this.context.identity, this.context.directory, hello);
  }

  private refuse({ reason, isFinal }: Refusal): void {
    // It tries again and again; each reason is told once in a row.
    const { told } = this.context;
    if (told.get(this.from) !== reason) this.log('a peer was refused', reason);
    if (told.size >= toldMax) told.clear();
    told.set(this.from, reason);
    if (this.hello === undefined) this.reply({ refused: reason, isFinal });
    this.end(Code.FailedPrecondition, reason);
  }

  private reply(answer: Pick<HelloReply, 'refused' | 'isFinal'>): void {
    const { clusterId, memberId, incarnation } = this.context.identity;
    const reply = HelloReply.create({ ...answer, clusterId, memberId, incarnation });
    this.call.send(this.options.wrapHello(reply));
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handshakeTimer.cancel();
    if (this.hello === undefined) return;
    const key = keyOf(this.hello);
    if (this.options.open.get(key) === this) this.options.open.delete(key);
    this.closed();
  }

  private log(msg: string, reason: string): void {
    const fields = {
      'remote-peer-id': describeId(this.from),
      'remote-address': this.call.peer.address,
    };
    this.context.logger.log('warn', msg, { ...fields, reason });
  }
}

function keyOf({ from, lane }: HelloRequest): string {
  return `${from}/${lane}`;
}
