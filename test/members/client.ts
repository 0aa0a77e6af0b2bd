import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { methodNamed, type WireObject } from './protocol.ts';
import { RawStream } from './raw-stream.ts';

/**
 * A raw caller for the tests: gRPC by hand over node:http2, so that one call costs little, nothing is retried
 * in secret, and the codecs of src/ take no part in judging themselves.
 */

export interface Success {
  readonly ok: true;
  readonly message: WireObject;
  /** The encoded message as it came; for a stream, the chunks joined (which merges them). */
  readonly raw: Uint8Array;
  /** How many messages a server stream sent; 1 for a unary call. */
  readonly messages: number;
}

export interface Failure {
  readonly ok: false;
  /** The gRPC status code. */
  readonly code: number;
  readonly text: string;
}

export type Answer = Success | Failure;

export interface CallOptions {
  readonly deadlineMs?: number;
}

const deadlineMsDefault = 10_000;
const codeDeadlineExceeded = 4;
export const codeUnavailable = 14;
/** A message on the wire: one byte of flags, four of length, the bytes. */
const prefixBytes = 5;
/** Windows large enough that flow control never holds up a test's answer. */
const windowBytesDefault = 16 * 1024 * 1024;

export class RawClient {
  readonly #url: string;
  readonly #windowBytes: number;
  #session: ClientHttp2Session | undefined;

  /** `windowBytes` is how much a server may send that has not been read. */
  constructor(target: string, windowBytes = windowBytesDefault) {
    this.#windowBytes = windowBytes;
    this.#url = `http://${target}`;
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** Calls a method, unary or server-streaming, with a request of proto field names. */
  call(method: string, request: object, options: CallOptions = {}): Promise<Answer> {
    return this.callRaw(method, methodNamed(method).requestSerialize(request), options);
  }

  /** The same with a request that is encoded already, well or badly. */
  async callRaw(method: string, request: Uint8Array, options: CallOptions = {}): Promise<Answer> {
    const definition = methodNamed(method);
    const outcome = await this.#exchange(definition.path, request, options);
    if ('code' in outcome) return outcome;
    const raw = outcome.length === 1 ? (outcome[0] as Buffer) : Buffer.concat(outcome);
    const message = definition.responseDeserialize(raw) as WireObject;
    return { ok: true, message, raw, messages: outcome.length };
  }

  /** A call of any path, known to proto/ or not, with an empty request. */
  async callPath(path: string, options: CallOptions = {}): Promise<Answer> {
    const outcome = await this.#exchange(path, new Uint8Array(0), options);
    if ('code' in outcome) return outcome;
    return { ok: true, message: {}, raw: Buffer.concat(outcome), messages: outcome.length };
  }

  #exchange(
    path: string,
    request: Uint8Array,
    options: CallOptions,
  ): Promise<readonly Buffer[] | Failure> {
    const stream = this.#request(path);
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32BE(request.length, 1);
    stream.end(Buffer.concat([prefix, request]));
    return outcomeOf(stream, options.deadlineMs ?? deadlineMsDefault);
  }

  /** Opens a call whose messages go both ways. */
  open(method: string): RawStream {
    const definition = methodNamed(method);
    return new RawStream(this.#request(definition.path), definition);
  }

  #request(path: string): ClientHttp2Stream {
    return this.#connected().request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
  }

  #connected(): ClientHttp2Session {
    const current = this.#session;
    if (current !== undefined && !current.closed && !current.destroyed) return current;
    const session = connect(this.#url, { settings: { initialWindowSize: this.#windowBytes } });
    // The calls under way fail by themselves; a session's error is theirs.
    session.on('error', () => session.destroy());
    session.once('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(this.#windowBytes);
    });
    session.on('goaway', () => session.close());
    this.#session = session;
    return session;
  }
}

/** Waits for the end of a call: its messages, or the status it failed with. */
function outcomeOf(
  stream: ClientHttp2Stream,
  deadlineMs: number,
): Promise<readonly Buffer[] | Failure> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status: IncomingHttpHeaders = {};
    let failure: Failure | undefined;
    const timer = setTimeout(() => {
      failure = { ok: false, code: codeDeadlineExceeded, text: `no answer in ${deadlineMs} ms` };
      stream.close(constants.NGHTTP2_CANCEL);
    }, deadlineMs);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('response', (headers) => {
      status = headers;
    });
    stream.on('trailers', (trailers) => {
      status = { ...status, ...trailers };
    });
    stream.on('error', (error) => {
      failure ??= { ok: false, code: codeUnavailable, text: error.message };
    });
    stream.on('close', () => {
      clearTimeout(timer);
      resolve(statusOf(status) ?? failure ?? withoutStatus(status, stream));
    });

    /** Undefined where the peer sent no gRPC status. */
    function statusOf(headers: IncomingHttpHeaders): readonly Buffer[] | Failure | undefined {
      const code = headers['grpc-status'];
      if (code === undefined) return undefined;
      if (code === '0') return messagesOf(Buffer.concat(chunks));
      const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      return { ok: false, code: Number(code), text };
    }
  });
}

function withoutStatus(headers: IncomingHttpHeaders, stream: ClientHttp2Stream): Failure {
  const reason = `HTTP status ${headers[':status'] ?? 'none'}, stream reset ${stream.rstCode}`;
  return { ok: false, code: codeUnavailable, text: `no gRPC status: ${reason}` };
}

function messagesOf(body: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const length = body.readUInt32BE(at + 1);
    const end = at + prefixBytes + length;
    if (body[at] !== 0 || end > body.length)
      throw new Error('the answer is not whole gRPC messages');
    messages.push(body.subarray(at + prefixBytes, end));
    at = end;
  }
  return messages;
}

/** The message of an answer that must have succeeded. */
export function mustSucceed(answer: Answer): WireObject {
  if (!answer.ok) throw new Error(`the call failed with code ${answer.code}: ${answer.text}`);
  return answer.message;
}
