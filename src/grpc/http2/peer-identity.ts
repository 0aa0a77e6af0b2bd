import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** Who is at the other end of a socket. */

/** `host:port`; a Unix socket has no name for its client, for which Go prints this. */
export function remoteAddressOf(socket: Duplex): string {
  if (!(socket instanceof Socket) || socket.remoteAddress === undefined) return '@';
  const { remoteAddress, remotePort } = socket;
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
  return `${host}:${remotePort}`;
}

/** The common name in the certificate that the other end has shown and that was verified. */
export function commonNameOf(socket: Duplex): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as { CN?: string } | undefined;
  return subject?.CN;
}
