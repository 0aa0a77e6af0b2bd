import type { Bytes } from '../base/bytes.ts';
import { Code } from './codes.ts';
import { CallDeadlines } from './call-deadlines.ts';
import { FastChannelCall, type CallContext } from './fast-channel-call.ts';
import { connectPlain, type Connect } from './fast-channel-connect.ts';
import { ChannelLink } from './fast-channel-link.ts';
import { requestHeaders } from './fast-channel-headers.ts';
import { internal, unavailable } from './fast-channel-status.ts';
import type { ChannelOptions } from './grpc-js-channel.ts';
import type {
  CallOptions,
  ClientStream,
  ClientStreamEvents,
  GrpcChannel,
  Status,
} from './types.ts';

/** Calls that wait for a connection, or for the server to allow one more at once. */
const waitingCallsMax = 10_000;

/**
 * A connection of the fast engine's: raw bytes, messages of any size, and nothing is ever sent twice. Calls wait for
 * the first attempt to connect; after one that failed they fail at once, with its reason, until another has succeeded.
 */
export function openFastChannel(
  options: ChannelOptions,
  connectSocket: Connect = connectPlain,
): GrpcChannel {
  return new FastChannel(options, connectSocket);
}

type UnaryDone = Parameters<GrpcChannel['unary']>[3];

class FastChannel implements GrpcChannel, CallContext {
  readonly deadlines = new CallDeadlines();
  private readonly link: ChannelLink;
  private readonly userAgent: string | undefined;
  private readonly waiting = new Set<FastChannelCall>();
  private isClosed = false;

  constructor(options: ChannelOptions, connectSocket: Connect) {
    this.userAgent = options.userAgent;
    this.link = new ChannelLink(
      options,
      {
        onRoom: () => this.openWaiting(),
        onFailed: (reason) => this.failWaiting(unavailable(`no connection: ${reason}`)),
        onLost: () => {
          if (this.waiting.size > 0) this.link.connect();
        },
      },
      connectSocket,
    );
  }

  unary(path: string, request: Bytes, options: CallOptions, done: UnaryDone): void {
    const call = new FastChannelCall(this, path, options, new UnaryEvents(done));
    call.sendOnly(request);
    this.begin(call);
  }

  stream(path: string, options: CallOptions, events: ClientStreamEvents): ClientStream {
    const call = new FastChannelCall(this, path, options, events);
    this.begin(call);
    return call;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.link.close();
    this.failWaiting(unavailable('the channel was closed'));
  }

  headersTo(address: string, path: string): string[] {
    return requestHeaders(address, path, this.userAgent);
  }

  callOver(call: FastChannelCall): void {
    if (this.waiting.delete(call) && this.waiting.size === 0) this.link.relax();
  }

  private begin(call: FastChannelCall): void {
    if (call.isDone) return;
    if (this.isClosed) return call.failSoon(unavailable('the channel is closed'));
    const connection = this.link.takeConnection();
    const { failure } = this.link;
    if (connection !== undefined && this.waiting.size === 0 && call.open(connection)) return;
    if (failure !== undefined) return call.failSoon(unavailable(`no connection: ${failure}`));
    if (this.waiting.size >= waitingCallsMax) {
      const text = `${waitingCallsMax} calls wait for a connection already`;
      return call.failSoon({ code: Code.RESOURCE_EXHAUSTED, text });
    }
    this.waiting.add(call);
    this.link.connect();
  }

  private openWaiting(): void {
    for (const call of this.waiting) {
      const connection = this.link.takeConnection();
      if (connection === undefined || !call.open(connection)) return;
      this.waiting.delete(call);
    }
  }

  private failWaiting(status: Status): void {
    for (const call of this.waiting) call.fail(status);
  }
}

/** A call with one answer: exactly one, or it has failed (grpc doc/statuscodes.md). */
class UnaryEvents implements ClientStreamEvents {
  private readonly done: UnaryDone;
  private message: Bytes | undefined;
  private count = 0;

  constructor(done: UnaryDone) {
    this.done = done;
  }

  onMessage(message: Bytes): void {
    this.message = message;
    this.count++;
  }

  onDrain(): void {
    // All that is to be sent has been.
  }

  onEnd(status: Status): void {
    if (status.code !== Code.OK) return this.done({ status, message: undefined });
    if (this.count === 1) return this.done({ status, message: this.message });
    const what = this.count === 0 ? 'no response message' : `${this.count} response messages`;
    const violation = internal(`cardinality violation: received ${what}`);
    this.done({ status: violation, message: undefined });
  }
}
