import type { Message } from '../../../src/raft/types.ts';
import type { ServerMember } from '../../../src/server/member.ts';
import type { MemoryCluster } from '../../server/cluster.ts';
import type { Invariant, Probes, SimEvent, SimMember, SimView } from '../types.ts';
import { createInvariants } from './index.ts';

/**
 * Has all invariants look on at a cluster of the tests of whole members, which does not say what happens in it: so
 * after everything that falls due they look at every member.
 */
export class ChaosObserver implements SimView {
  readonly members = new Map<string, SimMember>();
  readonly invariants: readonly Invariant[];
  events = 0;
  private readonly cluster: MemoryCluster;
  private readonly sent = new Map<string, Message[]>();

  constructor(cluster: MemoryCluster, probes: Probes) {
    this.cluster = cluster;
    this.invariants = createInvariants(probes);
    const { scheduler } = cluster;
    const after = scheduler.after.bind(scheduler);
    const watched = (callback: () => void) => (): void => {
      callback();
      this.look();
    };
    scheduler.after = (delayMs, callback) => after(delayMs, watched(callback));
    for (const due of scheduler['due']) Object.assign(due, { callback: watched(due.callback) });
    this.look();
  }

  get nowMs(): number {
    return this.cluster.scheduler.nowMs();
  }

  takeSent(name: string): readonly Message[] {
    const sent = this.sent.get(name) ?? [];
    if (sent.length > 0) this.sent.set(name, []);
    return sent;
  }

  private look(): void {
    const { cluster } = this;
    for (const [name, { member }] of this.members) {
      if (cluster.running(name) === member) continue;
      this.members.delete(name);
      this.tell({ kind: 'end', name, isPowerLoss: true });
    }
    for (const name of cluster.names) {
      const member = cluster.running(name);
      if (member === undefined) continue;
      const isNew = this.members.get(name) === undefined;
      if (isNew) this.started(name, member);
      this.tell({ kind: isNew ? 'start' : 'turn', name });
    }
  }

  private started(name: string, member: ServerMember): void {
    this.members.set(name, { name, member, disk: this.cluster['place'](name).disk });
    const { transport } = member['loops'];
    const sent: Message[] = [];
    this.sent.set(name, sent);
    const send = transport.send.bind(transport);
    transport.send = (messages) => {
      const waiting = this.sent.get(name) ?? [];
      for (const message of messages) waiting.push(message);
      this.sent.set(name, waiting);
      send(messages);
    };
  }

  private tell(event: SimEvent): void {
    this.events++;
    for (const invariant of this.invariants) invariant.after(event, this);
  }
}
