import type * as http2 from 'node:http2';

/** Calls made of bytes, so that they may be wrong in every way that a client would not let them be. */

export interface RawAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly resetCode: number;
  /** The server reset the stream before the request had ended. */
  readonly isAborted: boolean;
}

export interface RawRequest {
  readonly path?: string;
  /** Added to what a call has; undefined takes a header away. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: Uint8Array;
  /** The request is left open. */
  readonly isOpen?: boolean;
}

export function frame(message: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** The messages of a body. */
export function messagesOf(body: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push(body.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

export function openRaw(
  session: http2.ClientHttp2Session,
  request: RawRequest,
): http2.ClientHttp2Stream {
  const headers: Record<string, string | readonly string[] | undefined> = {
    ':method': 'POST',
    ':path': request.path ?? '/t.S/Echo',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...request.headers,
  };
  for (const name of Object.keys(headers)) {
    if (headers[name] === undefined) Reflect.deleteProperty(headers, name);
  }
  const stream = session.request(headers as http2.OutgoingHttpHeaders, { endStream: false });
  stream.on('error', () => undefined);
  if (request.isOpen === true) stream.write(request.body ?? Buffer.alloc(0));
  else stream.end(request.body);
  return stream;
}

export function answerOf(stream: http2.ClientHttp2Stream): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let headers: Record<string, string> = {};
    let trailers: Record<string, string> = {};
    let isAborted = false;
    const parts: Buffer[] = [];
    stream.on('response', (fields) => (headers = plain(fields)));
    stream.on('trailers', (fields) => (trailers = plain(fields)));
    stream.on('aborted', () => (isAborted = true));
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('close', () => {
      const resetCode = stream.rstCode ?? 0;
      resolve({ headers, trailers, body: Buffer.concat(parts), resetCode, isAborted });
    });
  });
}

export function rawCall(
  session: http2.ClientHttp2Session,
  request: RawRequest,
): Promise<RawAnswer> {
  return answerOf(openRaw(session, request));
}

function plain(fields: http2.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}
