import type { AppliedResponse } from '../../src/apply/types.ts';
import { emptyBytes, type Bytes } from '../../src/base/bytes.ts';
import type { KvHash } from '../../src/mvcc/compaction-hashes.ts';
import type { MemberId } from '../../src/raft/types.ts';
import type {
  AddedMember,
  Done,
  LeaseDescription,
  Member,
  MemberInfo,
  MemberStatus,
  RangeStreamSource,
  RangeToSend,
  WatchReceiver,
  Watches,
} from '../../src/server/types.ts';
import type { CommandKind } from '../../src/wire/command.ts';
import { errors, failed, ok, type Outcome } from '../../src/wire/errors.ts';
import type { AlarmMember } from '../../src/wire/maintenance.ts';
import { FakeWatches } from './fake-watches.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import {
  RangeResponse,
  TxnResponse,
  type RangeRequest,
  type TxnRequest,
} from '../../src/wire/kv.ts';

export interface Proposal {
  readonly kind: CommandKind;
  readonly request: Bytes;
  readonly done: Done<AppliedResponse>;
}

/**
 * A member without a store: it keeps what it is asked, and answers what the test has set, at once or (for what
 * is proposed and for ReadIndex) when the test says so.
 */
export class FakeMember implements Member {
  readonly id: MemberId = 0xa1n;
  readonly clusterId = 0xc1n;
  revision = 7;
  term = 3;
  lead: MemberId = 0xa1n;
  isLearner = false;
  infos: readonly MemberInfo[] = [memberInfo(0xa1n, 'one'), memberInfo(0xb2n, 'two')];
  readonly proposals: Proposal[] = [];
  readonly reads: Done<undefined>[] = [];
  readonly ranges: RangeRequest[] = [];
  readonly transfers: MemberId[] = [];
  /** Answers readIndex at once with this, unless undefined. */
  readOutcome: Outcome<undefined> | undefined = ok(undefined);
  rangeOutcome: Outcome<RangeResponse> = ok(
    RangeResponse.create({ header: ResponseHeader.create({ revision: 6 }), count: 1 }),
  );
  txnOutcome: Outcome<TxnResponse> = ok(
    TxnResponse.create({ header: ResponseHeader.create({ revision: 6 }), succeeded: true }),
  );
  hashKvOutcome: Outcome<KvHash> = ok({ hash: 5, compactRevision: -1, revision: 7 });
  hashOutcome: Outcome<number> = ok(9);
  plainOutcome: Outcome<undefined> = ok(undefined);
  stream: RangeStreamSource = { next: () => undefined, close: () => undefined };
  compacted: (() => void)[] = [];

  raised: readonly AlarmMember[] = [];

  alarms(): readonly AlarmMember[] {
    return this.raised;
  }

  readonly watches: FakeWatches[] = [];

  openWatches(receiver: WatchReceiver): Watches {
    const watches = new FakeWatches(receiver);
    this.watches.push(watches);
    return watches;
  }

  readonly leaseTtlMin: number = 2;

  newLeaseId(): bigint {
    return 0x1eafn;
  }

  maybeRenewLease(_id: bigint): number | undefined {
    return undefined;
  }

  renewLease(_id: bigint, done: Done<number>): void {
    done(ok(0));
  }

  leaseTimeToLive(_id: bigint, _withKeys: boolean, done: Done<LeaseDescription | undefined>): void {
    done(ok(undefined));
  }

  leases(done: Done<Bytes>): void {
    done(ok(emptyBytes));
  }

  addMember(_peerUrls: readonly string[], _isLearner: boolean, done: Done<AddedMember>): void {
    done(failed(errors.unhealthy));
  }

  removeMember(_id: MemberId, done: Done<readonly MemberInfo[]>): void {
    done(failed(errors.memberNotFound));
  }

  promoteMember(_id: MemberId, done: Done<readonly MemberInfo[]>): void {
    done(failed(errors.memberNotFound));
  }

  updateMember(
    _id: MemberId,
    _peerUrls: readonly string[],
    done: Done<readonly MemberInfo[]>,
  ): void {
    done(failed(errors.memberNotFound));
  }

  propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void {
    this.proposals.push({ kind, request, done });
  }

  readIndex(done: Done<undefined>): void {
    if (this.readOutcome === undefined) this.reads.push(done);
    else done(this.readOutcome);
  }

  whenReadable(done: Done<undefined>): void {
    done(ok(undefined));
  }

  range(request: RangeRequest, done: Done<RangeResponse>): void {
    this.ranges.push(request);
    done(this.rangeOutcome);
  }

  rangeToSend(request: RangeRequest, done: Done<RangeToSend>): void {
    this.range(request, (outcome) => {
      done(outcome.ok ? ok({ type: 'whole', response: outcome.value }) : outcome);
    });
  }

  rangeStream(request: RangeRequest): RangeStreamSource {
    this.ranges.push(request);
    return this.stream;
  }

  readTxn(_request: TxnRequest, done: Done<TxnResponse>): void {
    done(this.txnOutcome);
  }

  whenCompacted(done: () => void): void {
    this.compacted.push(done);
  }

  hashKv(_revision: number, done: Done<KvHash>): void {
    done(this.hashKvOutcome);
  }

  hash(done: Done<number>): void {
    done(this.hashOutcome);
  }

  defragment(done: Done<undefined>): void {
    done(this.plainOutcome);
  }

  moveLeader(target: MemberId, done: Done<undefined>): void {
    const member = this.infos.find(({ id }) => id === target);
    if (member === undefined || member.isLearner) return done(failed(errors.badLeaderTransferee));
    this.transfers.push(target);
    done(this.plainOutcome);
  }

  status(): MemberStatus {
    return {
      lead: this.lead,
      isLearner: this.isLearner,
      raftTerm: this.term,
      raftIndex: 11,
      raftAppliedIndex: 10,
      revision: this.revision,
      compactRevision: -1,
      dbSize: 200,
      dbSizeInUse: 100,
      dbSizeQuota: 2 ** 31,
    };
  }

  members(): readonly MemberInfo[] {
    return this.infos;
  }
}

export function memberInfo(id: MemberId, name: string, isLearner = false): MemberInfo {
  return {
    id,
    name,
    peerUrls: [`http://${name}:2380`],
    clientUrls: [`http://${name}:2379`],
    isLearner,
  };
}
