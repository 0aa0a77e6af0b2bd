import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../src/base/random.ts';
import type { Links } from './links.ts';
import { Pipe } from './pipe.ts';

export interface PeerProxyOptions {
  /** The member before whose peer listener it stands. */
  readonly member: string;
  /** What the member advertises. */
  readonly port: number;
  /** Where it listens. */
  readonly targetPort: number;
  readonly links: Links;
  readonly random: Random;
  /** The member that called from that port; undefined: nobody who runs now. */
  readonly callerAt: (localPort: number) => Promise<string | undefined>;
}

/** Stands before one member's peer listener; every other member reaches it through this alone. */
export class PeerProxy {
  readonly #options: PeerProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: PeerProxyOptions) {
    this.#options = options;
    const open = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    this.#server = createServer(open, (socket) => this.#accept(socket));
  }

  /** @throws when the port is taken. */
  static async listen(options: PeerProxyOptions): Promise<PeerProxy> {
    const proxy = new PeerProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(options.port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#keep(socket);
    const { remotePort } = socket;
    if (remotePort === undefined) {
      socket.destroy();
      return;
    }
    void this.#options.callerAt(remotePort).then((caller) => {
      if (caller === undefined || !this.#server.listening) socket.destroy();
      else this.#connect(socket, caller);
    });
  }

  #connect(socket: Socket, caller: string): void {
    const { member, links, random, targetPort } = this.#options;
    const isRefused =
      links.fault(caller, member)?.cut === 'refuse' ||
      links.fault(member, caller)?.cut === 'refuse';
    if (isRefused) {
      links.meet(caller, member);
      socket.resetAndDestroy();
      return;
    }
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    target.setNoDelay(true);
    this.#keep(target);
    const there = new Pipe(
      { from: socket, to: target, sender: caller, receiver: member },
      links,
      random,
    );
    const back = new Pipe(
      { from: target, to: socket, sender: member, receiver: caller },
      links,
      random,
    );
    const stop = links.onChange(() => {
      there.pump();
      back.pump();
    });
    let open = 2;
    for (const each of [socket, target]) {
      each.once('close', () => {
        open -= 1;
        if (open === 0) stop();
      });
    }
    socket.resume();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // Its end is what matters, and `close` tells that.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
