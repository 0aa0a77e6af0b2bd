import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { Method, WireObject } from './protocol.ts';

/**
 * A gRPC stream both ways by hand, as `RawClient` makes its calls: what the server says is told message by
 * message, in order, with its bytes.
 */

export interface StreamMessage {
  readonly message: WireObject;
  readonly raw: Uint8Array;
}

export interface StreamEnd {
  /** The status that the server sent; undefined when it sent none: canceled here, or the connection broke. */
  readonly code: number | undefined;
  readonly text: string;
}

/** A message on the wire: one byte of flags, four of length, the bytes. */
const prefixBytes = 5;

export class RawStream {
  readonly #stream: ClientHttp2Stream;
  readonly #method: Method;
  #onMessage: (message: StreamMessage) => void = () => undefined;
  #onEnd: (end: StreamEnd) => void = () => undefined;
  #status: IncomingHttpHeaders = {};
  #failure: string | undefined;
  /** The start of a message whose rest has not come yet. */
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  end: StreamEnd | undefined;

  constructor(stream: ClientHttp2Stream, method: Method) {
    this.#stream = stream;
    this.#method = method;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    for (const event of ['response', 'trailers'] as const) {
      stream.on(event, (headers: IncomingHttpHeaders) => {
        this.#status = { ...this.#status, ...headers };
      });
    }
    stream.on('error', (error: Error) => {
      this.#failure = error.message;
    });
    // A server that ends the call need not wait for this side to end it too.
    for (const event of ['end', 'close'] as const) stream.on(event, () => this.#ended(event));
  }

  /** To be called once, before anything is sent. */
  listen(onMessage: (message: StreamMessage) => void, onEnd: (end: StreamEnd) => void): void {
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
  }

  send(request: object): void {
    this.sendRaw(this.#method.requestSerialize(request));
  }

  sendRaw(request: Uint8Array): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32BE(request.length, 1);
    this.#stream.write(Buffer.concat([prefix, request]));
  }

  /** Nothing more will be sent; answers may go on. */
  halfClose(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  /** Reads nothing until `resume`, so that the server can send no more than the window holds. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends the call at once, as a client does that is no longer interested. */
  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    // A big message comes in many chunks: they are joined once, when all of it is here.
    while (this.#chunkBytes >= prefixBytes) {
      const first = this.#chunks[0] as Buffer;
      if (first.length < prefixBytes) this.#join();
      const head = this.#chunks[0] as Buffer;
      const endsAt = prefixBytes + head.readUInt32BE(1);
      if (this.#chunkBytes < endsAt) return;
      if (head.length < endsAt) this.#join();
      const whole = this.#chunks[0] as Buffer;
      if (whole.length === endsAt) this.#chunks.shift();
      else this.#chunks[0] = whole.subarray(endsAt);
      this.#chunkBytes -= endsAt;
      const raw = whole.subarray(prefixBytes, endsAt);
      this.#onMessage({ raw, message: this.#method.responseDeserialize(raw) as WireObject });
    }
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }

  #ended(event: 'end' | 'close'): void {
    const end = this.#endOf();
    if (this.end !== undefined || (event === 'end' && end.code === undefined)) return;
    this.end = end;
    this.#onEnd(end);
  }

  #endOf(): StreamEnd {
    const code = this.#status['grpc-status'];
    if (code === undefined) {
      return { code: undefined, text: this.#failure ?? `stream reset ${this.#stream.rstCode}` };
    }
    const text = decodeURIComponent(String(this.#status['grpc-message'] ?? ''));
    return { code: Number(code), text };
  }
}
