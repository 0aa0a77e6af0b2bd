import type { Counter, Labels, Metrics, SeriesCounter } from '../host/metrics.ts';
import { Code } from '../wire/errors.ts';
import type { Method } from '../wire/services.ts';

/**
 * What etcd counts of its calls: go-grpc-middleware's `grpc_server_*`, and etcd's own counters
 * (server/etcdserver/api/v3rpc/metrics.go).
 */
export class RpcMetrics {
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  readonly started: Counter;
  readonly handled: Counter;
  readonly messagesReceived: Counter;
  readonly messagesSent: Counter;
  private readonly clientRequests: Counter;
  private readonly byVersion = {
    unary: new Map<string, Labels>(),
    stream: new Map<string, Labels>(),
  };

  constructor(metrics: Metrics) {
    const labels = ['grpc_type', 'grpc_service', 'grpc_method'];
    this.started = metrics.counter(
      'grpc_server_started_total',
      'Total number of RPCs started on the server.',
      labels,
    );
    this.handled = metrics.counter(
      'grpc_server_handled_total',
      'Total number of RPCs completed on the server, regardless of success or failure.',
      [...labels, 'grpc_code'],
    );
    this.messagesReceived = metrics.counter(
      'grpc_server_msg_received_total',
      'Total number of RPC stream messages received on the server.',
      labels,
    );
    this.messagesSent = metrics.counter(
      'grpc_server_msg_sent_total',
      'Total number of gRPC stream messages sent by the server.',
      labels,
    );
    this.receivedBytes = metrics.counter(
      'etcd_network_client_grpc_received_bytes_total',
      'The total number of bytes received from grpc clients.',
    );
    this.sentBytes = metrics.counter(
      'etcd_network_client_grpc_sent_bytes_total',
      'The total number of bytes sent to grpc clients.',
    );
    this.clientRequests = metrics.counter(
      'etcd_server_client_requests_total',
      'The total number of client requests per client version.',
      ['type', 'client_api_version'],
    );
  }

  /** Counts a call under the version its client names; past `versionsMax` of them under `other`. */
  clientRequest(type: 'unary' | 'stream', version: string): void {
    const known = this.byVersion[type];
    let labels = known.get(version);
    if (labels === undefined) {
      const isFull = known.size >= versionsMax;
      labels = { type, client_api_version: isFull ? 'other' : version };
      if (!isFull) known.set(version, labels);
    }
    this.clientRequests.add(1, labels);
  }
}

/** Clients choose the text freely, so that only so many of them become series of their own. */
export const versionsMax = 64;

const grpcTypes = { unary: 'unary', serverStream: 'server_stream', bidi: 'bidi_stream' } as const;

/** The counters of one method, all there as 0 from the start, looked up once. */
export class MethodMetrics {
  private readonly startedSeries: SeriesCounter;
  private readonly receivedSeries: SeriesCounter;
  private readonly sentSeries: SeriesCounter;
  private readonly receivedBytes: SeriesCounter;
  private readonly sentBytes: SeriesCounter;
  /** What ends well, and how all else ends. */
  private readonly succeeded: SeriesCounter;
  private readonly byCode: ReadonlyMap<number, SeriesCounter>;

  constructor(metrics: RpcMetrics, { kind, service, name }: Method) {
    const labels = { grpc_type: grpcTypes[kind], grpc_service: service, grpc_method: name };
    const handled = (grpc_code: string): SeriesCounter =>
      metrics.handled.series({ ...labels, grpc_code });
    this.startedSeries = metrics.started.series(labels);
    this.receivedSeries = metrics.messagesReceived.series(labels);
    this.sentSeries = metrics.messagesSent.series(labels);
    this.receivedBytes = metrics.receivedBytes.series();
    this.sentBytes = metrics.sentBytes.series();
    this.byCode = new Map(Object.entries(Code).map(([text, code]) => [code, handled(text)]));
    this.succeeded = handled('OK');
  }

  started(): void {
    this.startedSeries.add();
  }

  received(bytes: number): void {
    this.receivedBytes.add(bytes);
  }

  /** A message that could be read; go-grpc-middleware counts those of unary calls too. */
  messageReceived(): void {
    this.receivedSeries.add();
  }

  sent(bytes: number): void {
    this.sentBytes.add(bytes);
    this.sentSeries.add();
  }

  /** A unary call that failed: go-grpc-middleware counts the answer that it did not send as sent. */
  failed(code: Code): void {
    this.sentSeries.add();
    this.handled(code);
  }

  handled(code: Code): void {
    if (code === Code.OK) this.succeeded.add();
    else this.byCode.get(code)?.add();
  }
}
