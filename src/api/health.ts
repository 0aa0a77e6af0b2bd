import { Code } from '../wire/errors.ts';
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthListRequest,
  HealthListResponse,
  ServingStatus,
} from '../wire/health.ts';
import { serverStream, unary, type ApiContext, type Route } from './rpc.ts';

/**
 * grpc.health.v1.Health as grpc-go's health server answers for etcd: the server as a whole is the empty name
 * and serves once the member is ready; no other service is known.
 */
export function healthRoutes(api: ApiContext): readonly Route[] {
  return [checkRoute(api), listRoute(api), watchRoute(api)];
}

const wholeServer = '';

function statusOf({ readiness }: ApiContext): number {
  return readiness.isReady ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

function checkRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/grpc.health.v1.Health/Check',
    request: HealthCheckRequest,
    handle: (exchange, { service }) => {
      if (service === wholeServer) {
        exchange.respond(HealthCheckResponse.encode({ status: statusOf(api) }));
      } else exchange.fail({ code: Code.NotFound, text: 'unknown service' });
    },
  });
}

function listRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/grpc.health.v1.Health/List',
    request: HealthListRequest,
    handle: (exchange) => {
      const statuses = [{ key: wholeServer, value: { status: statusOf(api) } }];
      exchange.respond(HealthListResponse.encode({ statuses }));
    },
  });
}

/** Tells the status, again when the member becomes ready, and holds the stream. */
function watchRoute(api: ApiContext): Route {
  return serverStream(api, {
    path: '/grpc.health.v1.Health/Watch',
    request: HealthCheckRequest,
    handle: (exchange, { service }) => {
      const isWhole = service === wholeServer;
      const tell = (status: number): void =>
        void exchange.send(HealthCheckResponse.encode({ status }));
      tell(isWhole ? statusOf(api) : ServingStatus.SERVICE_UNKNOWN);
      if (isWhole) exchange.onOver(api.readiness.onReady(() => tell(ServingStatus.SERVING)));
    },
  });
}
