import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import type { StreamReceiver } from '../../src/grpc/types.ts';
import type { Done, LeaseDescription } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { Code, errors, failed, ok } from '../../src/wire/errors.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '../../src/wire/lease.ts';
import { RecordedCall } from './caller.ts';
import { FakeMember } from './fake-member.ts';
import { answerOf, servicesOf, start } from './services.ts';

/** The Lease service: what is proposed, what is asked of the member, and how it is answered (etcd v3rpc/lease.go). */

class LeaseMember extends FakeMember {
  readonly renewals: { readonly id: bigint; readonly done: Done<number> }[] = [];
  /** What is answered at once. */
  ttlNow: number | undefined;
  times: LeaseDescription | undefined;
  ids: readonly bigint[] = [];

  override maybeRenewLease(): number | undefined {
    return this.ttlNow;
  }

  override renewLease(id: bigint, done: Done<number>): void {
    this.renewals.push({ id, done });
  }

  override leaseTimeToLive(
    _id: bigint,
    _withKeys: boolean,
    done: Done<LeaseDescription | undefined>,
  ): void {
    done(ok(this.times));
  }

  override leases(done: Done<Bytes>): void {
    done(ok(LeaseLeasesResponse.encode({ leases: this.ids.map((id) => ({ id })) })));
  }
}

const path = (method: string): string => `/etcdserverpb.Lease/${method}`;
const header = { clusterId: 0xc1n, memberId: 0xa1n, revision: 7, raftTerm: 3 };

function proposedGrant(request: Partial<LeaseGrantRequest>): LeaseGrantRequest {
  const services = servicesOf(new LeaseMember());
  start(services, path('LeaseGrant'), LeaseGrantRequest.encode(request));
  const [proposal] = services.member.proposals;
  assert.equal(proposal?.kind, CommandKind.leaseGrant);
  return LeaseGrantRequest.decode(proposal.request);
}

describe('LeaseGrant', () => {
  it('proposes the id that was asked for, and one of its own in place of 0', () => {
    assert.deepEqual(proposedGrant({ id: -5n, ttl: 60 }), { id: -5n, ttl: 60 });
    assert.deepEqual(proposedGrant({ ttl: 60 }), { id: 0x1eafn, ttl: 60 });
  });

  it('raises a TTL below the least before it is proposed, whatever it is', () => {
    for (const ttl of [0, 1, -1, -Number.MAX_SAFE_INTEGER]) {
      assert.equal(proposedGrant({ id: 1n, ttl }).ttl, 2);
    }
    assert.equal(proposedGrant({ id: 1n, ttl: 2 }).ttl, 2);
  });

  it('answers what was granted', () => {
    const services = servicesOf(new LeaseMember());
    const call = start(services, path('LeaseGrant'), LeaseGrantRequest.encode({ id: 5n, ttl: 60 }));
    const granted = { header: ResponseHeader.create({ revision: 6 }), id: 5n, ttl: 60, error: '' };
    services.member.proposals[0]?.done(ok(granted));
    const response = LeaseGrantResponse.decode(mustGet(call.messages[0], 'no answer'));
    assert.deepEqual(response, { ...granted, header: { ...header, revision: 6 } });
  });

  it('answers that an id is in use', () => {
    const services = servicesOf(new LeaseMember());
    const call = start(services, path('LeaseGrant'), LeaseGrantRequest.encode({ id: 5n, ttl: 60 }));
    services.member.proposals[0]?.done(failed(errors.leaseExists));
    assert.equal(call.answer?.code, Code.FailedPrecondition);
    assert.equal(call.answer.text, 'etcdserver: lease already exists');
  });
});

describe('LeaseRevoke', () => {
  it('answers with the revision of the deletion, or that there is no such lease', () => {
    const services = servicesOf(new LeaseMember());
    const request = LeaseRevokeRequest.encode({ id: 5n });
    const calls = [0, 1].map(() => start(services, path('LeaseRevoke'), request));
    const [first, second] = services.member.proposals;
    first?.done(ok({ header: ResponseHeader.create({ revision: 9 }) }));
    second?.done(failed(errors.leaseNotFound));
    const revoked = LeaseRevokeResponse.decode(mustGet(calls[0]?.messages[0], 'no answer'));
    assert.deepEqual(revoked, { header: { ...header, revision: 9 } });
    assert.equal(calls[1]?.answer?.code, Code.NotFound);
    assert.equal(calls[1].answer.text, 'etcdserver: requested lease not found');
  });
});

describe('LeaseTimeToLive and LeaseLeases', () => {
  const timeToLive = (times: LeaseDescription | undefined): LeaseTimeToLiveResponse => {
    const services = servicesOf(new LeaseMember());
    services.member.times = times;
    const request = LeaseTimeToLiveRequest.encode({ id: 5n, keys: true });
    const { messages } = answerOf(services, path('LeaseTimeToLive'), request);
    return LeaseTimeToLiveResponse.decode(mustGet(messages[0], 'no answer'));
  };

  it('tell what is left, and which keys would go', () => {
    assert.deepEqual(timeToLive({ granted: 60, remaining: 0, keys: [utf8('a')] }), {
      header,
      id: 5n,
      ttl: 0,
      grantedTtl: 60,
      keys: [utf8('a')],
    });
  });

  it('tell of a lease that is not there by a TTL of -1, without an error', () => {
    assert.deepEqual(timeToLive(undefined), { header, id: 5n, ttl: -1, grantedTtl: 0, keys: [] });
  });

  it('list the leases in the order in which the member knows them to end', () => {
    const services = servicesOf(new LeaseMember());
    services.member.ids = [9n, -1n];
    const request = LeaseLeasesRequest.encode({});
    const { messages } = answerOf(services, path('LeaseLeases'), request);
    const response = LeaseLeasesResponse.decode(mustGet(messages[0], 'no answer'));
    assert.deepEqual(response, { header, leases: [{ id: 9n }, { id: -1n }] });
  });
});

interface KeepAlive {
  readonly member: LeaseMember;
  readonly call: RecordedCall;
  readonly receiver: StreamReceiver;
}

function keepAlive(): KeepAlive {
  const member = new LeaseMember();
  const handler = servicesOf(member).handlers.get(path('LeaseKeepAlive'));
  assert.ok(handler?.kind === 'bidi');
  const call = new RecordedCall(path('LeaseKeepAlive'), {}, undefined, () => undefined);
  return { member, call, receiver: handler.open(call) };
}

const request = (id: bigint): Uint8Array => LeaseKeepAliveRequest.encode({ id });
const answersOf = (call: RecordedCall): readonly (readonly [bigint, number])[] =>
  call.messages.map((message) => {
    const { id, ttl } = LeaseKeepAliveResponse.decode(message);
    return [id, ttl];
  });

describe('LeaseKeepAlive', () => {
  it('answers each request once and in order, whichever is renewed first', () => {
    const { member, call, receiver } = keepAlive();
    for (const id of [1n, 2n, 1n]) receiver.onMessage(request(id));
    member.renewals[1]?.done(ok(0));
    assert.deepEqual(answersOf(call), []);
    member.renewals[0]?.done(ok(60));
    member.renewals[2]?.done(ok(60));
    assert.deepEqual(answersOf(call), [
      [1n, 60],
      [2n, 0],
      [1n, 60],
    ]);
  });

  it('answers at once where the member does, but never before those that came earlier', () => {
    const { member, call, receiver } = keepAlive();
    member.ttlNow = 60;
    receiver.onMessage(request(1n));
    assert.deepEqual(answersOf(call), [[1n, 60]]);
    member.ttlNow = undefined;
    receiver.onMessage(request(2n));
    member.ttlNow = 60;
    receiver.onMessage(request(3n));
    assert.equal(call.messages.length, 1);
    for (const { done } of member.renewals) done(ok(30));
    call.hasRoom = false;
    for (const id of [4n, 5n]) receiver.onMessage(request(id));
    assert.equal(call.messages.length, 4, 'nobody reads the answers');
    member.renewals.at(-1)?.done(ok(30));
    call.drain();
    assert.deepEqual(answersOf(call), [
      [1n, 60],
      [2n, 30],
      [3n, 30],
      [4n, 60],
      [5n, 30],
    ]);
  });

  it('answers with the revision from before the renewal', () => {
    const { member, call, receiver } = keepAlive();
    receiver.onMessage(request(1n));
    member.revision = 8;
    member.renewals[0]?.done(ok(60));
    const response = LeaseKeepAliveResponse.decode(mustGet(call.messages[0], 'no answer'));
    assert.deepEqual(response.header, header);
  });

  it('ends when the caller has sent its last and has all answers', () => {
    const { member, call, receiver } = keepAlive();
    receiver.onMessage(request(1n));
    receiver.onHalfClose();
    const early: unknown = call.answer;
    assert.equal(early, undefined);
    member.renewals[0]?.done(ok(60));
    assert.equal(call.answer?.code, Code.OK);
    assert.equal(call.messages.length, 1);
  });

  it('ends with the error of a renewal that failed, after the answers before it', () => {
    const { member, call, receiver } = keepAlive();
    for (const id of [1n, 2n, 3n]) receiver.onMessage(request(id));
    member.renewals[1]?.done(failed(errors.noLeader));
    member.renewals[0]?.done(ok(60));
    member.renewals[2]?.done(ok(60));
    assert.deepEqual(answersOf(call), [[1n, 60]]);
    assert.deepEqual([call.answer?.code, call.answer?.text], [14, 'etcdserver: no leader']);
  });

  it('holds its caller back while it waits for many renewals, and while nobody reads the answers', () => {
    const { member, call, receiver } = keepAlive();
    for (let i = 0; i < 256; i++) {
      assert.equal(call.isPaused, false);
      receiver.onMessage(request(1n));
    }
    assert.equal(call.isPaused, true);
    call.hasRoom = false;
    for (const { done } of member.renewals) done(ok(60));
    assert.equal(call.messages.length, 1);
    assert.equal(call.isPaused, false);
    call.drain();
    assert.equal(call.messages.length, 256);
  });

  it('renews nothing more, and sends nothing, once it was cancelled', () => {
    const { member, call, receiver } = keepAlive();
    receiver.onMessage(request(1n));
    call.cancel();
    member.renewals[0]?.done(ok(60));
    receiver.onMessage(request(2n));
    assert.deepEqual([call.messages.length, member.renewals.length], [0, 1]);
  });
});
