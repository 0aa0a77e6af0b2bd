import { assert } from '../base/assert.ts';
import type { Scheduler } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { openChannel, type EngineName } from '../grpc/engines.ts';
import type { Handlers, StreamCall } from '../grpc/types.ts';
import { silentLogger, type Logger } from '../host/logger.ts';
import type { Metrics } from '../host/metrics.ts';
import type { MemberId, Message } from '../raft/types.ts';
import { Code, errors, failed, type Outcome } from '../wire/errors.ts';
import type { PeerContext } from './context.ts';
import { PeerDirectory } from './directory.ts';
import { EndWatch } from './end-watch.ts';
import { describeId } from './handshake.ts';
import type { Incoming } from './incoming.ts';
import { IncomingMessages } from './incoming-messages.ts';
import { IncomingSnapshot } from './incoming-snapshot.ts';
import { knock } from './knock.ts';
import { defaultPeerLimits, peerWindowBytes, type PeerLimits } from './limits.ts';
import { Link } from './link.ts';
import { Lane, messagesPath, snapshotPath, type HelloRequest } from './messages.ts';
import { OutgoingSnapshot } from './outgoing-snapshot.ts';
import { peerMetrics } from './peer-metrics.ts';
import type {
  Answer,
  PeerAddress,
  PeerIdentity,
  Question,
  SnapshotSource,
  Transport,
  TransportEvents,
} from './types.ts';

export interface PeerTransportOptions {
  readonly identity: PeerIdentity;
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  /** Spreads the attempts to connect over time. */
  readonly random: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly limits?: Partial<PeerLimits>;
  /** What it calls the others with; theirs may be the other one. */
  readonly engine: EngineName;
  /** In place of the real one. */
  readonly knock?: typeof knock;
}

/** A link on which nothing has come for so long counts for nothing; etcd reads 5 s too. */
const connectedSilenceMs = 5_000;

/** The links between members over gRPC. `handlers` are what the peer port serves (`openPeerListener`). */
export class PeerTransport implements Transport {
  readonly handlers: Handlers;
  private readonly context: PeerContext;
  private readonly directory: PeerDirectory;
  private readonly links = new Map<MemberId, Link>();
  private readonly heardMs = new Map<MemberId, number>();
  private readonly incoming = new Map<string, Incoming>();
  private readonly endWatches = new Map<MemberId, EndWatch>();
  private readonly snapshots = new Map<MemberId, OutgoingSnapshot>();
  /** What to tell the shell at the start of a later turn. */
  private readonly unreachable = new Set<MemberId>();
  private due: (() => void)[] = [];
  private isReportDue = false;
  private isOpen = true;

  constructor(options: PeerTransportOptions) {
    const { identity, scheduler } = options;
    const limits = { ...defaultPeerLimits, ...options.limits };
    this.directory = new PeerDirectory(identity.memberId, scheduler, limits.removalGraceMs);
    this.context = {
      identity,
      events: options.events,
      scheduler,
      random: options.random,
      logger: options.logger ?? silentLogger,
      metrics: peerMetrics(options.metrics, identity.memberId),
      limits,
      openChannel: (address) =>
        openChannel(options.engine, {
          addresses: [address],
          reconnectMaxMs: defaultPeerLimits.reconnectMaxMs,
          flowControlWindowBytes: peerWindowBytes,
        }),
      knock: options.knock ?? knock,
      directory: this.directory,
      told: new Map(),
      heard: (from) => void this.heardMs.set(from, scheduler.nowMs()),
      greeted: (hello) => this.greeted(hello),
    };
    this.handlers = new Map([
      [messagesPath, { kind: 'bidi', open: (call) => this.receiveMessages(call) }],
      [snapshotPath, { kind: 'bidi', open: (call) => this.receiveSnapshot(call) }],
    ]);
  }

  send(messages: readonly Message[]): void {
    if (!this.isOpen) return;
    for (const message of messages) {
      assert(message.type !== 'MsgSnap', 'a snapshot is streamed, not sent');
      const link = this.links.get(message.to);
      if (link === undefined) this.reportUnreachable(message.to);
      else link.send(message);
    }
  }

  sendSnapshot(message: Message & { readonly type: 'MsgSnap' }, source: SnapshotSource): void {
    const { to } = message;
    const link = this.links.get(to);
    if (!this.isOpen || link === undefined || this.snapshots.has(to)) {
      source.close();
      this.report(() => this.context.events.snapshotSent(to, false));
      return;
    }
    const snapshot = new OutgoingSnapshot({
      context: this.context,
      peer: link.address,
      peerUrl: link.peerUrl,
      message,
      source,
      ended: (reason) => {
        this.snapshots.delete(to);
        this.logSnapshot(message, reason);
        this.report(() => this.context.events.snapshotSent(to, reason === undefined));
      },
    });
    this.snapshots.set(to, snapshot);
    snapshot.start();
  }

  setPeers(peers: readonly PeerAddress[], removed: ReadonlySet<MemberId> = new Set()): void {
    if (!this.isOpen) return;
    this.directory.set(peers, removed);
    for (const peer of this.directory.members) this.link(peer);
    this.dropStrangers();
  }

  /** Ends the links with those who are not members any more, now or when their grace is over. */
  private dropStrangers(): void {
    let isSomeoneLeaving = false;
    for (const [id, link] of this.links) {
      if (this.directory.get(id) !== undefined) {
        isSomeoneLeaving ||= this.directory.isLeaving(id);
        continue;
      }
      link.close();
      this.links.delete(id);
      this.endWatches.get(id)?.stop();
      this.endWatches.delete(id);
      this.snapshots.get(id)?.abort('the member was removed');
    }
    for (const stream of this.incoming.values()) stream.reconsider();
    if (!isSomeoneLeaving) return;
    const { scheduler, limits } = this.context;
    scheduler.after(limits.removalGraceMs, () => {
      if (this.isOpen) this.dropStrangers();
    });
  }

  /** A member has opened a stream to this one. One that the record does not name yet is to be answered too. */
  private greeted({ from, peerUrls }: HelloRequest): void {
    if (this.directory.get(from) === undefined) {
      this.directory.introduce({ memberId: from, peerUrls, incarnation: undefined });
    }
    const peer = this.directory.get(from);
    if (peer !== undefined && !this.links.has(from)) this.link(peer);
    else this.links.get(from)?.nudge();
  }

  ask(
    to: MemberId,
    question: Question,
    timeoutMs: number,
    done: (answer: Outcome<Answer>) => void,
  ): void {
    if (this.isOpen && this.links.get(to)?.ask(question, timeoutMs, done) === true) return;
    this.context.scheduler.after(0, () => done(failed(errors.timeoutConnectionLost)));
  }

  activePeers(withinMs: number): ReadonlySet<MemberId> {
    const sinceMs = this.context.scheduler.nowMs() - withinMs;
    const active = new Set<MemberId>();
    for (const { memberId } of this.directory.members) {
      const heardMs = this.heardMs.get(memberId) ?? Number.NEGATIVE_INFINITY;
      if (heardMs >= sinceMs) active.add(memberId);
    }
    return active;
  }

  connectedPeers(): ReadonlySet<MemberId> {
    const heard = this.activePeers(connectedSilenceMs);
    return new Set([...heard].filter((id) => this.links.get(id)?.isOpen === true));
  }

  close(done: () => void): void {
    this.isOpen = false;
    for (const link of this.links.values()) link.close();
    for (const watch of this.endWatches.values()) watch.stop();
    for (const snapshot of this.snapshots.values()) snapshot.abort('the member is stopping');
    for (const stream of this.incoming.values()) {
      stream.end(Code.Unavailable, 'the member is stopping');
    }
    this.links.clear();
    this.context.scheduler.endOfTurn(done);
  }

  private link(peer: PeerAddress): void {
    const { memberId } = peer;
    const known = this.links.get(memberId);
    if (known === undefined) {
      const link = new Link(this.context, peer, {
        unreachable: () => this.reportUnreachable(memberId),
        refused: ({ reason, isFinal }) =>
          this.report(() => this.context.events.refused(memberId, reason, isFinal)),
        broken: (peerUrl) => this.watchEnd(memberId, peerUrl),
      });
      this.links.set(memberId, link);
      link.start();
    } else if (!isSameAddress(known.address, peer)) known.readdress(peer);
  }

  /** A link has broken that stood: perhaps because there is no process any more at its other side. */
  private watchEnd(memberId: MemberId, peerUrl: string): void {
    this.endWatches.get(memberId)?.stop();
    const watch = new EndWatch({
      context: this.context,
      peerUrl,
      isAlive: () => this.links.get(memberId)?.isOpen === true || this.isHeard(memberId),
      ended: () => {
        this.endWatches.delete(memberId);
        this.report(() => this.context.events.gone(memberId));
      },
    });
    this.endWatches.set(memberId, watch);
    watch.start();
  }

  /** A stream that the member has opened stands. */
  private isHeard(memberId: MemberId): boolean {
    for (const stream of this.incoming.values()) if (stream.isFrom(memberId)) return true;
    return false;
  }

  private receiveMessages(call: StreamCall): Incoming {
    return new IncomingMessages({
      context: this.context,
      call,
      lanes: [Lane.control, Lane.bulk],
      unwrapHello: IncomingMessages.unwrapHello,
      wrapHello: IncomingMessages.wrapHello,
      open: this.incoming,
    });
  }

  private receiveSnapshot(call: StreamCall): Incoming {
    return new IncomingSnapshot({
      context: this.context,
      call,
      lanes: [Lane.snapshot],
      unwrapHello: IncomingSnapshot.unwrapHello,
      wrapHello: IncomingSnapshot.wrapHello,
      open: this.incoming,
    });
  }

  private reportUnreachable(id: MemberId): void {
    if (this.unreachable.has(id)) return;
    this.unreachable.add(id);
    this.report(() => {
      this.unreachable.delete(id);
      this.context.events.unreachable(id);
    });
  }

  /** Tells the shell something in a later turn, so that none of its own calls into here leads back to it. */
  private report(event: () => void): void {
    this.due.push(event);
    if (this.isReportDue) return;
    this.isReportDue = true;
    this.context.scheduler.after(0, () => {
      const { due } = this;
      this.isReportDue = false;
      this.due = [];
      for (const tell of due) if (this.isOpen) tell();
    });
  }

  private logSnapshot(message: Message, reason: string | undefined): void {
    const fields = { 'remote-peer-id': describeId(message.to), ...(reason && { reason }) };
    if (reason === undefined) this.context.logger.log('info', 'sent a snapshot', fields);
    else this.context.logger.log('warn', 'failed to send a snapshot', fields);
  }
}

function isSameAddress(a: PeerAddress, b: PeerAddress): boolean {
  return a.incarnation === b.incarnation && a.peerUrls.join() === b.peerUrls.join();
}
