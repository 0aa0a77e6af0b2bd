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
 * and serves for as long as there is somebody to ask; no other service is known.
 */
export function healthRoutes(api: ApiContext): readonly Route[] {
  return [checkRoute(api), listRoute(api), watchRoute(api)];
}

const wholeServer = '';

function checkRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/grpc.health.v1.Health/Check',
    request: HealthCheckRequest,
    handle: (exchange, { service }) => {
      if (service === wholeServer) {
        exchange.respond(HealthCheckResponse.encode({ status: ServingStatus.SERVING }));
      } else exchange.fail({ code: Code.NotFound, text: 'unknown service' });
    },
  });
}

function listRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/grpc.health.v1.Health/List',
    request: HealthListRequest,
    handle: (exchange) => {
      const statuses = [{ key: wholeServer, value: { status: ServingStatus.SERVING } }];
      exchange.respond(HealthListResponse.encode({ statuses }));
    },
  });
}

/** Tells the status and holds the stream: it does not change until the server ends the connection. */
function watchRoute(api: ApiContext): Route {
  return serverStream(api, {
    path: '/grpc.health.v1.Health/Watch',
    request: HealthCheckRequest,
    handle: (exchange, { service }) => {
      const { SERVING, SERVICE_UNKNOWN } = ServingStatus;
      const status = service === wholeServer ? SERVING : SERVICE_UNKNOWN;
      exchange.send(HealthCheckResponse.encode({ status }));
    },
  });
}
