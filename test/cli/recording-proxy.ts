import { base64 } from '../../src/base/bytes.ts';
import { createGrpcJsServer } from '../../src/grpc/grpc-js-server.ts';
import { openGrpcJsChannel } from '../../src/grpc/grpc-js-channel.ts';
import { listen } from '../../src/grpc/listener.ts';
import type { Handler } from '../../src/grpc/types.ts';

/** One call as it went over the wire; bytes as base64. */
export interface RecordedCall {
  readonly path: string;
  readonly request: string;
  readonly code: number;
  readonly text: string;
  readonly messages: readonly string[];
}

export interface RecordingProxy {
  /** The calls since the last time it was asked. */
  take(): readonly RecordedCall[];
  close(): Promise<void>;
}

const unaryPaths = [
  'KV/Range',
  'KV/Put',
  'KV/DeleteRange',
  'KV/Txn',
  'KV/Compact',
  'Maintenance/Status',
  'Maintenance/HashKV',
  'Maintenance/Alarm',
  'Cluster/MemberList',
].map((name) => `/etcdserverpb.${name}`);

const streamPath = '/etcdserverpb.KV/RangeStream';

/** Passes etcd's calls on to a real server, and keeps what went by. */
export async function startRecordingProxy(
  port: number,
  targetPort: number,
): Promise<RecordingProxy> {
  const channel = openGrpcJsChannel({
    addresses: [`127.0.0.1:${targetPort}`],
    reconnectMaxMs: 100,
  });
  let calls: RecordedCall[] = [];
  const unary = (path: string): Handler => ({
    kind: 'unary',
    handle: (call, request) => {
      channel.unary(path, request, {}, ({ status, message }) => {
        const messages = message === undefined ? [] : [base64(message)];
        calls.push({
          path,
          request: base64(request),
          code: status.code,
          text: status.text,
          messages,
        });
        if (status.code === 0 && message !== undefined) call.respond(message);
        else call.end(status);
      });
    },
  });
  const stream: Handler = {
    kind: 'serverStream',
    handle: (call, request) => {
      const messages: string[] = [];
      const forward = channel.stream(
        streamPath,
        {},
        {
          onMessage: (message) => {
            messages.push(base64(message));
            call.send(message);
          },
          onDrain: () => undefined,
          onEnd: (status) => {
            const { code, text } = status;
            calls.push({ path: streamPath, request: base64(request), code, text, messages });
            call.end(status);
          },
        },
      );
      forward.send(request);
      forward.halfClose();
    },
  };
  const engine = createGrpcJsServer({
    handlers: new Map([
      ...unaryPaths.map((path) => [path, unary(path)] as const),
      [streamPath, stream],
    ]),
    limits: {
      requestBytesMax: 4 * 1024 * 1024,
      concurrentStreamsMax: 100,
      keepAliveMinTimeMs: 1000,
      keepAliveIntervalMs: 60_000,
      keepAliveTimeoutMs: 20_000,
    },
  });
  const outcome = await listen({
    address: `127.0.0.1:${port}`,
    grpc: engine,
    http: (_request, response) => void response.end(),
  });
  if (!outcome.ok) throw new Error(outcome.error.text);
  return {
    take: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
    close: async () => {
      channel.close();
      await new Promise<void>((done) => engine.close(0, done));
      await new Promise<void>((done) => outcome.listener.close(0, done));
    },
  };
}
