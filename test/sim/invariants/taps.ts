import type { Bytes } from '../../../src/base/bytes.ts';
import type { PutRow } from '../../../src/mvcc/types.ts';
import type { Entry } from '../../../src/raft/types.ts';
import type { MemberLoops } from '../../../src/server/loops.ts';
import type { ServerMember } from '../../../src/server/member.ts';
import type { SpaceChange } from '../../../src/storage/types.ts';
import type { Record } from './record.ts';
import { tapRanges } from './tap-ranges.ts';
import type { AnsweredRange, AnsweredRead, AppliedEntry, Sight } from './sight.ts';

export type Notes = Pick<
  Sight,
  'handedOut' | 'applied' | 'deleted' | 'reads' | 'ranges' | 'acknowledged'
>;

class Noted implements Notes {
  readonly handedOut: Entry[] = [];
  readonly applied: AppliedEntry[] = [];
  readonly deleted: Bytes[] = [];
  readonly reads: AnsweredRead[] = [];
  readonly ranges: AnsweredRange[] = [];
  readonly acknowledged: number[] = [];
}

export const nothingNoted: Notes = new Noted();

/**
 * What a member does between two events is gone from its figures afterwards; it is noted on the way, where one
 * loop calls the next. Nothing is judged here, and nothing is changed.
 */
export class Taps {
  private readonly loops: MemberLoops;
  private readonly record: Record;
  private noted: Noted | undefined;
  /** Of an entry that is applied in steps, and the state that they belong to. */
  private rows: PutRow[] = [];
  private state: object | undefined;

  constructor(member: ServerMember, record: Record) {
    this.loops = member['loops'];
    this.record = record;
    this.tapApplying();
    this.tapStore();
    this.tapReads();
    this.tapProposals();
    tapRanges(member, (answered) => this.notes.ranges.push(answered));
  }

  /** What was noted since the last time; most events note nothing. */
  take(): Notes {
    const { noted } = this;
    this.noted = undefined;
    return noted ?? nothingNoted;
  }

  private get notes(): Noted {
    return (this.noted ??= new Noted());
  }

  private tapApplying(): void {
    const { applyLoop } = this.loops;
    const enqueue = applyLoop.enqueue.bind(applyLoop);
    applyLoop.enqueue = (entries) => {
      for (const entry of entries) this.notes.handedOut.push(entry);
      enqueue(entries);
    };
  }

  private tapStore(): void {
    const { storeLoop } = this.loops;
    const add = storeLoop.add.bind(storeLoop);
    storeLoop.add = (put, changes) => {
      this.added(put, changes);
      add(put, changes);
    };
    const remove = storeLoop.delete.bind(storeLoop);
    storeLoop.delete = (rowKeys) => {
      for (const key of rowKeys) this.notes.deleted.push(key);
      remove(rowKeys);
    };
  }

  /** Each entry adds once when it is applied; one that is applied in steps has added rows before. */
  private added(put: readonly PutRow[], changes: readonly SpaceChange[]): void {
    const { applyLoop, state } = this.loops;
    if (this.state !== state) this.rows = [];
    this.state = state;
    if (applyLoop['underWay'] !== undefined) {
      for (const row of put) this.rows.push(row);
      return;
    }
    const isInSteps = this.rows.length > 0;
    const rows = isInSteps ? [...this.rows, ...put] : put;
    this.rows = [];
    const { index } = applyLoop.applied;
    const { revision, compactRevision } = state.revisions;
    this.notes.applied.push({ index, rows, isInSteps, changes, revision, compactRevision });
  }

  private tapReads(): void {
    const { reads, applyLoop, raft } = this.loops;
    const wait = reads.wait.bind(reads);
    reads.wait = (done) => {
      const floorIndex = this.record.committed;
      const askedInTerm = raft.term;
      wait((outcome) => {
        if (outcome.ok) {
          const appliedIndex = applyLoop.applied.index;
          this.notes.reads.push({
            floorIndex,
            appliedIndex,
            askedInTerm,
            answeredInTerm: raft.term,
          });
        }
        done(outcome);
      });
    };
  }

  private tapProposals(): void {
    const { proposals, applyLoop } = this.loops;
    const propose = proposals.propose.bind(proposals);
    proposals.propose = (kind, request, done) =>
      propose(kind, request, (outcome) => {
        if (outcome.ok) this.notes.acknowledged.push(applyLoop.applied.index);
        done(outcome);
      });
  }
}
