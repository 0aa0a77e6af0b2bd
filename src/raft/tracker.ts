import { mustGet } from '../base/assert.ts';
import { emptyConfState, membersOf } from './configuration.ts';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';
import { quorumIndex, voteResult, type VoteResult } from './quorum.ts';
import type { RaftConfig } from './config.ts';
import type { ConfState, MemberId } from './types.ts';

/** The configuration in force, and what is known of each of its members. */
export class Tracker {
  readonly #config: RaftConfig;
  readonly #byId = new Map<MemberId, Progress>();
  readonly #votes = new Map<MemberId, boolean>();
  #conf: ConfState = emptyConfState;
  #members: readonly Progress[] = [];
  #peers: readonly Progress[] = [];

  constructor(config: RaftConfig) {
    this.#config = config;
  }

  get conf(): ConfState {
    return this.#conf;
  }

  /** Every other member, in ascending order of id. */
  get peers(): readonly Progress[] {
    return this.#peers;
  }

  /** Every member, itself included, in ascending order of id. */
  get members(): readonly Progress[] {
    return this.#members;
  }

  get(id: MemberId): Progress | undefined {
    return this.#byId.get(id);
  }

  /** This member's own progress; undefined of a leader that was removed and has not stepped down yet. */
  get self(): Progress | undefined {
    return this.#byId.get(this.#config.id);
  }

  get isSelfVoter(): boolean {
    return this.isVoter(this.#config.id);
  }

  /** This member is the only voter: its own word is a quorum. */
  get isSingleVoter(): boolean {
    const { voters, votersOutgoing } = this.#conf;
    return voters.length === 1 && voters[0] === this.#config.id && votersOutgoing.length === 0;
  }

  isVoter(id: MemberId): boolean {
    const progress = this.#byId.get(id);
    return progress !== undefined && !progress.isLearner;
  }

  switchTo(conf: ConfState, lastIndex: number): void {
    const members = membersOf(conf);
    const learners = new Set(conf.learners);
    const kept = new Set(members);
    for (const id of this.#byId.keys()) if (!kept.has(id)) this.#byId.delete(id);
    for (const id of members) {
      const known = this.#byId.get(id);
      if (known === undefined) this.#byId.set(id, this.#newcomer(id, lastIndex, learners.has(id)));
      else known.isLearner = learners.has(id);
    }
    this.#conf = conf;
    this.#members = members.map((id) => mustGet(this.#byId.get(id), 'a member has a progress'));
    this.#peers = this.#members.filter((progress) => progress.id !== this.#config.id);
  }

  #newcomer(id: MemberId, lastIndex: number, isLearner: boolean): Progress {
    const { maxInflightMsgs, maxInflightBytes } = this.#config;
    const inflights = new Inflights(maxInflightMsgs, maxInflightBytes);
    // Probing from the last entry, not after it, gives the first probe something to carry.
    const progress = new Progress(id, Math.max(lastIndex, 1), inflights, isLearner);
    // Counted as active, so that a quorum check before its first words does not depose the leader.
    progress.isRecentlyActive = true;
    return progress;
  }

  /** Forgets what a former term knew of the members. */
  resetProgress(lastIndex: number): void {
    for (const progress of this.#byId.values()) progress.reset(lastIndex + 1);
  }

  /** The highest index that a quorum has on disk. */
  quorumMatch(): number {
    return quorumIndex(this.#conf, this.#matchOf);
  }

  readonly #matchOf = (id: MemberId): number => this.#byId.get(id)?.match ?? 0;

  /** The newest ReadIndex round that a quorum has acknowledged. */
  quorumRead(): number {
    return quorumIndex(this.#conf, this.#readOf);
  }

  readonly #readOf = (id: MemberId): number => this.#byId.get(id)?.readAcked ?? 0;

  /** Whether a quorum was heard from since the last time; starts the next period. */
  checkQuorumActive(): boolean {
    const active = new Map<MemberId, boolean>();
    for (const [id, progress] of this.#byId) {
      active.set(id, id === this.#config.id || progress.isRecentlyActive);
      progress.isRecentlyActive = false;
    }
    return voteResult(this.#conf, active) === 'won';
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** The first answer of a member in an election counts; answers whether the election is decided. */
  recordVote(id: MemberId, isGranted: boolean): VoteResult {
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
    return voteResult(this.#conf, this.#votes);
  }
}
