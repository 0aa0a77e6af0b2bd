import { assert } from '../base/assert.ts';
import type { Scheduler } from '../base/clock.ts';
import type { MemberId, Message } from '../raft/types.ts';
import { describeId, helloTo, judgeAnswer, judgeHello, type Refusal } from './handshake.ts';
import { errors, failed, type Outcome } from '../wire/errors.ts';
import { PeerDirectory } from './directory.ts';
import { defaultPeerLimits } from './limits.ts';
import { perfectLinks, type LinkPolicy } from './memory-links.ts';
import { MemorySnapshotStream } from './memory-snapshot.ts';
import type {
  Answer,
  PeerAddress,
  PeerIdentity,
  Question,
  SnapshotSource,
  Transport,
  TransportEvents,
} from './types.ts';

/**
 * The memory twin of the transport: members in one process, on the scheduler's time, over links that a policy
 * may cut, slow and disturb. It keeps the real one's manners: nothing re-entrant, the same refusals, one
 * snapshot at a time.
 */
export class MemoryNetwork {
  readonly scheduler: Scheduler;
  readonly links: LinkPolicy;
  private readonly members = new Map<MemberId, MemoryTransport>();

  constructor(scheduler: Scheduler, links: LinkPolicy = perfectLinks) {
    this.scheduler = scheduler;
    this.links = links;
  }

  /** A member starts. One that is there under the same id must have been closed before. */
  join(identity: PeerIdentity, events: TransportEvents): Transport {
    assert(
      !this.members.has(identity.memberId),
      `member ${describeId(identity.memberId)} is running`,
    );
    const transport = new MemoryTransport(this, identity, events);
    this.members.set(identity.memberId, transport);
    return transport;
  }

  memberOf(id: MemberId): MemoryTransport | undefined {
    return this.members.get(id);
  }

  leave(member: MemoryTransport): void {
    if (this.members.get(member.id) !== member) return;
    this.members.delete(member.id);
    for (const other of this.members.values()) other.linkedWithEnded(member.id);
  }
}

/** One member's end. Made by `MemoryNetwork.join`. */
export class MemoryTransport implements Transport {
  readonly events: TransportEvents;
  private readonly network: MemoryNetwork;
  private readonly identity: PeerIdentity;
  private readonly directory: PeerDirectory;
  private readonly heardMs = new Map<MemberId, number>();
  private readonly unreachable = new Set<MemberId>();
  /** The last reason reported for each peer, so that a standing refusal is reported once. */
  private readonly refusals = new Map<MemberId, string>();
  private readonly outgoing = new Map<MemberId, MemorySnapshotStream>();
  private readonly incoming = new Set<MemorySnapshotStream>();
  private isOpen = true;
  private isKnocking = false;

  constructor(network: MemoryNetwork, identity: PeerIdentity, events: TransportEvents) {
    this.network = network;
    this.identity = identity;
    this.events = events;
    this.directory = new PeerDirectory(
      identity.memberId,
      network.scheduler,
      defaultPeerLimits.removalGraceMs,
    );
  }

  get id(): MemberId {
    return this.identity.memberId;
  }

  send(messages: readonly Message[]): void {
    if (!this.isOpen) return;
    // A few: one for each receiver and delay.
    const batches: { to: MemoryTransport; delayMs: number; messages: Message[] }[] = [];
    for (const message of messages) {
      assert(message.type !== 'MsgSnap', 'a snapshot is streamed, not sent');
      const to = this.linkTo(message.to);
      if (to === undefined) continue;
      for (const delayMs of this.network.links.delaysMs(this.id, to.id, message)) {
        const batch = batches.find((each) => each.to === to && each.delayMs === delayMs);
        if (batch === undefined) batches.push({ to, delayMs, messages: [message] });
        else batch.messages.push(message);
      }
    }
    for (const batch of batches) {
      this.later(batch.delayMs, () => batch.to.receive(this.id, batch.messages));
    }
  }

  sendSnapshot(message: Message & { readonly type: 'MsgSnap' }, source: SnapshotSource): void {
    const to = this.isOpen ? this.linkTo(message.to) : undefined;
    if (to === undefined || this.outgoing.has(message.to)) {
      source.close();
      this.later(0, () => this.whileOpen(() => this.events.snapshotSent(message.to, false)));
      return;
    }
    const stream = new MemorySnapshotStream({
      message,
      source,
      scheduler: this.network.scheduler,
      receiver: to,
      /** One chunk's way through the link; undefined when the link breaks. */
      nextDelayMs: () =>
        to.isOpen && this.isOpen && this.network.links.isConnected(this.id, to.id)
          ? this.network.links.delaysMs(this.id, to.id, message)[0]
          : undefined,
      ended: (isDelivered) => {
        this.outgoing.delete(message.to);
        to.incoming.delete(stream);
        this.later(0, () =>
          this.whileOpen(() => this.events.snapshotSent(message.to, isDelivered)),
        );
      },
    });
    this.outgoing.set(message.to, stream);
    to.incoming.add(stream);
    stream.start();
  }

  setPeers(peers: readonly PeerAddress[], removed: ReadonlySet<MemberId> = new Set()): void {
    const left = [...this.directory.members].filter(({ memberId }) => removed.has(memberId));
    this.directory.set(peers, removed);
    this.refusals.clear();
    if (!this.isKnocking) this.knock();
    for (const { memberId } of left) {
      // The real one ends the streams then, and the member that was removed connects again to be told.
      this.later(defaultPeerLimits.removalGraceMs, () => {
        const gone = this.network.memberOf(memberId);
        gone?.whileOpen(() => void gone.linkTo(this.id));
      });
    }
  }

  connectedPeers(): ReadonlySet<MemberId> {
    const { links } = this.network;
    const connected = new Set<MemberId>();
    for (const peer of this.directory.members) {
      const { memberId: id } = peer;
      const other = this.network.memberOf(id);
      const isLinked = links.isConnected(this.id, id) && links.isConnected(id, this.id);
      if (other === undefined || !isLinked) continue;
      if (this.refusalBy(other, peer) === undefined) connected.add(id);
    }
    return connected;
  }

  ask(
    to: MemberId,
    question: Question,
    timeoutMs: number,
    done: (answer: Outcome<Answer>) => void,
  ): void {
    const other = this.isOpen ? this.linkTo(to) : undefined;
    if (other === undefined) {
      this.later(0, () => done(failed(errors.timeoutConnectionLost)));
      return;
    }
    let isOpen = true;
    const end = (outcome: Outcome<Answer>): void => {
      if (isOpen) done(outcome);
      isOpen = false;
    };
    this.later(timeoutMs, () => end(failed(errors.timeout)));
    this.carry(other, 'question', () =>
      other.events.asked(this.id, question, (answer) =>
        other.carry(this, 'answer', () => end(answer)),
      ),
    );
  }

  activePeers(withinMs: number): ReadonlySet<MemberId> {
    const sinceMs = this.network.scheduler.nowMs() - withinMs;
    const active = new Set<MemberId>();
    const recorded = new Set([...this.directory.members].map(({ memberId }) => memberId));
    for (const [id, heardMs] of this.heardMs) {
      if (heardMs >= sinceMs && recorded.has(id)) active.add(id);
    }
    return active;
  }

  close(done: () => void): void {
    this.isOpen = false;
    this.network.leave(this);
    for (const stream of [...this.outgoing.values(), ...this.incoming]) stream.fail();
    this.later(0, done);
  }

  /** Whether a snapshot offered by `from` may be shown to this member's shell. */
  accepts(from: MemberId): boolean {
    return this.isOpen && this.directory.get(from) !== undefined;
  }

  private greeted(memberId: MemberId, peerUrls: readonly string[]): void {
    if (this.directory.get(memberId) !== undefined) return;
    this.directory.introduce({ memberId, peerUrls, incarnation: undefined });
    // The real one connects at once, and may be refused before it has anything to send.
    this.later(0, () => this.whileOpen(() => void this.linkTo(memberId)));
  }

  private receive(from: MemberId, messages: readonly Message[]): void {
    if (!this.accepts(from)) return;
    this.heardMs.set(from, this.network.scheduler.nowMs());
    this.events.received(messages);
  }

  /** As the real one, which finds that its links have broken and that nothing listens any more. */
  linkedWithEnded(memberId: MemberId): void {
    const delayMs = this.network.links.endShowsMs(memberId, this.id);
    if (delayMs === undefined || this.directory.get(memberId) === undefined) return;
    this.later(delayMs, () => this.whileOpen(() => this.events.gone(memberId)));
  }

  /** Takes something to the other end, unless the link loses it or that end is closed by then. */
  private carry(to: MemoryTransport, type: 'question' | 'answer', arrive: () => void): void {
    for (const delayMs of this.network.links.delaysMs(this.id, to.id, { type })) {
      this.later(delayMs, () => {
        if (to.accepts(this.id)) arrive();
      });
    }
  }

  /** As the real one, which keeps connecting: who has nothing to say is told all the same that it was removed. */
  private knock(): void {
    this.isKnocking = this.isOpen;
    if (!this.isOpen) return;
    for (const peer of this.directory.members) {
      const other = this.network.memberOf(peer.memberId);
      if (other === undefined || !this.network.links.isConnected(this.id, other.id)) continue;
      const [delayMs] = this.network.links.delaysMs(this.id, other.id, { type: 'question' });
      if (delayMs !== undefined) this.later(delayMs, () => this.knockAt(other, peer));
    }
    this.later(defaultPeerLimits.reconnectMaxMs, () => this.knock());
  }

  private knockAt(other: MemoryTransport, peer: PeerAddress): void {
    const refusal = this.isOpen && other.isOpen ? this.refusalBy(other, peer) : undefined;
    if (refusal?.isFinal === true) this.reportRefused(other.id, refusal);
  }

  /** The other end, if it is there and the two of them accept one another. */
  private linkTo(id: MemberId): MemoryTransport | undefined {
    const peer = this.directory.get(id);
    const other = this.network.memberOf(id);
    if (peer !== undefined && other !== undefined && this.network.links.isConnected(this.id, id)) {
      const refusal = this.refusalBy(other, peer);
      if (refusal === undefined) {
        this.refusals.delete(id);
        return other;
      }
      this.reportRefused(id, refusal);
    }
    this.reportUnreachable(id);
    return undefined;
  }

  private refusalBy(other: MemoryTransport, expected: PeerAddress): Refusal | undefined {
    const hello = helloTo(other.id, this.identity, this.directory.ownPeerUrls);
    const refusal = judgeHello(other.identity, other.directory, hello);
    if (refusal !== undefined) return refusal;
    other.greeted(this.id, this.directory.ownPeerUrls);
    const reason = judgeAnswer(expected, this.identity, other.identity);
    return reason === undefined ? undefined : { reason, isFinal: false };
  }

  private reportRefused(id: MemberId, refusal: Refusal): void {
    if (this.refusals.get(id) === refusal.reason) return;
    this.refusals.set(id, refusal.reason);
    this.later(0, () =>
      this.whileOpen(() => this.events.refused(id, refusal.reason, refusal.isFinal)),
    );
  }

  private reportUnreachable(id: MemberId): void {
    if (this.unreachable.has(id)) return;
    this.unreachable.add(id);
    this.later(0, () => {
      this.unreachable.delete(id);
      this.whileOpen(() => this.events.unreachable(id));
    });
  }

  private whileOpen(action: () => void): void {
    if (this.isOpen) action();
  }

  private later(delayMs: number, action: () => void): void {
    this.network.scheduler.after(delayMs, action);
  }
}
