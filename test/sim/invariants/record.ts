import type { ConfState, Entry, MemberId } from '../../../src/raft/types.ts';
import type { DurableLog } from './durable-log.ts';
import { RowHistory } from './row-history.ts';

/** A commit that a leader made. */
export interface Commit {
  readonly index: number;
  /** Of the leader and of the entry: the same, as I9 says. */
  readonly term: number;
  readonly confState: ConfState;
}

/** What one entry must do on every member. */
export interface Effect {
  readonly fingerprint: number;
  readonly revision: number;
  readonly compactRevision: number;
}

/** What is known of the whole cluster. Each part is written by one invariant, and read by those after it. */
export class Record {
  readonly names = new Map<MemberId, string>();
  /** Whether a member's data is damaged or lost, so that it is taken at its word. */
  isExempt: (name: string) => boolean = () => false;
  /** The disks of all members, those that do not run included. */
  readonly disks = new Map<MemberId, DurableLog>();
  /** I1. */
  readonly leaders = new Map<number, MemberId>();
  /** I7: by term, whom each member voted for. */
  readonly votes = new Map<number, Map<MemberId, MemberId>>();
  /** I9: every commit that a leader made, in order. */
  readonly commits: Commit[] = [];
  /** I9: the highest index committed anywhere: what a read that begins now must see. */
  committed = 0;
  /** I5: committed entries by index. */
  readonly entries: (Entry | undefined)[] = [];
  /** I22: by index. */
  readonly effects: (Effect | undefined)[] = [];

  /** I10: configuration entries that were committed, in order, with what was in force after each. */
  readonly configurations: { readonly index: number; after: string | undefined }[] = [];
  /** I19: the rows of every revision. */
  readonly rows = new RowHistory();

  /** The last configuration entry at or below an index. */
  configurationAt(
    index: number,
  ): { readonly index: number; after: string | undefined } | undefined {
    for (let i = this.configurations.length - 1; i >= 0; i--) {
      const each = this.configurations[i];
      if (each !== undefined && each.index <= index) return each;
    }
    return undefined;
  }

  /** The newest commit made in a term before this one. */
  lastCommitBefore(term: number): Commit | undefined {
    for (let i = this.commits.length - 1; i >= 0; i--) {
      const commit = this.commits[i];
      if (commit !== undefined && commit.term < term) return commit;
    }
    return undefined;
  }

  /** Whether a majority of each half of a configuration is among those that `has` names. */
  isQuorum({ voters, votersOutgoing }: ConfState, has: (id: MemberId) => boolean): boolean {
    const counts = (id: MemberId): boolean => has(id) || this.isExempt(this.names.get(id) ?? '');
    return isMajority(voters, counts) && isMajority(votersOutgoing, counts);
  }

  /** Whether there is a member that is not looked at: it may have done what nobody saw. */
  get hasExempt(): boolean {
    for (const name of this.names.values()) if (this.isExempt(name)) return true;
    return false;
  }
}

function isMajority(voters: readonly MemberId[], has: (id: MemberId) => boolean): boolean {
  let count = 0;
  for (const id of voters) if (has(id)) count++;
  return voters.length === 0 || count * 2 > voters.length;
}
