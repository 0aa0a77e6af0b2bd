import type { Socket } from 'node:net';

/** Every HTTP/2 connection of a client that knows what it wants starts with these bytes (RFC 9113, section 3.4). */
const http2Preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export type Protocol = 'http2' | 'http1';

/**
 * Reads as much of a new connection as tells which protocol it speaks, and puts it back. `found` is called at
 * most once: not for a connection that ends, breaks or says nothing within `timeoutMs`, which is destroyed.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  found: (protocol: Protocol) => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('end', giveUp);
    socket.off('close', stop);
  };
  const giveUp = (): void => void socket.destroy();
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const known = Math.min(head.length, http2Preface.length);
    const isHttp2 = head.compare(http2Preface, 0, known, 0, known) === 0;
    if (isHttp2 && known < http2Preface.length) return;
    stop();
    socket.unshift(head);
    found(isHttp2 ? 'http2' : 'http1');
  };
  socket.on('readable', read);
  socket.on('end', giveUp);
  socket.on('close', stop);
}
