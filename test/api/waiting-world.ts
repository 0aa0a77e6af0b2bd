import assert from 'node:assert/strict';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { RangeRequest } from '../../src/wire/kv.ts';
import { LeaseGrantRequest, LeaseRevokeRequest } from '../../src/wire/lease.ts';
import type { Codec } from '../../src/wire/message.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { prefixEnd } from '../../src/base/bytes.ts';
import { MemoryCluster } from '../server/cluster.ts';
import { leaderOf } from '../server/member-calls.ts';
import type { RecordedCall } from './caller.ts';
import { servicesOf, start, type Services } from './services.ts';

/** Whole members in memory with their services: for calls that wait until other calls let them go on. */
export class WaitingWorld {
  readonly cluster: MemoryCluster;
  private readonly services = new Map<ServerMember, Services<ServerMember>>();

  private constructor(cluster: MemoryCluster) {
    this.cluster = cluster;
  }

  static async start(size = 1): Promise<WaitingWorld> {
    const world = new WaitingWorld(await MemoryCluster.start(size));
    leaderOf(world.cluster);
    return world;
  }

  get leader(): ServerMember {
    return leaderOf(this.cluster);
  }

  get follower(): ServerMember {
    const { leader } = this;
    const found = this.cluster.members.find((member) => member !== leader);
    assert.ok(found !== undefined, 'there is a follower');
    return found;
  }

  /** Begins a call and lets it run until nothing moves any more. */
  begin<Request>(
    path: string,
    codec: Codec<Request>,
    request: Partial<Request>,
    member = this.leader,
  ): RecordedCall {
    const services = this.services.get(member) ?? servicesOf(member);
    this.services.set(member, services);
    const call = start(services, path, codec.encode(request));
    this.settle();
    return call;
  }

  settle(): void {
    this.cluster.advance(200);
  }

  grant(id: bigint, ttl = 3600): void {
    const call = this.begin('/etcdserverpb.Lease/LeaseGrant', LeaseGrantRequest, { id, ttl });
    assert.equal(call.answer?.text, '');
  }

  revoke(id: bigint): void {
    const call = this.begin('/etcdserverpb.Lease/LeaseRevoke', LeaseRevokeRequest, { id });
    assert.equal(call.answer?.text, '');
  }

  /** Keys that begin so, in order. */
  keys(prefix: string): readonly string[] {
    const key = utf8(prefix);
    const { cluster, leader } = this;
    const request = RangeRequest.create({ key, rangeEnd: prefixEnd(key) });
    const outcome = cluster.answer<{ readonly kvs: readonly Bytes[] }>((done) =>
      leader.range(request, done),
    );
    assert.ok(outcome.ok);
    return outcome.value.kvs.map((kv) => new TextDecoder().decode(KeyValue.decode(kv).key));
  }
}

/** `waits`, `ok`, or the error's code and text. */
export function stateOf({ answer }: RecordedCall): string {
  if (answer === undefined) return 'waits';
  return answer.code === 0 ? 'ok' : `${answer.code} ${answer.text}`;
}
