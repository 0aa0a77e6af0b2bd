import assert from 'node:assert/strict';
import { Alarms } from '../../src/apply/alarms.ts';
import { StateMachine } from '../../src/apply/machine.ts';
import type { Applied } from '../../src/apply/types.ts';
import { fromHex, type Bytes } from '../../src/base/bytes.ts';
import { encodeConfChangeContext } from '../../src/membership/conf-change.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import { decodeMemberRow, MemberRecord } from '../../src/membership/record.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import { MemberAttributes, MemberPeerUrls } from '../../src/wire/membership.ts';
import { NaiveStore } from './naive-store.ts';

const position = { index: 1, term: 1 };

class Applier {
  readonly store = new NaiveStore();
  readonly membership = Membership.load([]);
  private readonly machine = new StateMachine({
    revisions: this.store,
    membership: this.membership,
    leases: Leases.load([]),
    alarms: Alarms.load([]),
  });

  command(kind: CommandKind, request: Bytes): Applied {
    return this.machine.apply({ kind, request }, position);
  }

  add(id: bigint): Applied {
    const record = MemberRecord.create({ id, peerUrls: [`http://m${id}`] });
    const context = encodeConfChangeContext([record]);
    return this.machine.applyConfChange({ changes: [{ type: 'addVoter', memberId: id }], context });
  }
}

describe('the state machine', () => {
  it('answers a change of the membership with the members, and gives their rows', () => {
    const applier = new Applier();
    const { outcome, changes, rows } = applier.add(7n);
    const members = applier.membership.list();
    assert.deepEqual(outcome, { ok: true, value: { members } });
    assert.equal(members.length, 1);
    assert.deepEqual(rows, []);
    const [change] = changes;
    assert.ok(change?.value !== undefined);
    assert.deepEqual(decodeMemberRow(change.key, change.value).member, members[0]);
  });

  it('leaves everything as it is when a change of the membership is void', () => {
    const applier = new Applier();
    applier.add(7n);
    const { outcome, changes } = applier.add(7n);
    assert.deepEqual(outcome, {
      ok: false,
      error: { code: 9, text: 'etcdserver: member ID already exist' },
    });
    assert.deepEqual(changes, []);
  });

  it('takes up what members publish, and bears with those that are gone', () => {
    const applier = new Applier();
    applier.add(7n);
    const publish = (memberId: bigint): Applied => {
      const attributes = { memberId, name: 'm', clientUrls: ['http://c'], incarnation: 5n };
      return applier.command(CommandKind.publishMember, MemberAttributes.encode(attributes));
    };
    assert.equal(publish(7n).changes.length, 1);
    assert.equal(applier.membership.get(7n)?.name, 'm');
    const { outcome, changes } = publish(8n);
    assert.equal(outcome.ok, true);
    assert.deepEqual(changes, []);
  });

  it('gives a member new peer URLs, which no other may have, and keeps its role', () => {
    const applier = new Applier();
    applier.add(7n);
    applier.add(8n);
    const update = (memberId: bigint, ...peerUrls: string[]): Applied =>
      applier.command(CommandKind.updateMember, MemberPeerUrls.encode({ memberId, peerUrls }));
    const { outcome, changes } = update(7n, 'http://new');
    assert.deepEqual(outcome, { ok: true, value: { members: applier.membership.list() } });
    assert.equal(changes.length, 1);
    const { peerUrls, isLearner } = applier.membership.get(7n) ?? assert.fail();
    assert.deepEqual([peerUrls, isLearner], [['http://new'], false]);
    const refused = [update(7n, 'http://m8'), update(9n, 'http://m9')];
    assert.deepEqual(
      refused.map((each) => [each.outcome.ok || each.outcome.error.text, each.changes]),
      [
        ['etcdserver: Peer URLs already exists', []],
        ['etcdserver: member not found', []],
      ],
    );
  });

  it('stops at a committed request that is malformed', () => {
    const applier = new Applier();
    for (const kind of Object.values(CommandKind)) {
      assert.throws(() => applier.command(kind, fromHex('0a05')), {
        name: 'InvariantError',
        message: /^committed \S+ is malformed: .*cannot parse invalid wire-format data$/,
      });
    }
    assert.equal(applier.store.revision, 1);
  });

  it('keeps nothing of a request that would change with its memory', () => {
    const applier = new Applier();
    const request = PutRequest.encode({ key: fromHex('61'), value: fromHex('76') });
    const [row] = applier.command(CommandKind.put, request).rows;
    const before = row?.value.slice();
    request.fill(0xff);
    assert.deepEqual(row?.value, before);
  });
});
