import type { ServerResponse } from 'node:http';

/** A request as the routes see it. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly acceptsGzip: boolean;
}

export type HttpRoute = (request: HttpRequest, response: ServerResponse) => void;

/** Answers other methods as etcd does. */
export function onlyGet(route: HttpRoute): HttpRoute {
  return (request, response) => {
    if (request.method === 'GET') return route(request, response);
    response.setHeader('Allow', 'GET');
    respondError(response, 405, 'Method Not Allowed');
  };
}

/** As Go's http.Error: plain text, ended by a newline. */
export function respondError(response: ServerResponse, status: number, text: string): void {
  respondText(response, status, `${text}\n`);
}

export function respondText(response: ServerResponse, status: number, body: string): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.statusCode = status;
  response.end(body);
}
