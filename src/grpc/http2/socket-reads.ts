import * as net from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * What comes on plain sockets, read into one buffer for all of them. Left to itself Node gives each read memory of
 * its own, 64 KiB that are cut to size afterwards, and passes it through a stream: for a request of some hundred
 * bytes that costs as much as all else about it. TLS sockets are left to Node.
 */

/** What libuv suggests for one read. */
const readBytesMax = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(readBytesMax);

/** Takes what has come: a view, which is overwritten as soon as it returns. */
export type Receive = (chunk: Buffer) => void;

/** Sockets that read into `shared`, and who takes it. */
const readings = new WeakMap<Duplex, Reading>();

class Reading {
  /** Before somebody listens. */
  private early: Buffer[] = [];
  private receive: Receive | undefined;

  readonly onread = {
    buffer: shared,
    callback: (bytes: number): boolean => {
      this.take(shared.subarray(0, bytes));
      return true;
    },
  };

  take(chunk: Buffer): void {
    if (this.receive === undefined) this.early.push(Buffer.from(chunk));
    else this.receive(chunk);
  }

  listen(receive: Receive): void {
    const { early } = this;
    this.early = [];
    this.receive = receive;
    // Not before who listens has all that he needs: nothing else comes before that.
    process.nextTick(() => {
      for (const chunk of early) receive(chunk);
    });
  }
}

/** Who takes what comes on a socket from now on, once and for all. */
export function receiveFrom(socket: Duplex, receive: Receive): void {
  const reading = readings.get(socket);
  if (reading === undefined) socket.on('data', receive);
  else reading.listen(receive);
  socket.resume();
}

/** Like `net.connect`. */
export function connectSocket(options: net.NetConnectOpts, opened: () => void): net.Socket {
  const reading = new Reading();
  const socket = net.connect({ ...options, onread: reading.onread }, opened);
  readings.set(socket, reading);
  return socket;
}

/**
 * A socket in the place of one that a server was given, which stays its shadow: the end of either ends the other.
 * `net.Server` cannot make sockets that read this way, so the handle changes hands, which Node does not document;
 * without one the socket is used as it is.
 */
export function takeOver(socket: Duplex): Duplex {
  if (!isPlain(socket) || socket.destroyed) return socket;
  const { _handle: handle, _readableState: state } = socket;
  // Of an end that has come already the handle would say nothing again.
  if (handle === null || handle === undefined || state?.ended !== false) return socket;
  const head = socket.read() as Buffer | null;
  const reading = new Reading();
  if (head !== null) reading.take(head);
  socket._handle = null;
  const taken = new net.Socket(optionsOf(handle, reading));
  readings.set(taken, reading);
  taken.once('close', () => socket.destroy());
  socket.once('close', () => taken.destroy());
  return taken;
}

/** Of these Node documents `onread` for sockets that connect only, and `handle` not at all. */
function optionsOf(handle: unknown, { onread }: Reading): net.SocketConstructorOpts {
  return Object.assign<net.SocketConstructorOpts, object>({}, { handle, onread });
}

interface PlainSocket extends net.Socket {
  _handle: unknown;
  readonly _readableState: { readonly ended: boolean } | undefined;
}

/** Neither TLS nor anything else that only behaves like a socket. */
function isPlain(socket: Duplex): socket is PlainSocket {
  return socket.constructor === net.Socket && '_handle' in socket;
}
