import type { Bytes } from '../base/bytes.ts';
import type { GrpcChannel, Status } from '../grpc/types.ts';
import { MemberListRequest, MemberListResponse } from '../wire/cluster.ts';
import { Code } from '../wire/errors.ts';
import {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RangeStreamResponse,
  TxnRequest,
  TxnResponse,
} from '../wire/kv.ts';
import {
  AlarmRequest,
  AlarmResponse,
  HashKVRequest,
  HashKVResponse,
  StatusRequest,
  StatusResponse,
} from '../wire/maintenance.ts';
import type { Codec } from '../wire/message.ts';
import { ClientError } from './client-error.ts';
import type { Address } from './endpoint.ts';
import { MessageStream } from './message-stream.ts';
import type { ClientMethod } from './methods.ts';

export interface ClientOptions {
  /** Tried in this order until one accepts a connection. */
  readonly addresses: readonly Address[];
  /** For each call, connecting included. */
  readonly timeoutMs: number;
  /** For one attempt at one address, so that a silent one does not use up the whole time. */
  readonly dialTimeoutMs: number;
  readonly openChannel: (address: Address) => GrpcChannel;
  /** Resolves when something accepts a connection there. */
  readonly probe: (address: Address, timeoutMs: number) => Promise<void>;
}

/** How long to wait before all addresses are tried again. */
const retryPauseMs = 100;

/** etcd's clients ask for this on their streams (client/v3/ctx.go, WithRequireLeader). */
const requiringLeader = { metadata: { hasleader: 'true' } };

/**
 * The calls of etcd's services, on one connection. It moves to another address only while it has none that accepts
 * a connection: a request that has been sent is never sent again.
 */
export class Client {
  private readonly options: ClientOptions;
  private current: GrpcChannel | undefined;
  private isClosed = false;
  private readonly streams = new Set<{ cancel(): void }>();

  constructor(options: ClientOptions) {
    this.options = options;
  }

  range(request: Partial<RangeRequest>): Promise<RangeResponse> {
    return this.call('/etcdserverpb.KV/Range', RangeRequest.encode(request), RangeResponse);
  }

  /** The same over RangeStream: the chunks joined, with count and header of the last. */
  async rangeStream(request: Partial<RangeRequest>): Promise<RangeResponse> {
    const deadlineMs = performance.now() + this.options.timeoutMs;
    const chunks = await this.collect(
      '/etcdserverpb.KV/RangeStream',
      RangeRequest.encode(request),
      deadlineMs,
    );
    const parts = chunks.map((chunk) => RangeStreamResponse.decode(chunk).rangeResponse);
    const kvs = parts.flatMap((part) => part?.kvs ?? []);
    return RangeResponse.create({ ...parts.at(-1), kvs });
  }

  put(request: Partial<PutRequest>): Promise<PutResponse> {
    return this.call('/etcdserverpb.KV/Put', PutRequest.encode(request), PutResponse);
  }

  deleteRange(request: Partial<DeleteRangeRequest>): Promise<DeleteRangeResponse> {
    const encoded = DeleteRangeRequest.encode(request);
    return this.call('/etcdserverpb.KV/DeleteRange', encoded, DeleteRangeResponse);
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.call('/etcdserverpb.KV/Txn', TxnRequest.encode(request), TxnResponse);
  }

  compact(request: Partial<CompactionRequest>): Promise<CompactionResponse> {
    const encoded = CompactionRequest.encode(request);
    return this.call('/etcdserverpb.KV/Compact', encoded, CompactionResponse);
  }

  status(): Promise<StatusResponse> {
    const encoded = StatusRequest.encode({});
    return this.call('/etcdserverpb.Maintenance/Status', encoded, StatusResponse);
  }

  hashKv(request: Partial<HashKVRequest>): Promise<HashKVResponse> {
    const encoded = HashKVRequest.encode(request);
    return this.call('/etcdserverpb.Maintenance/HashKV', encoded, HashKVResponse);
  }

  alarms(): Promise<AlarmResponse> {
    return this.call('/etcdserverpb.Maintenance/Alarm', AlarmRequest.encode({}), AlarmResponse);
  }

  memberList(request: Partial<MemberListRequest>): Promise<MemberListResponse> {
    const encoded = MemberListRequest.encode(request);
    return this.call('/etcdserverpb.Cluster/MemberList', encoded, MemberListResponse);
  }

  /** @throws ClientError */
  unary<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Partial<Request>,
  ): Promise<Response> {
    return this.call(method.path, method.request.encode(request), method.response);
  }

  /**
   * Opens a stream that has no deadline of its own, and ends with `Unavailable` when its member has no leader; tries
   * to connect until `deadlineMs`, for ever by default.
   * @throws ClientError
   */
  async openStream<Request, Response>(
    method: ClientMethod<Request, Response>,
    deadlineMs = Number.POSITIVE_INFINITY,
  ): Promise<MessageStream<Request, Response>> {
    this.current ??= await this.connect(deadlineMs);
    const channel = this.current;
    const stream = new MessageStream(method, (events) =>
      channel.stream(method.path, requiringLeader, {
        ...events,
        onEnd: (status) => {
          this.streams.delete(stream);
          this.maybeLeave(channel, status);
          events.onEnd(status);
        },
      }),
    );
    this.streams.add(stream);
    return stream;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Cancels what is under way. */
  close(): void {
    this.isClosed = true;
    for (const stream of this.streams) stream.cancel();
    this.current?.close();
    this.current = undefined;
  }

  /** The next call looks for a member anew when this one cannot serve. */
  private maybeLeave(channel: GrpcChannel, { code }: Status): boolean {
    if (code !== Code.Unavailable || this.current !== channel) return false;
    this.current = undefined;
    channel.close();
    return true;
  }

  /** @throws ClientError */
  private async call<M>(path: string, request: Bytes, codec: Codec<M>): Promise<M> {
    const deadlineMs = performance.now() + this.options.timeoutMs;
    this.current ??= await this.connect(deadlineMs);
    const channel = this.current;
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const { status, message } = await new Promise<
      Parameters<Parameters<GrpcChannel['unary']>[3]>[0]
    >((done) => channel.unary(path, request, { timeoutMs }, done));
    this.maybeLeave(channel, status);
    if (status.code !== Code.OK) throw new ClientError(status.code, status.text);
    if (message === undefined) throw new ClientError(Code.Internal, 'the answer holds no message');
    return codec.decode(message);
  }

  /** @throws ClientError */
  private async collect(
    path: string,
    request: Bytes,
    deadlineMs: number,
  ): Promise<readonly Bytes[]> {
    this.current ??= await this.connect(deadlineMs);
    const channel = this.current;
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const messages: Bytes[] = [];
    const status = await new Promise<Status>((onEnd) => {
      const stream = channel.stream(
        path,
        { timeoutMs },
        { onMessage: (message) => void messages.push(message), onDrain: () => undefined, onEnd },
      );
      stream.send(request);
      stream.halfClose();
    });
    if (status.code !== Code.OK) throw new ClientError(status.code, status.text);
    return messages;
  }

  private async connect(deadlineMs: number): Promise<GrpcChannel> {
    const leftMs = (): number => deadlineMs - performance.now();
    for (;;) {
      if (this.isClosed) throw new ClientError(Code.Canceled, 'context canceled');
      const problems: string[] = [];
      for (const address of this.options.addresses) {
        try {
          await this.options.probe(address, Math.min(this.options.dialTimeoutMs, leftMs()));
          return this.options.openChannel(address);
        } catch (error) {
          problems.push(`${address}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      if (leftMs() <= retryPauseMs) {
        const detail = problems.join('; ');
        throw new ClientError(Code.DeadlineExceeded, 'context deadline exceeded', detail);
      }
      await new Promise((resume) => setTimeout(resume, retryPauseMs));
    }
  }
}
