import type { Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { Done } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { errors, type EtcdError } from '../../src/wire/errors.ts';
import { PutRequest, TxnRequest, type PutResponse, type TxnResponse } from '../../src/wire/kv.ts';
import {
  LeaseGrantRequest,
  LeaseRevokeRequest,
  type LeaseGrantResponse,
} from '../../src/wire/lease.ts';
import type { EventHistory, WatchEvent } from '../guarantees/history.ts';
import {
  checkLeases,
  checkTogether,
  type LeaseGone,
  type LeaseRevoke,
  type LeaseTerm,
} from '../guarantees/lease-checks.ts';
import type { LeaseRecord } from '../../src/lease/record.ts';
import { mustFindNone } from './promises.ts';
import { SimCalls, type Note } from './calls.ts';
import type { SimHistory } from './history.ts';
import { bytesOf, type MemoryCluster } from '../server/cluster.ts';

const leasesMax = 8;
/** As many operations as etcd allows in a transaction by default. */
const manyKeysMax = 128;
const ttlsSeconds = [2, 3, 5, 10];
/** How long after its TTL a lease may still be there once the world has healed: an election and some seconds. */
const lateMs = 1000 + 3000;
/** Clocks of members may run at half the speed of the world's. */
const slowestFactor = 2;

interface SimLease {
  readonly id: bigint;
  isGranted: boolean;
  isGone: boolean;
  keys: number;
}

export interface LeasesParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  readonly writes: SimHistory;
  readonly note: Note;
  /** The fastest clock of any member: a lease lives by the clock of whoever leads. */
  readonly fastest: number;
}

/** Clients that grant leases, attach keys to them, keep them alive for a while, and sometimes revoke them. */
export class SimLeases {
  readonly calls: SimCalls;
  private readonly cluster: MemoryCluster;
  private readonly random: Random;
  private readonly writes: SimHistory;
  private readonly fastest: number;
  private readonly slowest: number;
  private readonly leases = new Map<bigint, SimLease>();
  private readonly terms: LeaseTerm[] = [];
  private readonly revokes: LeaseRevoke[] = [];
  private readonly gone: LeaseGone[] = [];

  constructor(parts: LeasesParts) {
    this.cluster = parts.cluster;
    this.random = parts.random;
    this.writes = parts.writes;
    this.fastest = parts.fastest;
    // Clocks that run fast may run slow, too.
    this.slowest = parts.fastest > 1 ? slowestFactor : 1;
    this.calls = new SimCalls(parts.note);
  }

  act(): void {
    const members = this.cluster.callable;
    const member = members[this.random.below(Math.max(1, members.length))];
    if (member !== undefined) this.actAt(member);
  }

  private actAt(member: ServerMember): void {
    const living = [...this.leases.values()].filter(({ isGone }) => !isGone);
    const lease = living[this.random.below(Math.max(1, living.length))];
    const what = this.random.below(16);
    if (lease === undefined || what < 2) {
      if (living.length < leasesMax) this.grant(member);
    } else if (what < 5) this.attach(member, lease);
    else if (what < 6) this.attachMany(member, lease);
    else if (what < 13) this.keepAlive(member, lease);
    else if (what < 15) this.ask(member, lease);
    else this.revoke(member, lease);
  }

  private grant(member: ServerMember): void {
    const lease = { id: BigInt(1000 + this.leases.size), isGranted: false, isGone: false, keys: 0 };
    this.leases.set(lease.id, lease);
    const ttl = ttlsSeconds[this.random.below(ttlsSeconds.length)] ?? 2;
    const beganAtMs = this.nowMs;
    const done = this.calls.begin<LeaseGrantResponse>(
      member,
      `grant ${lease.id} for ${ttl} s`,
      (response) => {
        lease.isGranted = true;
        this.terms.push({
          id: response.id,
          kind: 'grant',
          beganAtMs,
          ackedAtMs: this.nowMs,
          ttlSeconds: response.ttl / this.fastest,
        });
      },
    );
    const request = LeaseGrantRequest.encode({ id: lease.id, ttl });
    member.propose(CommandKind.leaseGrant, request, done as Done<unknown>);
  }

  private attach(member: ServerMember, lease: SimLease): void {
    const { id } = lease;
    const key = `l/${id}/${lease.keys++}`;
    this.writes.expectRemoval(key);
    const write = this.writes.began(key, `${key}=`);
    const isGranted = lease.isGranted;
    const done = this.calls.begin<PutResponse>(
      member,
      `put ${key}`,
      ({ header }) => this.writes.wrote(write, header?.revision ?? 0),
      (error) => {
        this.writes.refused([write], error);
        if (isSame(error, errors.leaseNotFound) && isGranted) this.saw(lease, 'refused to attach');
      },
    );
    const value = bytesOf(write.value ?? '');
    const request = PutRequest.encode(PutRequest.create({ key: bytesOf(key), value, lease: id }));
    member.propose(CommandKind.put, request, done as Done<unknown>);
  }

  /** Enough of these make a lease that ends in several steps. */
  private attachMany(member: ServerMember, lease: SimLease): void {
    const { id, isGranted } = lease;
    const count = 1 + this.random.below(manyKeysMax);
    const writes = Array.from({ length: count }, () => {
      const key = `l/${id}/${lease.keys++}`;
      this.writes.expectRemoval(key);
      return this.writes.began(key, `${key}=`);
    });
    const what = `put ${count} keys to ${writes.at(-1)?.key ?? ''}`;
    const done = this.calls.begin<TxnResponse>(
      member,
      what,
      ({ header }) => this.writes.wroteAll(writes, header?.revision ?? 0),
      (error) => {
        this.writes.refused(writes, error);
        if (isSame(error, errors.leaseNotFound) && isGranted) this.saw(lease, 'refused to attach');
      },
    );
    const success = writes.map(({ key, value }) => {
      const put = PutRequest.create({ key: bytesOf(key), value: bytesOf(value ?? ''), lease: id });
      return { request: { case: 'requestPut' as const, value: put } };
    });
    const request = TxnRequest.encode(TxnRequest.create({ success }));
    member.propose(CommandKind.txn, request, done as Done<unknown>);
  }

  private keepAlive(member: ServerMember, lease: SimLease): void {
    const { id, isGranted } = lease;
    const beganAtMs = this.nowMs;
    const done = this.calls.begin<number>(member, `keep ${id} alive`, (ttl) => {
      const ttlSeconds = ttl / this.fastest;
      this.terms.push({ id, kind: 'keepAlive', beganAtMs, ackedAtMs: this.nowMs, ttlSeconds });
      if (ttl === 0 && isGranted) this.saw(lease, 'not kept alive');
    });
    member.renewLease(id, done);
  }

  private ask(member: ServerMember, lease: SimLease): void {
    const { id, isGranted } = lease;
    const done = this.calls.begin<object | undefined>(member, `time to live of ${id}`, (times) => {
      if (times === undefined && isGranted) this.saw(lease, 'without a time to live');
    });
    member.leaseTimeToLive(id, this.random.below(2) === 0, done);
  }

  private revoke(member: ServerMember, { id }: SimLease): void {
    this.revokes.push({ id, beganAtMs: this.nowMs });
    const done = this.calls.begin(member, `revoke ${id}`, () => undefined);
    member.propose(CommandKind.leaseRevoke, LeaseRevokeRequest.encode({ id }), done);
  }

  /** A watcher was told of this. */
  told({ type, key }: WatchEvent): void {
    if (type !== 'delete' || !isLeased(key)) return;
    const lease = this.leases.get(BigInt(key.split('/')[1] ?? '0'));
    if (lease !== undefined && !lease.isGone) this.saw(lease, `seen without ${key}`);
  }

  private saw(lease: SimLease, how: string): void {
    lease.isGone = true;
    this.gone.push({ id: lease.id, seenAtMs: this.nowMs, how });
  }

  /** Nobody keeps anything alive any more: each lease must end in its time, counted anew by each new leader. */
  settle(): void {
    const { cluster } = this;
    cluster.until('an answer to every call about leases', () => this.calls.isIdle, 60_000);
    let sinceMs = this.nowMs;
    let term = cluster.leader?.term;
    const limitMs = (Math.max(...ttlsSeconds) * 1000 + lateMs) * slowestFactor * 2;
    cluster.until(
      'the end of all leases',
      () => {
        const now = cluster.leader?.term;
        if (now !== term) [term, sinceMs] = [now, this.nowMs];
        const late = this.lateLeases(sinceMs);
        mustFindNone(
          `a lease that nobody keeps ends ${lateMs} ms after its TTL at the latest`,
          late,
        );
        return this.left().length === 0;
      },
      limitMs,
    );
  }

  /** Those that are still there though their time is over on the slowest clock. */
  private lateLeases(sinceMs: number): readonly string[] {
    return this.left().flatMap(({ id, grantedTtl }) => {
      const limitMs = (grantedTtl * 1000 + lateMs) * this.slowest;
      return this.nowMs - sinceMs > limitMs
        ? [`lease ${id} of ${grantedTtl} s is there ${this.nowMs - sinceMs} ms after that`]
        : [];
    });
  }

  /** On any member. */
  private left(): readonly LeaseRecord[] {
    return this.cluster.members.flatMap((member) => [...member['loops'].state.leases.list()]);
  }

  check(history: EventHistory): void {
    const { terms, revokes, gone } = this;
    mustFindNone('a lease lasts as long as was told', checkLeases({ terms, revokes, gone }));
    mustFindNone('all keys of a lease end with it', checkTogether(history, isLeased));
  }

  get summary(): string {
    return `${this.leases.size} leases, ${this.terms.length} terms, ${this.revokes.length} revokes, ${this.gone.length} gone`;
  }

  private get nowMs(): number {
    return this.cluster.scheduler.nowMs();
  }
}

function isLeased(key: string): boolean {
  return key.startsWith('l/');
}

function isSame(error: EtcdError, other: EtcdError): boolean {
  return error.code === other.code && error.text === other.text;
}
