import type * as net from 'node:net';
import { connectSocket } from './http2/socket-reads.ts';
import type { ListenAddress } from './listen-address.ts';

/** Begins to connect; `opened` is called once the socket carries bytes. What goes wrong is the socket's `error`. */
export type Connect = (address: ListenAddress, opened: () => void) => net.Socket;

/** After so long in silence TCP itself asks whether the other side is still there, as Go's sockets do. */
const tcpKeepAliveMs = 15_000;

/** Over TCP without TLS, or over a Unix socket. */
export const connectPlain: Connect = (address, opened) => {
  if (address.kind === 'unix') return connectSocket({ path: address.path }, opened);
  const { port } = address;
  const host = address.host === '' ? 'localhost' : address.host;
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs };
  return connectSocket({ host, port, noDelay: true, ...keepAlive }, opened);
};

/** Node tries all addresses of a name, and then tells of each in an error without a text of its own. */
export function describeSocketError(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  return error.errors
    .map((each) => (each instanceof Error ? each.message : String(each)))
    .join(', ');
}
