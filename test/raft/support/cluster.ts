import { mustGet } from '../../../src/base/assert.ts';
import { emptyBytes, utf8 } from '../../../src/base/bytes.ts';
import { encodeConfChange } from '../../../src/raft/confchange.ts';
import { emptyConfState } from '../../../src/raft/configuration.ts';
import { noMember } from '../../../src/raft/types.ts';
import { TestMember, testConfig, type Store } from './member.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { ConfState, MemberId, Message } from '../../../src/raft/types.ts';

/** A message on its way, and with a MsgSnap the store that is streamed. */
export interface InTransit {
  readonly message: Message;
  readonly image: Store | undefined;
}

/** Test members and the network between them, which delivers in order what is not cut. */
export class Cluster {
  readonly members = new Map<MemberId, TestMember>();
  inTransit: InTransit[] = [];
  readonly #cut = new Set<string>();

  /** Members that begin with this configuration, as if bootstrapped and applied at index 1, term 1. */
  static of(voters: number, changes: Partial<RaftConfig> = {}): Cluster {
    const ids = Array.from({ length: voters }, (_, i) => BigInt(i + 1));
    return Cluster.with({ ...emptyConfState, voters: ids }, changes);
  }

  static with(confState: ConfState, changes: Partial<RaftConfig> = {}): Cluster {
    const cluster = new Cluster();
    for (const id of [...confState.voters, ...confState.learners]) {
      cluster.add(id, confState, changes);
    }
    return cluster;
  }

  add(id: MemberId, confState: ConfState, changes: Partial<RaftConfig> = {}): TestMember {
    const store = { applied: 1, appliedTerm: 1, confState, texts: [] };
    const member = new TestMember(testConfig(id, changes), store, 1);
    this.members.set(id, member);
    return member;
  }

  /** A member of a new cluster: its log begins with one entry for each of the first voters. */
  addBootstrapped(
    id: MemberId,
    voters: readonly MemberId[],
    changes: Partial<RaftConfig> = {},
  ): TestMember {
    const entries = voters.map((memberId, i) => ({
      term: 1,
      index: i + 1,
      type: 'confChange' as const,
      data: encodeConfChange({
        transition: 'auto',
        changes: [{ type: 'addVoter', memberId }],
        context: emptyBytes,
      }),
    }));
    const member = new TestMember(testConfig(id, changes));
    member.log.append({ term: 1, vote: noMember, commit: voters.length }, entries);
    member.restart();
    this.members.set(id, member);
    return member;
  }

  /** A member that knows nothing: it joins. */
  addEmpty(id: MemberId, changes: Partial<RaftConfig> = {}): TestMember {
    const member = new TestMember(testConfig(id, changes));
    this.members.set(id, member);
    return member;
  }

  member(id: number | MemberId): TestMember {
    return mustGet(this.members.get(BigInt(id)), `no member ${id}`);
  }

  get leader(): TestMember {
    let leader: TestMember | undefined;
    for (const member of this.members.values()) {
      const isNewer = leader === undefined || member.raft.term > leader.raft.term;
      if (member.raft.state === 'leader' && isNewer) leader = member;
    }
    return mustGet(leader, 'nobody leads');
  }

  cut(from: number, to: number): void {
    this.#cut.add(`${from}->${to}`);
  }

  isolate(id: number): void {
    for (const other of this.members.keys()) {
      if (other !== BigInt(id)) {
        this.cut(id, Number(other));
        this.cut(Number(other), id);
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  /** Puts what members have to say on its way; what is cut off is lost. */
  collect(): void {
    for (const member of this.members.values()) {
      for (const message of member.outbox.splice(0)) {
        if (this.#cut.has(`${message.from}->${message.to}`)) continue;
        this.inTransit.push({ message: this.#addressed(member, message), image: member.store });
      }
    }
  }

  /** A snapshot is of the store as it is when streaming begins, not when it was asked for. */
  #addressed(sender: TestMember, message: Message): Message {
    if (message.type !== 'MsgSnap') return message;
    const { applied, appliedTerm, confState } = sender.store;
    return { ...message, snapshot: { index: applied, term: appliedTerm, confState } };
  }

  deliver({ message, image }: InTransit): void {
    this.members.get(message.to)?.receive(message, image);
  }

  /** Works and delivers until all is quiet. */
  settle(): void {
    for (;;) {
      for (const member of this.members.values()) member.settle();
      this.collect();
      if (this.inTransit.length === 0) return;
      for (const item of this.inTransit.splice(0)) this.deliver(item);
    }
  }

  /** One tick at every member, then quiet. */
  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const member of this.members.values()) member.raft.tick();
      this.settle();
    }
  }

  elect(id: number): TestMember {
    const member = this.member(id);
    member.raft.campaign();
    this.settle();
    return member;
  }

  propose(id: number, text: string): 'accepted' | 'dropped' {
    const result = this.member(id).raft.propose(utf8(text));
    this.settle();
    return result;
  }

  texts(id: number): readonly string[] {
    return this.member(id).store.texts;
  }
}
