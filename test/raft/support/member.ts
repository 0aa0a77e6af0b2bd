import { assert } from '../../../src/base/assert.ts';
import { textOf } from '../../../src/base/bytes.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { decodeConfChange } from '../../../src/raft/confchange.ts';
import { emptyConfState } from '../../../src/raft/configuration.ts';
import { asksForAppend, Raft } from '../../../src/raft/raft.ts';
import { MemoryLog, noHardState } from './memory-log.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type {
  ConfState,
  Entry,
  MemberId,
  Message,
  ReadState,
  Ready,
} from '../../../src/raft/types.ts';

/** The state machine: the texts applied, in order. */
export interface Store {
  readonly applied: number;
  readonly appliedTerm: number;
  readonly confState: ConfState;
  readonly texts: readonly string[];
}

export const emptyStore: Store = {
  applied: 0,
  appliedTerm: 0,
  confState: emptyConfState,
  texts: [],
};

export function testConfig(id: MemberId, changes: Partial<RaftConfig> = {}): RaftConfig {
  return {
    id,
    electionTicks: 10,
    heartbeatTicks: 1,
    preVote: false,
    checkQuorum: false,
    maxSizePerMsgBytes: 1024 * 1024,
    maxInflightMsgs: 256,
    maxInflightBytes: 64 * 1024 * 1024,
    maxUncommittedBytes: 1024 * 1024,
    maxCommittedBytesPerReady: 1024 * 1024,
    readsMax: 1000,
    appendStallTicks: 1_000_000,
    random: seededRandom(Number(id)),
    ...changes,
  };
}

/**
 * A member as the shell would run it, with every effect at the test's command: batches wait until they are
 * completed, committed entries until they are applied, messages until they are taken; a crash loses what is
 * not on disk.
 */
export class TestMember {
  readonly config: RaftConfig;
  readonly log = new MemoryLog();
  raft: Raft;
  /** In memory, */
  store: Store = emptyStore;
  /** and as a crash leaves it. */
  durableStore: Store = emptyStore;
  /** Batches in flight, oldest first. */
  appends: Ready[] = [];
  toApply: Entry[] = [];
  outbox: Message[] = [];
  readStates: ReadState[] = [];
  droppedReads: number[] = [];
  /** The store that came with a snapshot received whole, by its index. */
  readonly #images = new Map<number, Store>();

  constructor(config: RaftConfig, store: Store = emptyStore, term = 0) {
    this.config = config;
    this.store = store;
    this.durableStore = store;
    const hardState = { ...noHardState, term, commit: store.applied };
    this.log.reset(store.applied, store.appliedTerm, hardState);
    this.raft = this.#start();
  }

  #start(): Raft {
    return new Raft(this.config, this.log, {
      hardState: this.log.hardState,
      confState: this.store.confState,
      applied: this.store.applied,
    });
  }

  get id(): MemberId {
    return this.config.id;
  }

  /** An entry of the log as the core sees it, batches in flight included. */
  entryInMemory(index: number): Entry | undefined {
    for (const { snapshot, entries } of this.appends.toReversed()) {
      if (snapshot !== undefined && index <= snapshot.index) return undefined;
      const [first] = entries;
      if (first !== undefined && first.index <= index) return entries[index - first.index];
    }
    if (index < this.log.firstIndex()) return undefined;
    return this.log.entries(index, index + 1, Infinity)[0];
  }

  /** Takes a Ready: its messages may leave, its batch and its committed entries begin to wait. */
  takeReady(): Ready {
    const ready = this.raft.ready();
    this.outbox.push(...ready.messages);
    if (asksForAppend(ready)) this.appends.push(ready);
    this.toApply.push(...ready.committedEntries);
    this.readStates.push(...ready.readStates);
    this.droppedReads.push(...ready.droppedReads);
    return ready;
  }

  /** The oldest batch reaches the disk; the promises that waited for it may leave. */
  completeAppend(): Ready {
    const ready = this.#write();
    this.outbox.push(...ready.messagesAfterAppend);
    if (ready.snapshot === undefined) {
      const last = ready.entries.at(-1);
      this.raft.appended(last?.term ?? 0, last?.index ?? 0);
    } else {
      this.toApply = [];
      this.raft.snapshotInstalled(ready.snapshot.index);
    }
    return ready;
  }

  #write(): Ready {
    const ready = this.appends.shift();
    assert(ready !== undefined, 'no batch is in flight');
    const { snapshot, hardState } = ready;
    if (snapshot === undefined) this.log.append(hardState, ready.entries);
    else {
      const image = this.#images.get(snapshot.index);
      assert(image !== undefined, 'the snapshot was received');
      this.store = image;
      this.durableStore = image;
      this.log.reset(snapshot.index, snapshot.term, hardState);
    }
    return ready;
  }

  /** Applies up to `countMax` entries; answers how many. */
  apply(countMax = Infinity): number {
    let count = 0;
    while (count < countMax) {
      const entry = this.toApply.shift();
      if (entry === undefined) break;
      this.#applyOne(entry);
      count++;
    }
    if (count > 0) this.raft.applied(this.store.applied);
    return count;
  }

  #applyOne(entry: Entry): void {
    assert(entry.index === this.store.applied + 1, 'entries are applied in order, once');
    let { confState, texts } = this.store;
    if (entry.type === 'confChange') {
      confState = this.raft.applyConfChange(decodeConfChange(entry.data));
    } else if (entry.data.length > 0) texts = [...texts, textOf(entry.data)];
    this.store = { applied: entry.index, appliedTerm: entry.term, confState, texts };
  }

  /** Commits the store, unless the own log has not synced what was applied (design.md section 3). */
  commitStore(): boolean {
    if (this.log.term(this.store.applied) !== this.store.appliedTerm) return false;
    this.durableStore = this.store;
    return true;
  }

  /** Forgets log entries up to what the committed store stands for. */
  compact(): void {
    if (this.durableStore.applied >= this.log.firstIndex()) {
      this.log.compact(this.durableStore.applied);
    }
  }

  /** A message arrives; a MsgSnap with the store it stands for. */
  receive(message: Message, image?: Store): void {
    if (message.type === 'MsgSnap') {
      assert(image !== undefined, 'a snapshot comes with its store');
      this.#images.set(message.snapshot.index, image);
    }
    this.raft.step(message);
  }

  /** Works until nothing is left to do: what a quick disk and an idle state machine would make of it. */
  settle(): void {
    while (this.raft.hasReady() || this.appends.length > 0 || this.toApply.length > 0) {
      if (this.raft.hasReady()) this.takeReady();
      if (this.appends.length > 0) this.completeAppend();
      this.apply();
    }
  }

  /** Loses everything in memory, save that the oldest `writtenCount` batches had just reached the disk. */
  restart(writtenCount = 0): void {
    for (let i = 0; i < writtenCount && this.appends.length > 0; i++) this.#write();
    this.store = this.durableStore;
    this.appends = [];
    this.toApply = [];
    this.outbox = [];
    this.#images.clear();
    this.raft = this.#start();
  }
}
