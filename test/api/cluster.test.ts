import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import type { AddedMember, Done, MemberInfo } from '../../src/server/types.ts';
import {
  MemberAddRequest,
  MemberAddResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from '../../src/wire/cluster.ts';
import { Code, errors, failed, ok, type Outcome } from '../../src/wire/errors.ts';
import { FakeMember, memberInfo } from './fake-member.ts';
import { answerOf, servicesOf } from './services.ts';

/** A member that writes down which change of the members it is asked for. */
class ReconfiguredMember extends FakeMember {
  readonly asked: unknown[] = [];
  outcome: Outcome<readonly MemberInfo[]> = ok([
    memberInfo(0xb2n, 'two'),
    memberInfo(0xa1n, 'one'),
  ]);

  override addMember(
    peerUrls: readonly string[],
    isLearner: boolean,
    done: Done<AddedMember>,
  ): void {
    this.asked.push(['add', peerUrls, isLearner]);
    const added = { id: 0xd4n, name: '', peerUrls, clientUrls: [], isLearner };
    const { outcome } = this;
    done(outcome.ok ? ok({ added, members: outcome.value }) : outcome);
  }

  override removeMember(id: bigint, done: Done<readonly MemberInfo[]>): void {
    this.asked.push(['remove', id]);
    done(this.outcome);
  }

  override promoteMember(id: bigint, done: Done<readonly MemberInfo[]>): void {
    this.asked.push(['promote', id]);
    done(this.outcome);
  }

  override updateMember(
    id: bigint,
    peerUrls: readonly string[],
    done: Done<readonly MemberInfo[]>,
  ): void {
    this.asked.push(['update', id, peerUrls]);
    done(this.outcome);
  }
}

const path = (method: string): string => `/etcdserverpb.Cluster/${method}`;
/** Without a revision, as in every answer of this service. */
const header = { clusterId: 0xc1n, memberId: 0xa1n, revision: 0, raftTerm: 3 };
const byId = [memberInfo(0xa1n, 'one'), memberInfo(0xb2n, 'two')];

describe('changes of the members', () => {
  const peerUrls = ['http://four:2380'];
  const requests: readonly (readonly [method: string, request: Uint8Array, asked: unknown[]])[] = [
    ['MemberAdd', MemberAddRequest.encode({ peerUrls, isLearner: true }), ['add', peerUrls, true]],
    [
      'MemberRemove',
      MemberRemoveRequest.encode({ id: 2n ** 64n - 1n }),
      ['remove', 2n ** 64n - 1n],
    ],
    ['MemberPromote', MemberPromoteRequest.encode({ id: 7n }), ['promote', 7n]],
    ['MemberUpdate', MemberUpdateRequest.encode({ id: 7n, peerUrls }), ['update', 7n, peerUrls]],
  ];

  for (const [method, request, asked] of requests) {
    it(`${method} asks the member once, and answers its error as it is`, () => {
      const member = new ReconfiguredMember();
      member.outcome = failed(errors.unhealthy);
      const { code, text } = answerOf(servicesOf(member), path(method), request);
      assert.deepEqual([code, text], [Code.Unavailable, 'etcdserver: unhealthy cluster']);
      assert.deepEqual(member.asked, [asked]);
    });

    it(`${method} is not for learners`, () => {
      const member = new ReconfiguredMember();
      member.isLearner = true;
      const { text } = answerOf(servicesOf(member), path(method), request);
      assert.equal(text, 'etcdserver: rpc not supported for learner');
      assert.deepEqual(member.asked, []);
    });
  }

  it('MemberAdd answers the new member and all by ascending id, without a revision', () => {
    const [method, request] = requests[0] as (typeof requests)[number];
    const { messages } = answerOf(servicesOf(new ReconfiguredMember()), path(method), request);
    assert.deepEqual(MemberAddResponse.decode(mustGet(messages[0], 'message')), {
      header,
      member: { id: 0xd4n, name: '', peerUrls, clientUrls: [], isLearner: true },
      members: byId,
    });
  });

  it('the others answer all members by ascending id, without a revision', () => {
    const codecs = [MemberRemoveResponse, MemberPromoteResponse, MemberUpdateResponse];
    for (const [i, [method, request]] of requests.slice(1).entries()) {
      const { messages } = answerOf(servicesOf(new ReconfiguredMember()), path(method), request);
      const decoded = mustGet(codecs[i], 'codec').decode(mustGet(messages[0], 'message'));
      assert.deepEqual(decoded, { header, members: byId });
    }
  });
});
