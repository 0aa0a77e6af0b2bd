import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { LeaseDescription } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import {
  LeaseGrantRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
} from '../../src/wire/lease.ts';
import { bytesOf, type MemoryCluster } from './cluster.ts';

/** What clients do with leases, at members of a memory cluster. */

export function leaderOf(cluster: MemoryCluster): ServerMember {
  cluster.until('a leader', () => cluster.leader !== undefined);
  return mustGet(cluster.leader, 'no leader');
}

export function followerOf(cluster: MemoryCluster): ServerMember {
  const leader = leaderOf(cluster);
  return mustGet(
    cluster.members.find((member) => member !== leader),
    'no follower',
  );
}

export function grant(cluster: MemoryCluster, member: ServerMember, id: bigint, ttl: number): void {
  const request = LeaseGrantRequest.encode({ id, ttl });
  const granted = cluster.answer((done) => member.propose(CommandKind.leaseGrant, request, done));
  assert.ok(granted.ok);
}

export function putWithLease(
  cluster: MemoryCluster,
  member: ServerMember,
  key: string,
  lease: bigint,
): void {
  const request = PutRequest.encode(
    PutRequest.create({ key: bytesOf(key), value: bytesOf('v'), lease }),
  );
  const put = cluster.answer((done) => member.propose(CommandKind.put, request, done));
  assert.ok(put.ok);
}

export function revoke(cluster: MemoryCluster, member: ServerMember, id: bigint): Outcome<unknown> {
  const request = LeaseRevokeRequest.encode({ id });
  return cluster.answer((done) => member.propose(CommandKind.leaseRevoke, request, done));
}

/** The ids of all leases, as the member lists them. */
export function listOf(cluster: MemoryCluster, member: ServerMember): readonly bigint[] {
  const listed = cluster.answer<Bytes>((done) => member.leases(done));
  assert.ok(listed.ok);
  return LeaseLeasesResponse.decode(listed.value).leases.map(({ id }) => id);
}

/** The TTL that a keep-alive is answered with. */
export function renew(cluster: MemoryCluster, member: ServerMember, id: bigint): number {
  const renewed = cluster.answer<number>((done) => member.renewLease(id, done));
  assert.ok(renewed.ok, renewed.ok ? '' : renewed.error.text);
  return renewed.value;
}

export function timesOf(
  cluster: MemoryCluster,
  member: ServerMember,
  id: bigint,
): LeaseDescription | undefined {
  const times = cluster.answer<LeaseDescription | undefined>((done) =>
    member.leaseTimeToLive(id, true, done),
  );
  assert.ok(times.ok, times.ok ? '' : times.error.text);
  return times.value;
}

/** Whether the member itself holds the key. */
export function holds(cluster: MemoryCluster, member: ServerMember, key: string): boolean {
  const read = cluster.local(member, key);
  assert.ok(read.ok);
  return read.value.kvs.length > 0;
}

/** Milliseconds until the key is gone at the member. */
export function msUntilGone(cluster: MemoryCluster, member: ServerMember, key: string): number {
  const startedMs = cluster.scheduler.nowMs();
  cluster.until(`${key} is gone`, () => !holds(cluster, member, key), 60_000);
  return cluster.scheduler.nowMs() - startedMs;
}
