import * as net from 'node:net';
import type { EngineName } from '../../src/grpc/engines.ts';
import { engineUnderTest } from '../grpc/engine-under-test.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Logger } from '../../src/host/logger.ts';
import type { Metrics } from '../../src/host/metrics.ts';
import { systemScheduler } from '../../src/host/scheduler.ts';
import type { PeerLimits } from '../../src/peer/limits.ts';
import { openPeerListener, type PeerListener } from '../../src/peer/peer-listener.ts';
import { PeerTransport } from '../../src/peer/transport.ts';
import type { PeerAddress, PeerIdentity } from '../../src/peer/types.ts';
import type { MemberId } from '../../src/raft/types.ts';
import { identityOf, RecordingEvents } from './recording-events.ts';

interface StartOptions {
  readonly identity?: Partial<PeerIdentity>;
  /** Listens where a member that is gone did. */
  readonly address?: string;
  readonly limits?: Partial<PeerLimits>;
  readonly metrics?: Metrics;
  readonly engine?: EngineName;
}

/** One end of real links: a transport, its port on loopback, and what it said. */
export class RealMember {
  readonly events = new RecordingEvents();
  readonly logs: string[] = [];
  readonly transport: PeerTransport;
  readonly identity: PeerIdentity;
  listener!: PeerListener;

  private constructor(id: MemberId, options: StartOptions) {
    this.identity = { ...identityOf(id), ...options.identity };
    const logger: Logger = {
      log: (level, msg, fields) => void this.logs.push(`${level} ${msg} ${JSON.stringify(fields)}`),
    };
    this.transport = new PeerTransport({
      identity: this.identity,
      events: this.events,
      scheduler: systemScheduler,
      random: seededRandom(Number(id)),
      engine: options.engine ?? engineUnderTest,
      logger,
      limits: { reconnectMinMs: 20, reconnectMaxMs: 100, ...options.limits },
      ...(options.metrics && { metrics: options.metrics }),
    });
  }

  static async start(id: MemberId, options: StartOptions = {}): Promise<RealMember> {
    const member = new RealMember(id, options);
    const outcome = await openPeerListener({
      engine: options.engine ?? engineUnderTest,
      addresses: [options.address ?? '127.0.0.1:0'],
      handlers: member.transport.handlers,
      http: (_request, response) => response.end('{"etcdserver":"3.7.3"}'),
      requestBytesMax: 1.5 * 1024 * 1024,
    });
    if (!outcome.ok) throw new Error(outcome.error.text);
    member.listener = outcome.listener;
    return member;
  }

  get id(): MemberId {
    return this.identity.memberId;
  }

  get address(): string {
    return this.listener.addresses[0] ?? '';
  }

  get peerAddress(): PeerAddress {
    const { memberId, incarnation } = this.identity;
    return { memberId, peerUrls: [`http://${this.address}`], incarnation };
  }

  get port(): number {
    return Number(this.address.split(':').at(-1));
  }

  /** Stops as a process does that is killed: sockets break, nobody is told. */
  async stop(): Promise<void> {
    await new Promise<void>((done) => this.transport.close(done));
    await new Promise<void>((done) => this.listener.close(0, done));
  }
}

/** Lets each know all others. */
export function introduce(...members: readonly RealMember[]): void {
  const addresses = members.map((member) => member.peerAddress);
  for (const member of members) member.transport.setPeers(addresses);
}

/** A gate in front of a port that can go silent, as a network does that loses everything. */
export class Gate {
  private readonly server: net.Server;
  private readonly pairs: (readonly [net.Socket, net.Socket])[] = [];
  private isShut = false;

  private constructor(targetPort: number) {
    this.server = net.createServer((near) => {
      const far = net.connect(targetPort, '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      this.pairs.push([near, far]);
      if (this.isShut) return;
      near.pipe(far);
      far.pipe(near);
    });
  }

  static async open(targetPort: number): Promise<Gate> {
    const gate = new Gate(targetPort);
    await new Promise<void>((done) => gate.server.listen(0, '127.0.0.1', done));
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  get connectionCount(): number {
    return this.pairs.filter(([near]) => !near.destroyed).length;
  }

  /** From now on no byte passes, and no connection ends. */
  shut(): void {
    this.isShut = true;
    for (let i = 0; i < this.pairs.length; i++) this.stall(i);
  }

  /** No byte passes any more on one connection, counted from 0 in the order in which they came. */
  stall(index: number): void {
    for (const socket of this.pairs[index] ?? []) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** New connections pass again; those of before stay dead. */
  reopen(): void {
    this.isShut = false;
  }

  close(): Promise<void> {
    for (const [near] of this.pairs) near.destroy();
    return new Promise((done) => this.server.close(() => done()));
  }
}
