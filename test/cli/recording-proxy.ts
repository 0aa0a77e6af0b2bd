import { base64, type Bytes } from '../../src/base/bytes.ts';
import { createGrpcJsServer } from '../../src/grpc/grpc-js-server.ts';
import { openGrpcJsChannel } from '../../src/grpc/grpc-js-channel.ts';
import { listen } from '../../src/grpc/listener.ts';
import type { Handler, Status } from '../../src/grpc/types.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../../src/wire/lease.ts';

/** One call as it went over the wire; bytes as base64. */
export interface RecordedCall {
  readonly path: string;
  readonly request: string;
  readonly code: number;
  readonly text: string;
  readonly messages: readonly string[];
}

/** A stream both ways: what was sent by either side, in order. */
export interface RecordedStream {
  readonly path: string;
  readonly exchange: readonly {
    readonly by: 'client' | 'server';
    readonly message: string;
  }[];
  readonly code: number;
  readonly text: string;
}

export interface Recorded {
  readonly calls: readonly RecordedCall[];
  readonly streams: readonly RecordedStream[];
}

export interface RecordingProxy {
  /** What went by since the last time it was asked. */
  take(): Recorded;
  /** Ends the watches and keep-alives to come after so many answers. */
  cutAfter(answers: number): void;
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
  'Maintenance/MoveLeader',
  'Maintenance/Defragment',
  'Cluster/MemberAdd',
  'Cluster/MemberList',
  'Cluster/MemberPromote',
  'Cluster/MemberRemove',
  'Cluster/MemberUpdate',
  'Lease/LeaseGrant',
  'Lease/LeaseLeases',
  'Lease/LeaseRevoke',
  'Lease/LeaseTimeToLive',
].map((name) => `/etcdserverpb.${name}`);

const streamPath = '/etcdserverpb.KV/RangeStream';
const watchPath = '/etcdserverpb.Watch/Watch';
const keepAlivePath = '/etcdserverpb.Lease/LeaseKeepAlive';

const cutPauseMs = 100;

/** No error that clients take for one that passes. */
const cut: Status = { code: 9, text: 'the recording ends' };

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
  let streams: RecordedStream[] = [];
  let answersMax = Number.POSITIVE_INFINITY;
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
  const bidi = (path: string): Handler => ({
    kind: 'bidi',
    open: (call) => {
      const exchange: RecordedStream['exchange'][number][] = [];
      let answersLeft = answersMax;
      let isOver = false;
      const answer = (message: Bytes): void => {
        exchange.push({ by: 'server', message: base64(message) });
        call.send(message);
      };
      const end = ({ code, text }: Status): void => {
        if (isOver) return;
        isOver = true;
        streams.push({ path, exchange, code, text });
        call.end({ code, text });
        forward.cancel();
      };
      const forward = channel.stream(
        path,
        {},
        {
          onMessage: (message) => {
            if (isOver) return;
            answersLeft -= 1;
            answer(message);
            // etcd's client may pass over an answer when the end comes with it.
            if (answersLeft === 0 && path === watchPath) setTimeout(() => end(cut), cutPauseMs);
          },
          onDrain: () => undefined,
          onEnd: end,
        },
      );
      call.onCancelled(() => {
        if (!isOver) streams.push({ path, exchange, code: 1, text: 'context canceled' });
        isOver = true;
        forward.cancel();
      });
      return {
        onMessage: (message) => {
          exchange.push({ by: 'client', message: base64(message) });
          const { id } = LeaseKeepAliveRequest.decode(message);
          if (path !== keepAlivePath || answersLeft > 0) forward.send(message);
          else answer(LeaseKeepAliveResponse.encode({ id }));
        },
        onHalfClose: () => forward.halfClose(),
      };
    },
  });
  const engine = createGrpcJsServer({
    handlers: new Map([
      ...unaryPaths.map((path) => [path, unary(path)] as const),
      [streamPath, stream],
      [watchPath, bidi(watchPath)],
      [keepAlivePath, bidi(keepAlivePath)],
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
      const taken = { calls, streams };
      calls = [];
      streams = [];
      return taken;
    },
    cutAfter: (answers) => {
      answersMax = answers;
    },
    close: async () => {
      channel.close();
      await new Promise<void>((done) => engine.close(0, done));
      await new Promise<void>((done) => outcome.listener.close(0, done));
    },
  };
}
