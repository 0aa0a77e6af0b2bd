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

/**
 * The unary calls of etcd's services, one at a time on one connection. It moves to another address only while it has
 * none that accepts a connection: a request that has been sent is never sent again.
 */
export class Client {
  private readonly options: ClientOptions;
  private current: GrpcChannel | undefined;

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

  close(): void {
    this.current?.close();
    this.current = undefined;
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
    if (status.code === Code.Unavailable && this.current === channel) this.close();
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
