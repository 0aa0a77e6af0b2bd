import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { openHttp2Connection } from '../../../src/grpc/http2/connection.ts';
import type { Http2Timeouts } from '../../../src/grpc/http2/deadlines.ts';
import type { HeaderList } from '../../../src/grpc/hpack/types.ts';
import type {
  Http2Connection,
  Http2ConnectionEvents,
  Http2Limits,
  Http2Stream,
  Http2StreamListener,
} from '../../../src/grpc/http2/types.ts';

/** Both roles on sockets of this machine, with listeners that write down what they are told. */

export const testLimits: Http2Limits = {
  concurrentStreamsMax: 1000,
  headerListBytesMax: 16 * 1024,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  unsentBytesMax: 256 * 1024,
  keepAlive: undefined,
  pingMinTimeMs: undefined,
};

export const silent: Http2StreamListener = {
  onHeaders: () => undefined,
  onData: () => undefined,
  onDrain: () => undefined,
  onReset: () => undefined,
  onClosed: () => undefined,
};

export type OnRequest = (stream: Http2Stream, fields: HeaderList, isEnd: boolean) => void;

/** Answers every request, once it has come whole, with what it brought. */
export function echo(stream: Http2Stream, _fields: HeaderList, isEnd: boolean): void {
  const end = (): void => stream.sendHeaders(['grpc-status', '0'], true);
  stream.sendHeaders([':status', '200', 'content-type', 'application/grpc'], false);
  stream.listener = {
    ...silent,
    onData: (chunk, isLast) => {
      stream.write(new Uint8Array(chunk), false);
      stream.consumed(chunk.length);
      if (isLast) end();
    },
    onHeaders: end,
  };
  if (isEnd) end();
}

export interface ServerOptions {
  readonly onRequest?: OnRequest;
  readonly limits?: Partial<Http2Limits>;
  readonly timeouts?: Partial<Http2Timeouts>;
}

export interface TestServer {
  readonly port: number;
  readonly connections: readonly Http2Connection[];
  /** Why connections were closed, in order. */
  readonly reasons: readonly string[];
  /** Why the first one was, when it is. */
  closedReason(): Promise<string>;
  close(): void;
}

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const connections: Http2Connection[] = [];
  const reasons: string[] = [];
  let setReason: (reason: string) => void;
  const firstReason = new Promise<string>((resolve) => (setReason = resolve));
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    connections.push(
      openHttp2Connection(socket, {
        role: 'server',
        limits: { ...testLimits, ...options.limits },
        ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
        events: serverEvents(options.onRequest ?? echo, (reason) => {
          reasons.push(reason);
          setReason(reason);
        }),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    reasons,
    closedReason: () => firstReason,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export function serverEvents(
  onRequest: OnRequest,
  onClosed: (reason: string) => void,
): Http2ConnectionEvents {
  return {
    onRequest,
    onReady: () => undefined,
    onRoom: () => undefined,
    onDraining: () => undefined,
    onClosed,
  };
}

/** What a client's stream has heard. */
export interface Heard {
  readonly headers: HeaderList[];
  readonly chunks: Uint8Array[];
  readonly resets: { readonly code: number; readonly isUnprocessed: boolean }[];
  readonly closed: Promise<void>;
}

export interface TestClient {
  readonly connection: Http2Connection;
  readonly told: string[];
  readonly closed: Promise<string>;
  request(fields?: HeaderList, body?: Uint8Array): { stream: Http2Stream; heard: Heard };
}

export const requestFields: HeaderList = [
  ':method',
  'POST',
  ':scheme',
  'http',
  ':path',
  '/test.Echo/Call',
  ':authority',
  'localhost',
  'content-type',
  'application/grpc',
  'te',
  'trailers',
];

export async function openClient(
  port: number,
  options: { limits?: Partial<Http2Limits>; timeouts?: Partial<Http2Timeouts> } = {},
): Promise<TestClient> {
  const told: string[] = [];
  let setClosed: (reason: string) => void;
  const closed = new Promise<string>((resolve) => (setClosed = resolve));
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const connection = await new Promise<Http2Connection>((resolve) => {
    const opened: Http2Connection = openHttp2Connection(socket, {
      role: 'client',
      limits: { ...testLimits, ...options.limits },
      ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
      events: {
        onRequest: () => undefined,
        onReady: () => resolve(opened),
        onRoom: () => told.push('room'),
        onDraining: () => told.push('draining'),
        onClosed: (reason) => {
          setClosed(reason);
          resolve(opened);
        },
      },
    });
  });
  const request: TestClient['request'] = (fields = requestFields, body) => {
    const { heard, listener } = listening();
    const stream = connection.open(fields, body === undefined, listener);
    if (stream === undefined) throw new Error('no room for a stream');
    listener.stream = stream;
    if (body !== undefined) stream.write(body, true);
    return { stream, heard };
  };
  return { connection, told, closed, request };
}

interface Listening extends Http2StreamListener {
  stream: Http2Stream | undefined;
}

export function listening(): { heard: Heard; listener: Listening } {
  let setClosed: () => void;
  const closed = new Promise<void>((resolve) => (setClosed = resolve));
  const heard: Heard = { headers: [], chunks: [], resets: [], closed };
  const listener: Listening = {
    stream: undefined,
    onHeaders: (fields) => void heard.headers.push(fields),
    onData: (chunk) => {
      heard.chunks.push(new Uint8Array(chunk));
      listener.stream?.consumed(chunk.length);
    },
    onDrain: () => undefined,
    onReset: (code, isUnprocessed) => void heard.resets.push({ code, isUnprocessed }),
    onClosed: () => setClosed(),
  };
  return { heard, listener };
}
