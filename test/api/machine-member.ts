import { Alarms } from '../../src/apply/alarms.ts';
import { StateMachine } from '../../src/apply/machine.ts';
import { RangeStreamCursor } from '../../src/apply/range-stream.ts';
import { evaluateRange } from '../../src/apply/range.ts';
import { evaluateReadTxn } from '../../src/apply/txn.ts';
import type { AppliedResponse } from '../../src/apply/types.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import { CompactionHashes, type KvHash } from '../../src/mvcc/compaction-hashes.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { compactionHashFold, hashKvFold } from '../../src/mvcc/hash.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { HashKvFold } from '../../src/mvcc/types.ts';
import type { Done, MemberInfo, RangeStreamSource } from '../../src/server/types.ts';
import type { CommandKind } from '../../src/wire/command.ts';
import { errors, failed, ok } from '../../src/wire/errors.ts';
import type { AlarmMember } from '../../src/wire/maintenance.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../../src/wire/kv.ts';
import { MemoryRows } from '../mvcc/rows.ts';
import { FakeMember, memberInfo } from './fake-member.ts';

/** A cluster of one that has no log and no disk: what is proposed is applied at once by the real state machine. */
export class MachineMember extends FakeMember {
  override infos: readonly MemberInfo[] = [memberInfo(this.id, 'golden')];
  private readonly rows = new MemoryRows();
  private readonly store = new MvccStore(this.rows);
  private readonly hashes = new CompactionHashes();
  private readonly inForce = Alarms.load([]);
  private readonly machine = new StateMachine({
    revisions: this.store,
    membership: Membership.load([]),
    leases: Leases.load([]),
    alarms: this.inForce,
  });

  constructor() {
    super();
    // The revision is the store's own; the fake has it as a field, which an accessor cannot override.
    Object.defineProperty(this, 'revision', { get: () => this.store.revision });
  }

  override propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void {
    const before = this.store.compactRevision;
    const command = { kind, proposer: this.id, nonce: 1, sequence: 1, request };
    const { outcome, rows, scheduledCompaction } = this.machine.apply(command, {
      index: 1,
      term: 1,
    });
    this.rows.put(rows);
    if (scheduledCompaction !== undefined) this.compact(scheduledCompaction, before);
    done(outcome);
  }

  override alarms(): readonly AlarmMember[] {
    return this.inForce.list();
  }

  private compact(revision: number, before: number): void {
    this.hashes.add(this.fold(compactionHashFold(this.store, before)));
    const compaction = new IndexCompaction(this.store, revision);
    for (;;) {
      const { deleted, isDone } = compaction.advance(100);
      this.rows.delete(deleted);
      if (isDone) return;
    }
  }

  private fold(fold: HashKvFold): KvHash {
    const { revision, compactRevision } = fold;
    fold.feed(this.rows.sorted().filter(({ key }) => decodeRowKey(key).main <= revision));
    return { hash: fold.result(), revision, compactRevision };
  }

  override range(request: RangeRequest, done: Done<RangeResponse>): void {
    done(evaluateRange(this.store, request));
  }

  override rangeStream(request: RangeRequest): RangeStreamSource {
    const opened = RangeStreamCursor.open(this.store, request, 1.5 * 1024 * 1024);
    return {
      next: (done) => {
        if (!opened.ok) return done(opened);
        while (!opened.value.advance(1000, 1_000_000).isDone);
        done(opened.value.chunk());
      },
      close: () => undefined,
    };
  }

  override readTxn(request: TxnRequest, done: Done<TxnResponse>): void {
    done(evaluateReadTxn(this.store, request));
  }

  override whenCompacted(done: () => void): void {
    done();
  }

  override hashKv(asked: number, done: Parameters<FakeMember['hashKv']>[1]): void {
    const { revision: current, compactRevision } = this.store;
    const known = this.hashes.find(asked);
    if (asked > current) done(failed(errors.futureRevision));
    else if (known !== undefined) done(ok(known));
    else if (asked > 0 && asked < compactRevision) done(failed(errors.compacted));
    else done(ok(this.fold(hashKvFold(this.store, asked === 0 ? current : asked))));
  }
}
