import { mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Handler, StreamCall, StreamReceiver, UnaryCall } from '../grpc/types.ts';
import type { Member } from '../server/types.ts';
import { Code, type EtcdError } from '../wire/errors.ts';
import type { Codec } from '../wire/message.ts';
import { methods, type Method } from '../wire/services.ts';
import { WireError } from '../wire/varint.ts';
import { refuseCall, requiresLeader } from './admission.ts';
import { StreamExchange, UnaryExchange } from './exchange.ts';
import type { LeaderWatch } from './leader-watch.ts';
import type { Readiness } from './readiness.ts';
import { MethodMetrics, type RpcMetrics } from './rpc-metrics.ts';

/** What the services of one member share. */
export interface ApiContext {
  readonly member: Member;
  readonly limits: ApiLimits;
  readonly metrics: RpcMetrics;
  readonly leaderWatch: LeaderWatch;
  readonly readiness: Readiness;
}

export interface ApiLimits {
  /** `--max-request-bytes`, 1.5 MiB by default. */
  readonly requestBytesMax: number;
  /** `--max-txn-ops`, 128 by default. */
  readonly txnOpsMax: number;
}

/** A handler under its full method path. */
export type Route = readonly [path: string, handler: Handler];

export interface UnaryMethod<Request> {
  readonly path: string;
  readonly request: Codec<Request>;
  /** Whether a learner serves this request; without it, none. */
  readonly isForLearners?: (request: Request) => boolean;
  readonly handle: (exchange: UnaryExchange, request: Request) => void;
}

/** A unary method with what etcd does around each: decoding, counting and admission, in this order. */
export function unary<Request>(api: ApiContext, method: UnaryMethod<Request>): Route {
  const { path, request: codec, isForLearners, handle } = method;
  const metrics = metricsOf(api, path);
  const handleCall = (call: UnaryCall, bytes: Bytes): void => {
    metrics.received(bytes.length);
    const decoded = inspect(codec, bytes);
    // grpc-go decodes before its interceptors run: a malformed request counts as no call.
    if (decoded instanceof WireError)
      return call.end(malformed('error unmarshalling request', decoded));
    metrics.started();
    metrics.messageReceived();
    const { message, hasUnknownFields } = decoded;
    const exchange = new UnaryExchange(call, metrics, { bytes, hasUnknownFields });
    const refused = refuseCall(api.member, api.metrics, {
      type: 'unary',
      metadata: call.metadata,
      isForLearners: isForLearners?.(message) ?? false,
    });
    if (refused === undefined) handle(exchange, message);
    else exchange.fail(refused);
  };
  return [path, { kind: 'unary', handle: handleCall }];
}

export interface ServerStreamMethod<Request> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly handle: (exchange: StreamExchange, request: Request) => void;
}

/** A server stream. Unlike a unary call it is counted and admitted before its request is decoded. */
export function serverStream<Request>(api: ApiContext, method: ServerStreamMethod<Request>): Route {
  const { path, request: codec, handle } = method;
  const metrics = metricsOf(api, path);
  const handleCall = (call: StreamCall, bytes: Bytes): void => {
    metrics.started();
    const exchange = new StreamExchange(call, metrics);
    const refused = refuseCall(api.member, api.metrics, {
      type: 'stream',
      metadata: call.metadata,
      isForLearners: false,
    });
    if (refused !== undefined) return exchange.fail(refused);
    metrics.received(bytes.length);
    metrics.messageReceived();
    const decoded = inspect(codec, bytes);
    if (decoded instanceof WireError) {
      return exchange.fail(malformed('failed to unmarshal the received message', decoded));
    }
    if (requiresLeader(call.metadata)) api.leaderWatch.add(exchange);
    handle(exchange, decoded.message);
  };
  return [path, { kind: 'serverStream', handle: handleCall }];
}

export interface BidiMethod<Request> {
  readonly path: string;
  readonly request: Codec<Request>;
  /** Called once the stream is let in; what it answers is given each request that can be read. */
  readonly open: (exchange: StreamExchange) => BidiReceiver<Request>;
}

/** Nothing more comes once the exchange is over. */
export interface BidiReceiver<Request> {
  onRequest(request: Request): void;
  /** The caller sends no more; what it is sent may go on. */
  onHalfClose(): void;
}

/** A stream both ways: counted and admitted as it opens; a request that cannot be read ends it. */
export function bidi<Request>(api: ApiContext, method: BidiMethod<Request>): Route {
  const { path, request: codec, open } = method;
  const metrics = metricsOf(api, path);
  const openCall = (call: StreamCall): StreamReceiver => {
    metrics.started();
    const exchange = new StreamExchange(call, metrics);
    const refused = refuseCall(api.member, api.metrics, {
      type: 'stream',
      metadata: call.metadata,
      isForLearners: false,
    });
    if (refused !== undefined) {
      exchange.fail(refused);
      return deafReceiver;
    }
    if (requiresLeader(call.metadata)) api.leaderWatch.add(exchange);
    const receiver = open(exchange);
    const onMessage = (bytes: Bytes): void => {
      if (exchange.isOver) return;
      metrics.received(bytes.length);
      const decoded = inspect(codec, bytes);
      if (decoded instanceof WireError) {
        return exchange.fail(malformed('failed to unmarshal the received message', decoded));
      }
      metrics.messageReceived();
      receiver.onRequest(decoded.message);
    };
    const onHalfClose = (): void => {
      if (!exchange.isOver) receiver.onHalfClose();
    };
    return { onMessage, onHalfClose };
  };
  return [path, { kind: 'bidi', open: openCall }];
}

/** For a call that is over before it has begun. */
const deafReceiver: StreamReceiver = {
  onMessage: () => undefined,
  onHalfClose: () => undefined,
};

/** A method that is not built yet answers as a gRPC server does that was generated without it. */
export function unimplemented(api: ApiContext, { path, name, kind }: Method): Route {
  const metrics = metricsOf(api, path);
  const error = { code: Code.Unimplemented, text: `method ${name} not implemented` };
  const refuse = (call: UnaryCall | StreamCall): void => {
    metrics.started();
    metrics.handled(error.code);
    call.end(error);
  };
  if (kind !== 'bidi') return [path, { kind, handle: refuse }];
  const open = (call: StreamCall): StreamReceiver => {
    refuse(call);
    return deafReceiver;
  };
  return [path, { kind, open }];
}

const methodByPath = new Map(methods.map((method) => [method.path, method]));

function metricsOf(api: ApiContext, path: string): MethodMetrics {
  const method = mustGet(methodByPath.get(path), `${path} is no method of etcd's`);
  return new MethodMetrics(api.metrics, method);
}

type Inspected<M> = ReturnType<Codec<M>['inspect']>;

function inspect<M>(codec: Codec<M>, bytes: Bytes): Inspected<M> | WireError {
  try {
    return codec.inspect(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** grpc-go's words (server.go and rpc_util.go), which etcd's clients see. */
function malformed(what: string, error: WireError): EtcdError {
  return { code: Code.Internal, text: `grpc: ${what}: ${error.message}` };
}
