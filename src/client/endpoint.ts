import { connect } from 'node:net';

/** Where a server is reached: `host:port` or `unix://path`, as channels take it. */
export type Address = string;

export type ParsedEndpoint =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly problem: string };

/**
 * Endpoints come bare or as URLs (client/v3/internal/endpoint): `127.0.0.1:2379`,
 * `http://host:2379`, `unix:///path`.
 */
export function parseEndpoint(endpoint: string): ParsedEndpoint {
  const [, scheme = '', rest = ''] =
    /^(?:([a-z]+):(?:\/\/)?(?!\d+$))?(.*)$/i.exec(endpoint.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case 'unix':
      return { ok: true, address: `unix://${rest}` };
    case 'https':
    case 'unixs':
      return { ok: false, problem: `endpoint ${endpoint} needs TLS, which is not built` };
    case '':
    case 'http': {
      const hostPort = rest.replace(/\/.*$/, '');
      if (hostPort === '') return { ok: false, problem: `endpoint "${endpoint}" names no host` };
      return { ok: true, address: /:\d+$/.test(hostPort) ? hostPort : `${hostPort}:2379` };
    }
    default:
      // A host without a scheme, such as `localhost:2379`, looks like one up to here.
      return { ok: true, address: endpoint.trim() };
  }
}

/** Whether something listens there: resolves once a connection stands, and closes it. */
export function probeAddress(address: Address, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = address.startsWith('unix://')
      ? connect({ path: address.slice('unix://'.length) })
      : connect(hostAndPort(address));
    socket.setTimeout(Math.max(1, timeoutMs), () => socket.destroy(new Error('timed out')));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

function hostAndPort(address: Address): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}
