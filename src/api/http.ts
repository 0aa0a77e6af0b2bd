import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import type { Metrics } from '../host/metrics.ts';
import { clusterVersion, etcdVersion, storageVersion } from '../wire/version.ts';
import { healthRoutes, type HealthOptions } from './http-health.ts';
import { onlyGet, respondError, type HttpRequest, type HttpRoute } from './http-route.ts';

/**
 * What a member serves beside gRPC over plain HTTP: health, version and metrics, with etcd's exact bodies
 * (server/etcdserver/api/etcdhttp, server/embed/serve.go).
 */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpOptions extends HealthOptions {
  /** `--cors`: origins that browsers may call from; `*` or none at all is any. */
  readonly corsOrigins: readonly string[];
  /** `--host-whitelist`: Host headers that are served without TLS; `*` or none at all is any. */
  readonly hostWhitelist: readonly string[];
}

export interface HttpHandlers {
  /** For the client URLs. */
  readonly client: HttpHandler;
  /** For `--listen-metrics-urls`: health and metrics alone, and no access control. */
  readonly metrics: HttpHandler;
  /** For the peer URLs: the version alone. */
  readonly peer: HttpHandler;
  /** For client URLs that serve gRPC alone. */
  readonly none: HttpHandler;
}

export function createHttpHandlers(options: HttpOptions): HttpHandlers {
  const shared = [
    ...healthRoutes(options),
    ['/metrics', metricsRoute(options.metrics)],
  ] as const satisfies readonly (readonly [string, HttpRoute])[];
  const client = new Map<string, HttpRoute>([...shared, ['/version', onlyGet(version)]]);
  const routeClient = router(client);
  const mayEnter = accessControl(options);
  return {
    client: (request, response) => {
      if (mayEnter(request, response)) routeClient(request, response);
    },
    metrics: router(new Map(shared)),
    peer: router(new Map([['/version', onlyGet(version)]])),
    none: router(new Map()),
  };
}

function router(routes: ReadonlyMap<string, HttpRoute>): HttpHandler {
  return (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const parsed = parseTarget(url);
    if (parsed === undefined) return respondError(response, 400, '400 Bad Request');
    const { pathname: path, searchParams: query } = parsed;
    const acceptsGzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
    const route = routes.get(path);
    if (route === undefined) respondError(response, 404, '404 page not found');
    else route({ method, path, query, acceptsGzip }, response);
  };
}

/** A target is a path, or a whole URL when the client takes this server for a proxy. */
function parseTarget(target: string): URL | undefined {
  const whole = target.startsWith('/') ? `http://localhost${target}` : target;
  return URL.canParse(whole) ? new URL(whole) : undefined;
}

function version(_request: HttpRequest, response: ServerResponse): void {
  const versions = {
    etcdserver: etcdVersion,
    etcdcluster: clusterVersion,
    storage: storageVersion,
  };
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(versions));
}

/** Any method will do, as in client_golang; compressed on request, as Prometheus asks. */
function metricsRoute(metrics: Metrics): HttpRoute {
  return ({ acceptsGzip }, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    const text = metrics.render();
    if (!acceptsGzip) return void response.end(text);
    gzip(text, (error, compressed) => {
      if (error !== null) return void response.end(text);
      response.setHeader('Content-Encoding', 'gzip');
      response.end(compressed);
    });
  };
}

/** etcd's access controller: refuses unknown hosts (CVE-2018-5702), and answers what browsers ask first. */
function accessControl({ corsOrigins, hostWhitelist }: HttpOptions) {
  const isAnyOrigin = corsOrigins.length === 0 || corsOrigins.includes('*');
  const isAnyHost = hostWhitelist.length === 0 || hostWhitelist.includes('*');
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const host = hostName(request.headers.host ?? '');
    if (!isAnyHost && !isEncrypted(request) && !hostWhitelist.includes(host)) {
      respondError(response, 421, describeUnknownHost(host));
      return false;
    }
    const origin = isAnyOrigin ? '*' : request.headers.origin;
    if (origin !== undefined && (isAnyOrigin || corsOrigins.includes(origin))) {
      response.setHeader('Access-Control-Allow-Methods', 'POST, GET, OPTIONS, PUT, DELETE');
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Allow-Headers', 'accept, content-type, authorization');
    }
    if (request.method !== 'OPTIONS') return true;
    response.end();
    return false;
  };
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

/** A Host header without its port; an IPv6 address without its brackets. */
function hostName(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return bracketed ?? plain ?? host;
}

function describeUnknownHost(host: string): string {
  return (
    `The Host header ${JSON.stringify(host)} of this request is not on the list of those that are served ` +
    'without TLS, which guards against DNS rebinding (CVE-2018-5702). ' +
    'Use TLS, or add the name with --host-whitelist.'
  );
}
