import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { encodeConfChangeContext, type MemberChange } from '../../src/membership/conf-change.ts';
import { Membership, membersMoved, type MemberRow } from '../../src/membership/membership.ts';
import { decodeMemberRow, encodeMemberKey, MemberRecord } from '../../src/membership/record.ts';
import type { EtcdError, Outcome } from '../../src/wire/errors.ts';

const member = (id: bigint, port: number): MemberRecord =>
  MemberRecord.create({ id, peerUrls: [`http://localhost:${port}`] });

/** A membership beside the rows that it was said to have written. */
class Cluster {
  readonly membership = Membership.load([]);
  private readonly rows = new Map<string, MemberRow>();

  change(
    changes: readonly MemberChange[],
    ...given: readonly MemberRecord[]
  ): EtcdError | undefined {
    const context = encodeConfChangeContext(given);
    return this.keep(this.membership.change({ changes, context }));
  }

  keep(outcome: Outcome<readonly MemberRow[]>): EtcdError | undefined {
    if (!outcome.ok) return outcome.error;
    for (const row of outcome.value) this.rows.set(row.key.join(), row);
    return undefined;
  }

  reloaded(): Membership {
    return Membership.load([...this.rows.values()].toReversed());
  }
}

const notFound = { code: 5, text: 'etcdserver: member not found' };
const exists = { code: 9, text: 'etcdserver: member ID already exist' };
const taken = { code: 9, text: 'etcdserver: Peer URLs already exists' };

describe('membership', () => {
  function twoVoters(): Cluster {
    const cluster = new Cluster();
    // As bootstrap does it: every first member in a change of its own.
    assert.equal(cluster.change([{ type: 'addVoter', memberId: 9n }], member(9n, 1)), undefined);
    assert.equal(cluster.change([{ type: 'addVoter', memberId: 3n }], member(3n, 2)), undefined);
    return cluster;
  }

  it('lists members by id, ids above 2^63 last', () => {
    const cluster = twoVoters();
    const large = 2n ** 64n - 1n;
    cluster.change([{ type: 'addLearner', memberId: large }], member(large, 3));
    assert.deepEqual(
      cluster.membership.list().map(({ id }) => id),
      [3n, 9n, large],
    );
    assert.equal(cluster.membership.get(large)?.isLearner, true);
    assert.equal(cluster.membership.get(9n)?.isLearner, false);
    assert.equal(cluster.membership.get(1n), undefined);
  });

  it('comes back whole from its rows, removed ids included', () => {
    const cluster = twoVoters();
    cluster.change([{ type: 'addLearner', memberId: 4n }], member(4n, 3));
    cluster.change([{ type: 'remove', memberId: 9n }]);
    const attributes = {
      memberId: 3n,
      name: 'three',
      clientUrls: ['http://c'],
      incarnation: 2n ** 64n - 1n,
    };
    cluster.keep({ ok: true, value: cluster.membership.publish(attributes) });
    const reloaded = cluster.reloaded();
    assert.deepEqual(reloaded.list(), cluster.membership.list());
    assert.equal(reloaded.isRemoved(9n), true);
    assert.equal(reloaded.isRemoved(3n), false);
    const { peerUrls, ...published } = reloaded.get(3n) ?? member(0n, 0);
    assert.deepEqual(peerUrls, ['http://localhost:2'], 'what it was added with');
    assert.deepEqual(published, {
      id: 3n,
      name: 'three',
      clientUrls: ['http://c'],
      isLearner: false,
      incarnation: 2n ** 64n - 1n,
    });
  });

  it('promotes a learner by adding it as a voter, and keeps what else it is', () => {
    const cluster = twoVoters();
    cluster.change([{ type: 'addLearner', memberId: 4n }], member(4n, 3));
    cluster.membership.publish({ memberId: 4n, name: 'four', clientUrls: [], incarnation: 1n });
    assert.equal(cluster.change([{ type: 'addVoter', memberId: 4n }]), undefined);
    const promoted = cluster.membership.get(4n);
    assert.deepEqual([promoted?.isLearner, promoted?.name], [false, 'four']);
  });

  it('promotes nobody who is added once more: the same URLs within a second make the same id', () => {
    const cluster = twoVoters();
    cluster.change([{ type: 'addLearner', memberId: 4n }], member(4n, 3));
    assert.deepEqual(cluster.change([{ type: 'addVoter', memberId: 4n }], member(4n, 3)), exists);
    assert.equal(cluster.membership.get(4n)?.isLearner, true);
  });

  it('demotes a voter by adding it as a learner', () => {
    const cluster = twoVoters();
    assert.equal(cluster.change([{ type: 'addLearner', memberId: 3n }]), undefined);
    assert.equal(cluster.membership.get(3n)?.isLearner, true);
  });

  it('refuses what an earlier change has made void', () => {
    const cluster = twoVoters();
    assert.deepEqual(cluster.change([{ type: 'addVoter', memberId: 3n }], member(3n, 5)), exists);
    assert.deepEqual(cluster.change([{ type: 'addVoter', memberId: 5n }], member(5n, 1)), taken);
    assert.deepEqual(cluster.change([{ type: 'remove', memberId: 5n }]), notFound);
    assert.deepEqual(cluster.change([{ type: 'addVoter', memberId: 5n }]), notFound, 'no record');
    cluster.change([{ type: 'remove', memberId: 3n }]);
    const again: MemberChange = { type: 'addLearner', memberId: 3n };
    assert.deepEqual(cluster.change([again], member(3n, 5)), notFound, 'an id never comes back');
  });

  it('applies a joint change as a whole or not at all', () => {
    const cluster = twoVoters();
    const swap: readonly MemberChange[] = [
      { type: 'remove', memberId: 9n },
      { type: 'addVoter', memberId: 5n },
    ];
    assert.deepEqual(cluster.change(swap, member(5n, 2)), taken);
    assert.deepEqual(
      cluster.membership.list().map(({ id }) => id),
      [3n, 9n],
    );
    assert.equal(cluster.membership.isRemoved(9n), false);
    assert.equal(
      cluster.change(swap, member(5n, 1)),
      undefined,
      'the URL of the one removed is free',
    );
    assert.deepEqual(cluster.reloaded().list(), cluster.membership.list());
    assert.deepEqual(
      cluster.membership.list().map(({ id }) => id),
      [3n, 5n],
    );
  });

  it('changes nothing when a joint configuration is left', () => {
    const cluster = twoVoters();
    assert.deepEqual(cluster.membership.change({ changes: [], context: utf8('') }), {
      ok: true,
      value: [],
    });
  });

  it('updates peer URLs, which no other member may have', () => {
    const cluster = twoVoters();
    assert.equal(
      cluster.keep(cluster.membership.update(3n, ['http://localhost:2', 'http://x'])),
      undefined,
    );
    assert.deepEqual(cluster.reloaded().get(3n)?.peerUrls, ['http://localhost:2', 'http://x']);
    assert.deepEqual(cluster.keep(cluster.membership.update(9n, ['http://x'])), taken);
    assert.deepEqual(cluster.keep(cluster.membership.update(1n, ['http://y'])), notFound);
  });

  it('passes over what a removed member publishes', () => {
    const cluster = twoVoters();
    cluster.change([{ type: 'remove', memberId: 3n }]);
    const attributes = { memberId: 3n, name: 'three', clientUrls: [], incarnation: 1n };
    assert.deepEqual(cluster.membership.publish(attributes), []);
    assert.equal(cluster.membership.get(3n), undefined);
  });

  it('does not load rows that are none of its own', () => {
    const row = MemberRecord.encode(member(3n, 1));
    assert.throws(() => decodeMemberRow(encodeMemberKey(3n), row), 'a record is no row');
    assert.throws(() => Membership.load([{ key: utf8('short'), value: row }]), /5 bytes/);
    const [written] = twoVoters().membership.publish({
      memberId: 3n,
      name: 'n',
      clientUrls: [],
      incarnation: 0n,
    });
    assert.ok(written !== undefined);
    assert.throws(
      () => decodeMemberRow(encodeMemberKey(9n), written.value),
      /holds another member/,
    );
  });

  describe('changed by several who do not know of each other', () => {
    it('changes its fingerprint with every change of who is what, and with no other', () => {
      const cluster = twoVoters();
      const seen = new Set<number>();
      const isNew = (): boolean => {
        const { size } = seen;
        return seen.add(cluster.membership.fingerprint).size > size;
      };
      assert.ok(isNew());
      cluster.keep(cluster.membership.update(3n, ['http://localhost:77']));
      cluster.keep({
        ok: true,
        value: cluster.membership.publish({
          memberId: 3n,
          name: 'three',
          clientUrls: [],
          incarnation: 1n,
        }),
      });
      assert.ok(!isNew(), 'names and URLs are no matter');
      cluster.change([{ type: 'addLearner', memberId: 4n }], member(4n, 4));
      assert.ok(isNew());
      cluster.change([{ type: 'addVoter', memberId: 4n }]);
      assert.ok(isNew());
      cluster.change([{ type: 'remove', memberId: 4n }]);
      assert.ok(isNew(), 'an id that is gone is not one that never was');
      assert.equal(cluster.reloaded().fingerprint, cluster.membership.fingerprint);
    });

    it('makes a change once, however often it is in the log', () => {
      const cluster = twoVoters();
      const { membership } = cluster;
      const { fingerprint: basis } = membership;
      const context = encodeConfChangeContext([member(4n, 4)], { basis });
      const change = { changes: [{ type: 'addVoter' as const, memberId: 4n }], context };
      assert.equal(cluster.keep(membership.change(change)), undefined);
      assert.equal(cluster.keep(membership.change(change)), membersMoved);
      assert.equal(membership.list().length, 3);
    });

    it('takes in no more learners than the change was told', () => {
      const cluster = twoVoters();
      const add = (id: bigint, learnersBelow: number): EtcdError | undefined => {
        const context = encodeConfChangeContext([member(id, Number(id))], { learnersBelow });
        const changes = [{ type: 'addLearner' as const, memberId: id }];
        return cluster.keep(cluster.membership.change({ changes, context }));
      };
      const tooMany = { code: 9, text: 'etcdserver: too many learner members in cluster' };
      assert.deepEqual(add(4n, 1), tooMany, 'none is allowed');
      assert.equal(add(4n, 2), undefined);
      assert.deepEqual(add(5n, 2), tooMany);
      assert.equal(add(5n, 0), undefined, 'any number');
    });
  });
});
