import { Client, credentials, Metadata, status as grpcStatus } from '@grpc/grpc-js';
import { concatBytes, type Bytes } from '../../src/base/bytes.ts';
import { describeUnknown } from '../../src/grpc/engine.ts';
import { joinSource } from '../../src/grpc/message-source.ts';
import type { Handlers, MessageSource, StreamCall, UnaryCall } from '../../src/grpc/types.ts';

/** One call with its raw message bytes, and how it ended: the same for handlers in this process and a server elsewhere. */
export interface Call {
  readonly path: string;
  readonly request: Bytes;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Cancels a stream after this many messages; without it the stream is read to its end. */
  readonly take?: number;
}

export interface Answer {
  readonly code: number;
  readonly text: string;
  readonly messages: readonly Bytes[];
}

export interface Caller {
  call(call: Call): Promise<Answer>;
  close(): void;
}

/** Calls handlers directly, as an engine would; `peer` and back-pressure are the plainest possible. */
export function handlersCaller(handlers: Handlers): Caller {
  return {
    call: (call) => new Promise((resolve) => callHandler(handlers, call, resolve)),
    close: () => undefined,
  };
}

function callHandler(
  handlers: Handlers,
  { path, request, ...rest }: Call,
  resolve: (answer: Answer) => void,
): void {
  const handler = handlers.get(path);
  if (handler === undefined) return resolve({ ...describeUnknown(path, handlers), messages: [] });
  const call = new RecordedCall(path, rest.metadata ?? {}, rest.take, resolve);
  if (handler.kind === 'bidi') {
    const receiver = handler.open(call);
    receiver.onMessage(request);
    receiver.onHalfClose();
  } else handler.handle(call, request);
}

/** A call of a test: keeps what is sent, and breaks when a handler answers twice or after the end. */
export class RecordedCall implements UnaryCall, StreamCall {
  readonly path: string;
  readonly metadata: UnaryCall['metadata'];
  readonly peer = { address: '127.0.0.1:1', commonName: undefined };
  readonly timeoutMs = undefined;
  isCancelled = false;
  /** False: the call's send buffer counts as full until `drain`. */
  hasRoom = true;
  /** True: the handler wants no more requests. */
  isPaused = false;
  readonly messages: Bytes[] = [];
  answer: Answer | undefined;
  private readonly take: number | undefined;
  private readonly resolve: (answer: Answer) => void;
  private readonly cancelListeners: (() => void)[] = [];
  private readonly drainListeners: (() => void)[] = [];

  constructor(
    path: string,
    metadata: Readonly<Record<string, string>>,
    take: number | undefined,
    resolve: (answer: Answer) => void,
  ) {
    this.path = path;
    this.metadata = { get: (name) => metadata[name] };
    this.take = take;
    this.resolve = resolve;
  }

  onCancelled(listener: () => void): void {
    this.cancelListeners.push(listener);
  }

  onDrain(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  respond(message: Bytes): void {
    this.send(message);
    this.end({ code: grpcStatus.OK, text: '' });
  }

  respondFrom(source: MessageSource): void {
    const message = joinSource(source);
    if (message === undefined) this.end({ code: grpcStatus.INTERNAL, text: 'cut off' });
    else this.respond(message);
  }

  send(message: Bytes, tail?: Bytes): boolean {
    this.mustBeOpen();
    this.messages.push(tail === undefined ? message : concatBytes([message, tail]));
    if (this.messages.length === this.take) this.cancel();
    return this.hasRoom;
  }

  end({ code, text }: { readonly code: number; readonly text: string }): void {
    this.mustBeOpen();
    this.finish({ code, text, messages: this.messages });
  }

  /** The caller goes away, as seen by the handler. */
  cancel(): void {
    this.isCancelled = true;
    this.answer = {
      code: grpcStatus.CANCELLED,
      text: 'Cancelled on client',
      messages: this.messages,
    };
    for (const listener of this.cancelListeners) listener();
    this.resolve(this.answer);
  }

  drain(): void {
    this.hasRoom = true;
    for (const listener of this.drainListeners) listener();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  private finish(answer: Answer): void {
    this.answer = answer;
    this.resolve(answer);
  }

  private mustBeOpen(): void {
    if (this.isCancelled) throw new Error(`${this.path}: answered after it was cancelled`);
    if (this.answer !== undefined) throw new Error(`${this.path}: answered twice`);
  }
}

/** Calls a server, ours or etcd, over gRPC with grpc-js. */
export function grpcCaller(endpoint: string): Caller {
  const client = new Client(endpoint, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const asIs = (bytes: Bytes): Buffer => Buffer.from(bytes);
  return {
    call: (call) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(call.metadata ?? {})) metadata.set(name, value);
        const messages: Bytes[] = [];
        // As a server stream, which a unary call is too: it has no more than one message.
        const stream = client.makeServerStreamRequest(
          call.path,
          asIs,
          asIs,
          call.request,
          metadata,
        );
        stream.on('data', (message: Bytes) => {
          messages.push(message);
          if (messages.length === call.take) stream.cancel();
        });
        stream.on('error', () => undefined);
        stream.on('status', ({ code, details }) => resolve({ code, text: details, messages }));
      }),
    close: () => client.close(),
  };
}
