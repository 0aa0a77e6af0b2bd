import { readBigUint64, writeUint32, type Bytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { StateChange } from '../apply/types.ts';
import type { Leases } from '../lease/leases.ts';
import { decodeLeaseKey, type LeaseRecord } from '../lease/record.ts';
import type { LeaseTimes } from '../peer/types.ts';
import { CommandKind } from '../wire/command.ts';
import { errors, failed, ok } from '../wire/errors.ts';
import { LeaseListings } from './lease-listings.ts';
import { LeaseTerm, type LeaseTermParts } from './lease-term.ts';
import type { Done } from './types.ts';

/** Leases as this member serves them: what was granted it knows from the log, when they end only while it leads. */
export interface LeaseServiceParts extends Omit<LeaseTermParts, 'term' | 'leases'> {
  readonly random: Random;
  readonly leases: () => Leases;
  /** By Raft's word, which may be newer than what was told of a change of leader. */
  readonly isLeader: () => boolean;
  readonly raftTerm: () => number;
  /** Of the entry applied last. */
  readonly appliedTerm: () => number;
  /**
   * All that is committed is applied, so that what anybody was told of it is known here, and no other member was
   * offered this one's place: voters would not keep it waiting.
   */
  readonly isSettled: () => boolean;
}

export class LeaseService {
  private readonly parts: LeaseServiceParts;
  private readonly listings: LeaseListings;
  private current: LeaseTerm | undefined;

  constructor(parts: LeaseServiceParts) {
    this.parts = parts;
    this.listings = new LeaseListings(
      parts.slicer,
      () => this.term?.inOrder() ?? idsOf([...parts.leases().list()]),
    );
  }

  /** An id for a new lease: positive, and not in use as far as this member knows. */
  newId(): bigint {
    const bytes = new Uint8Array(8);
    const { random, leases } = this.parts;
    for (;;) {
      writeUint32(bytes, 0, random.below(2 ** 31));
      writeUint32(bytes, 4, random.below(2 ** 32));
      const id = readBigUint64(bytes, 0);
      if (id !== 0n && !leases().has(id)) return id;
    }
  }

  /**
   * Those that end first before the others; in the order of the grants on a member that does not lead. As the
   * `leases` of a LeaseLeasesResponse, encoded.
   */
  list(done: Done<Bytes>): void {
    this.listings.list(done);
  }

  /** As a leader that has heard from a quorum just now; undefined: it is for `renew`. */
  maybeRenewNow(id: bigint): number | undefined {
    const { term } = this;
    return term !== undefined && this.parts.isSettled() ? term.maybeRenewNow(id) : undefined;
  }

  /** As the leader; `notLeader` when this member does not lead, or not any more. */
  renew(id: bigint, done: Done<number>): void {
    const ttl = this.maybeRenewNow(id);
    if (ttl !== undefined) done(ok(ttl));
    else this.confirmed(done, (term) => term.renew(id, done));
  }

  /** As the leader; `notLeader` when this member does not lead, or not any more. */
  timeToLive(id: bigint, done: Done<LeaseTimes | undefined>): void {
    this.confirmed(done, (term) => done(ok(term.times(id))));
  }

  /** An entry was applied and changed these rows. */
  applied(changes: readonly StateChange[], kind: CommandKind | undefined): void {
    const { metrics, leases } = this.parts;
    for (const { space, key, value } of changes) {
      if (space !== 'lease') continue;
      const id = decodeLeaseKey(key);
      const lease = leases().get(id);
      if (value === undefined) {
        metrics.revoked.add();
        this.current?.revoked(id);
      } else if (kind === CommandKind.leaseGrant && lease !== undefined) {
        metrics.granted.add();
        metrics.ttls.observe(lease.grantedTtl);
        this.current?.granted(lease);
      }
    }
  }

  /**
   * Entries were applied. A leader's clock begins once it has applied an entry of its own term, and with it all
   * that earlier terms have granted and revoked.
   */
  appliedSome(): void {
    const { parts } = this;
    const term = parts.raftTerm();
    if (this.term !== undefined || !parts.isLeader() || parts.appliedTerm() !== term) return;
    this.end();
    this.current = new LeaseTerm({ ...parts, term, leases: parts.leases() });
  }

  /** Raft has told of another leader, or of none. */
  leaderChanged(): void {
    if (this.term === undefined) this.end();
  }

  /** What a leader knows ends with its term. */
  end(): void {
    this.current?.end();
    this.current = undefined;
  }

  /** The term in which this member leads now. */
  private get term(): LeaseTerm | undefined {
    const { isLeader, raftTerm } = this.parts;
    return isLeader() && this.current?.term === raftTerm() ? this.current : undefined;
  }

  /** Goes on if this member, still in the same term, knows from a round begun after the call that it leads. */
  private confirmed(done: Done<never>, then: (term: LeaseTerm) => void): void {
    const { isLeader, raftTerm, confirm } = this.parts;
    if (!isLeader()) return done(failed(errors.notLeader));
    const asked = raftTerm();
    const before = this.term?.contact;
    const whenConfirmed: Done<undefined> = (outcome) => {
      const { term } = this;
      if (!outcome.ok) done(outcome);
      else if (term?.term !== asked) done(failed(errors.notLeader));
      else then(term);
    };
    if (before === undefined) confirm(whenConfirmed);
    else before.confirm(whenConfirmed);
  }
}

function* idsOf(leases: readonly LeaseRecord[]): IterableIterator<bigint> {
  for (const { id } of leases) yield id;
}
