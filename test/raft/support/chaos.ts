import { assert, mustGet } from '../../../src/base/assert.ts';
import { emptyBytes, utf8 } from '../../../src/base/bytes.ts';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import {
  leaveJoint,
  type ConfChange,
  type ConfChangeSingle,
} from '../../../src/raft/confchange.ts';
import { Cluster, type InTransit } from './cluster.ts';
import { Invariants } from './invariants.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { TestMember } from './member.ts';

/** Members that begin outside the configuration. */
const spares = 2;
const oldMessagesMax = 200;

/**
 * A small cluster in a bad world, from a seed: messages are lost, repeated, reordered and brought back much
 * later; batches complete late; members crash and lose what was not synced; configurations, leaders and
 * snapshots come and go. Every turn of every member is held against the invariants.
 */
export class Chaos {
  readonly cluster: Cluster;
  readonly invariants: Invariants;
  readonly #random: Random;
  readonly #size: number;
  readonly #preVote: boolean;
  readonly #checkQuorum: boolean;
  /** One delivery in this many is followed by a message from the past. */
  readonly #pastOneIn: number;
  readonly #deliveriesMax: number;
  readonly #lossPercent: number;
  /** Members up to this id are of a version that answers every MsgApp. */
  readonly #answersAllTo: number;
  readonly #old: InTransit[] = [];
  readonly #weights: readonly (readonly [number, (member: TestMember) => void])[];
  readonly #readFloors = new Map<number, number>();
  readonly seen = new Set<string>();
  #proposed = 0;
  #reads = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#preVote = this.#below(2) === 0;
    this.#checkQuorum = this.#below(2) === 0;
    const voters = 3 + 2 * this.#below(2);
    this.#size = voters + spares;
    this.#pastOneIn = 2 + this.#below(60);
    this.#lossPercent = this.#below(10);
    this.#deliveriesMax = 2 + this.#below(8);
    this.#answersAllTo = seed % 3 === 0 ? 2 : 0;
    this.cluster = Cluster.of(voters, this.#config());
    for (let id = voters + 1; id <= this.#size; id++) {
      this.cluster.addEmpty(BigInt(id), this.#config());
    }
    this.invariants = new Invariants(this.cluster, 1);
    this.#weights = this.#drawWeights();
  }

  /** Every seed has limits of its own, some so small that they always bite. */
  #config(): Partial<RaftConfig> {
    return {
      electionTicks: 4 + this.#below(8),
      preVote: this.#preVote,
      checkQuorum: this.#checkQuorum,
      maxSizePerMsgBytes: 1 + this.#below(100),
      maxInflightMsgs: 1 + this.#below(8),
      maxInflightBytes: 1 + this.#below(200),
      maxUncommittedBytes: 1 + this.#below(200),
      maxCommittedBytesPerReady: 1 + this.#below(100),
      readsMax: 1 + this.#below(20),
      appendStallTicks: this.#below(2) === 0 ? 20 : 1000,
      random: seededRandom(this.#below(1_000_000)),
    };
  }

  #below(bound: number): number {
    return this.#random.below(bound);
  }

  #drawWeights(): readonly (readonly [number, (member: TestMember) => void])[] {
    const rare = (): number => (this.#below(2) === 0 ? 0 : 1 + this.#below(4));
    return [
      [20 + this.#below(60), (member) => member.raft.tick()],
      [20, () => this.#propose()],
      [15, (member) => this.#read(member)],
      [10 + this.#below(90), (member) => this.#completeAppend(member)],
      [40, (member) => member.apply(1 + this.#below(4))],
      [10, (member) => this.#commitStore(member)],
      [rare(), (member) => this.#restart(member)],
      [rare(), (member) => member.raft.campaign()],
      [rare(), (member) => this.#transfer(member)],
      [rare() * 2, (member) => this.#changeConfiguration(member)],
      [rare(), (member) => this.#report(member)],
      [rare() * 2, () => this.#cutOrHeal()],
    ];
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#act(this.#anyMember());
      for (let count = this.#below(this.#deliveriesMax); count > 0; count--) this.#deliverOne();
      if (i % 100 === 0) this.invariants.logMatching();
    }
  }

  #anyMember(): TestMember {
    return this.cluster.member(1 + this.#below(this.#size));
  }

  #act(member: TestMember): void {
    let total = 0;
    for (const [weight] of this.#weights) total += weight;
    let chosen = this.#below(total);
    for (const [weight, action] of this.#weights) {
      if (chosen < weight) {
        action(member);
        break;
      }
      chosen -= weight;
    }
    this.#endTurn(member);
  }

  /** The shell takes a Ready when the turn is over; its messages leave. */
  #endTurn(member: TestMember): void {
    const { raft } = member;
    const ready = member.takeReady();
    assert(!raft.hasReady() || ready.committedEntries.length > 0, 'a Ready leaves nothing over');
    for (const message of member.outbox) this.invariants.sent(member, message);
    this.invariants.look(member, ready);
    this.cluster.collect();
    this.#note(member);
    for (const { context, index } of member.readStates.splice(0)) {
      const floor = mustGet(this.#readFloors.get(context), 'a read was answered twice');
      this.#readFloors.delete(context);
      assert(
        index >= floor,
        `I14: read index ${index} is before ${floor}, committed before the read`,
      );
      this.seen.add(raft.state === 'leader' ? 'read at the leader' : 'read at a follower');
    }
    for (const context of member.droppedReads.splice(0)) {
      assert(this.#readFloors.delete(context), 'a read was both answered and dropped');
      this.seen.add('read dropped');
    }
  }

  /** What a long run must have come upon at least once. */
  #note(member: TestMember): void {
    const { raft, appends } = member;
    if (appends.length > 2) this.seen.add('several batches in flight');
    if (appends.some(({ snapshot }) => snapshot !== undefined)) this.seen.add('snapshot installed');
    if (raft.confState.votersOutgoing.length > 0) this.seen.add('joint configuration');
    if (raft.isLearner) this.seen.add('learner');
    if (raft.confState.votersOutgoing.length > 0 && raft.state === 'leader') {
      this.seen.add('leader in a joint configuration');
    }
  }

  #deliverOne(): void {
    const { inTransit } = this.cluster;
    if (inTransit.length === 0) return;
    const at = this.#below(6) === 0 ? this.#below(inTransit.length) : 0;
    const [item] = inTransit.splice(at, 1);
    if (item === undefined) return;
    this.#remember(item);
    const fate = this.#below(100);
    if (fate < this.#lossPercent) {
      this.#reportSnapshot(item, false);
      return;
    }
    // A forwarded proposal that came twice would be two: the transport delivers it at most once.
    if (fate > 95 && item.message.type !== 'MsgProp') inTransit.push(item);
    this.#deliver(item);
    const isPast = this.#below(this.#pastOneIn) === 0;
    const past = isPast ? this.#old[this.#below(this.#old.length)] : undefined;
    if (past !== undefined) this.#deliver(past);
  }

  #deliver(item: InTransit): void {
    const { message } = item;
    const isOld = message.type === 'MsgApp' && message.to <= this.#answersAllTo;
    if (message.type === 'MsgApp' && message.isNotice && !isOld) this.seen.add('notice');
    this.cluster.deliver(isOld ? { ...item, message: { ...message, isNotice: false } } : item);
    this.#endTurn(this.cluster.member(message.to));
    this.#reportSnapshot(item, true);
  }

  /** The transport tells how each snapshot stream ended. */
  #reportSnapshot({ message }: InTransit, isDelivered: boolean): void {
    if (message.type !== 'MsgSnap') return;
    const sender = this.cluster.member(message.from);
    sender.raft.reportSnapshot(message.to, isDelivered);
    this.#endTurn(sender);
  }

  #remember(item: InTransit): void {
    if (item.message.type === 'MsgProp') return;
    if (this.#old.length < oldMessagesMax) this.#old.push(item);
    else this.#old[this.#below(oldMessagesMax)] = item;
  }

  #propose(): void {
    const member = this.#anyMember();
    this.#proposed++;
    member.raft.propose(utf8(`text ${this.#proposed}`));
    this.#endTurn(member);
  }

  #read(member: TestMember): void {
    this.#reads++;
    this.#readFloors.set(this.#reads, this.invariants.highestCommitted);
    member.raft.readIndex(this.#reads);
  }

  #completeAppend(member: TestMember): void {
    for (let count = 1 + this.#below(4); count > 0 && member.appends.length > 0; count--) {
      member.completeAppend();
      this.#endTurn(member);
    }
  }

  #commitStore(member: TestMember): void {
    if (member.commitStore() && this.#below(3) === 0) member.compact();
  }

  /** Reads that were waiting die with the process. */
  #restart(member: TestMember): void {
    member.restart(this.#below(3));
    this.seen.add('restart');
  }

  #transfer(member: TestMember): void {
    member.raft.transferLeadership(BigInt(1 + this.#below(this.#size)));
  }

  #changeConfiguration(member: TestMember): void {
    const transitions = ['auto', 'jointImplicit', 'jointExplicit'] as const;
    const types = ['addVoter', 'addVoter', 'addLearner', 'remove'] as const;
    const changes: ConfChangeSingle[] = [];
    for (let i = 0; i <= this.#below(3); i++) {
      const memberId = BigInt(1 + this.#below(this.#size));
      changes.push({ type: types[this.#below(4)] ?? 'remove', memberId });
    }
    const transition = transitions[this.#below(3)] ?? 'auto';
    const change: ConfChange =
      this.#below(3) === 0 ? leaveJoint : { transition, changes, context: emptyBytes };
    if (member.raft.proposeConfChange(change) === 'accepted') this.seen.add('change proposed');
  }

  #report(member: TestMember): void {
    const { raft } = member;
    const peer = BigInt(1 + this.#below(this.#size));
    switch (this.#below(4)) {
      case 0:
        return raft.reportUnreachable(peer);
      case 1:
        return raft.reportSnapshot(peer, this.#below(2) === 0);
      default: {
        const { lead, state } = raft;
        // The leader may live.
        raft.reportGone(this.#below(2) === 0 ? lead : peer);
        const isAsking = state === 'follower' && raft.state === 'preCandidate';
        if (isAsking) this.seen.add('campaign for a leader that is gone');
      }
    }
  }

  #cutOrHeal(): void {
    const what = this.#below(4);
    if (what === 0) this.cluster.heal();
    else if (what === 1) this.cluster.isolate(1 + this.#below(this.#size));
    else if (what === 2) this.#split();
    else this.#cutLeaderOff();
  }

  /** Two halves that do not hear each other; sometimes only one way. */
  #split(): void {
    const isOneWay = this.#below(3) === 0;
    const here = new Set<number>();
    for (let id = 1; id <= this.#size; id++) if (this.#below(2) === 0) here.add(id);
    for (let a = 1; a <= this.#size; a++) {
      for (let b = 1; b <= this.#size; b++) {
        if (here.has(a) && !here.has(b)) this.cluster.cut(a, b);
        if (here.has(b) && !here.has(a) && !isOneWay) this.cluster.cut(a, b);
      }
    }
  }

  /** A leader that hears, late, but is heard by nobody: another takes over while it still believes. */
  #cutLeaderOff(): void {
    for (const { raft } of this.cluster.members.values()) {
      if (raft.state !== 'leader') continue;
      for (const to of this.cluster.members.keys()) this.cluster.cut(Number(raft.id), Number(to));
    }
  }

  /** The world turns good. A leader must emerge, commit, and bring every member of its configuration up. */
  converge(): void {
    const { cluster } = this;
    cluster.heal();
    for (const { raft } of cluster.members.values()) {
      for (const id of cluster.members.keys()) raft.reportSnapshot(id, false);
    }
    for (let tick = 0; tick < 400; tick++) {
      for (const member of cluster.members.values()) {
        member.raft.tick();
        this.#settleOne(member);
      }
      this.#settleAll();
      if (tick % 50 === 49 && this.#isConverged()) return;
      if (tick % 50 === 25) {
        this.#propose();
        this.#settleAll();
      }
    }
    throw new Error('the cluster did not converge after all faults were healed');
  }

  #settleAll(): void {
    const { cluster } = this;
    for (let rounds = 0; rounds < 200; rounds++) {
      for (const member of cluster.members.values()) this.#settleOne(member);
      if (cluster.inTransit.length === 0) return;
      for (const item of cluster.inTransit.splice(0)) this.#deliver(item);
    }
  }

  #settleOne(member: TestMember): void {
    do {
      if (member.appends.length > 0) member.completeAppend();
      this.#endTurn(member);
      member.apply();
      this.#endTurn(member);
    } while (member.raft.hasReady() || member.appends.length > 0 || member.toApply.length > 0);
  }

  #isConverged(): boolean {
    const leaders = [...this.cluster.members.values()].filter(
      ({ raft }) => raft.state === 'leader',
    );
    const [leader] = leaders;
    if (leaders.length !== 1 || leader === undefined) return false;
    const { voters: ids, votersOutgoing, learners } = leader.raft.confState;
    const { texts } = leader.store;
    assert(new Set(texts).size === texts.length, 'a proposal was applied twice');
    return [...ids, ...votersOutgoing, ...learners].every((id) => {
      const { store } = this.cluster.member(id);
      return store.applied === leader.store.applied && store.texts.join() === texts.join();
    });
  }
}
