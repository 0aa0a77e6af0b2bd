import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { costBytesAtMost, putCostBytes, txnCostBytes } from '../../src/apply/space-cost.ts';
import { Alarms, alarmsMax } from '../../src/apply/alarms.ts';
import { StateMachine } from '../../src/apply/machine.ts';
import type { Applied } from '../../src/apply/types.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import { CommandKind } from '../../src/wire/command.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  TxnRequest,
} from '../../src/wire/kv.ts';
import {
  LeaseCheckpoints,
  LeaseExpiry,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../../src/wire/lease.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmType,
  type AlarmMember,
} from '../../src/wire/maintenance.ts';
import { MemberAttributes } from '../../src/wire/membership.ts';
import { delOp, put, putOp, rangeOp, txnOp } from './harness.ts';
import { NaiveStore } from './naive-store.ts';

const { NONE, NOSPACE, CORRUPT } = AlarmType;
const { GET, ACTIVATE, DEACTIVATE } = AlarmAction;

/** A state machine whose rows of the alarm space are kept, as a store would. */
class Replica {
  private readonly store = new NaiveStore();
  private readonly rows = new Map<string, { readonly key: Bytes }>();
  private alarms = Alarms.load([]);
  private machine = this.open();

  private open(): StateMachine {
    return new StateMachine({
      revisions: this.store,
      membership: Membership.load([]),
      leases: Leases.load([]),
      alarms: this.alarms,
    });
  }

  apply(kind: CommandKind, request: Bytes): Applied {
    const command = { kind, proposer: 1n, nonce: 2, sequence: 3, request };
    const applied = this.machine.apply(command, { index: 1, term: 1 });
    for (const { space, key, value } of applied.changes) {
      if (space !== 'alarm') continue;
      const name = Buffer.from(key).toString('hex');
      if (value === undefined) assert.ok(this.rows.delete(name));
      else this.rows.set(name, { key });
    }
    return applied;
  }

  alarm(action: number, alarm: number, memberId = 0n): readonly AlarmMember[] | string {
    const request = AlarmRequest.encode({ action, memberId, alarm });
    const { outcome } = this.apply(CommandKind.alarm, request);
    if (!outcome.ok) return outcome.error.text;
    return 'alarms' in outcome.value ? outcome.value.alarms : 'no alarms in the answer';
  }

  /** From its rows, as after a restart or a snapshot. */
  restart(): void {
    this.alarms = Alarms.load(this.rows.values());
    this.machine = this.open();
  }

  textOf(kind: CommandKind, request: Bytes): string {
    const { outcome, rows } = this.apply(kind, request);
    assert.ok(outcome.ok || rows.length === 0, 'what is refused changes nothing');
    return outcome.ok ? 'ok' : outcome.error.text;
  }
}

describe('Alarm, applied (answers as recorded from etcd 3.7.3)', () => {
  it('keeps an alarm of each member and type until it is disarmed', () => {
    const replica = new Replica();
    const nospace = (memberId: bigint): AlarmMember => ({ memberId, alarm: NOSPACE });
    assert.deepEqual(replica.alarm(GET, NONE), []);
    assert.deepEqual(replica.alarm(ACTIVATE, NONE, 1n), [], 'NONE is no alarm');
    assert.deepEqual(replica.alarm(ACTIVATE, NOSPACE, 1n), [nospace(1n)]);
    assert.deepEqual(replica.alarm(ACTIVATE, NOSPACE, 1n), [nospace(1n)], 'twice is once');
    assert.deepEqual(replica.alarm(ACTIVATE, NOSPACE, 0n), [nospace(0n)]);
    assert.deepEqual(replica.alarm(GET, NONE, 77n), [nospace(0n), nospace(1n)]);
    assert.deepEqual(replica.alarm(GET, CORRUPT), []);
    assert.deepEqual(replica.alarm(DEACTIVATE, NONE), [], 'names no alarm, so disarms none');
    assert.deepEqual(replica.alarm(DEACTIVATE, NOSPACE, 2n), []);
    assert.deepEqual(replica.alarm(DEACTIVATE, NOSPACE, 1n), [nospace(1n)]);
    assert.deepEqual(replica.alarm(DEACTIVATE, NOSPACE, 1n), []);
    assert.deepEqual(replica.alarm(GET, NOSPACE), [nospace(0n)]);
  });

  it('keeps types that it does not know apart from those it does, over a restart too', () => {
    const replica = new Replica();
    // 258 is NOSPACE in its low byte.
    for (const alarm of [7, 257, 258, -1]) {
      assert.deepEqual(replica.alarm(ACTIVATE, alarm, 5n), [{ memberId: 5n, alarm }]);
    }
    replica.restart();
    assert.deepEqual(
      (replica.alarm(GET, NONE) as readonly AlarmMember[]).map(({ alarm }) => alarm),
      [-1, 7, 257, 258],
    );
    assert.equal(replica.textOf(CommandKind.put, requests.put), 'ok');
    assert.deepEqual(replica.alarm(DEACTIVATE, 258, 5n), [{ memberId: 5n, alarm: 258 }]);
  });

  it('refuses more alarms than it wants to keep', () => {
    const replica = new Replica();
    for (let i = 0; i < alarmsMax; i++) replica.alarm(ACTIVATE, NOSPACE, BigInt(i));
    assert.equal(replica.alarm(ACTIVATE, CORRUPT), 'etcdserver: too many requests');
    assert.deepEqual(replica.alarm(ACTIVATE, NOSPACE), [{ memberId: 0n, alarm: NOSPACE }]);
  });

  it('does nothing at an action that etcd does not know, where etcd ends', () => {
    assert.deepEqual(new Replica().alarm(5, NOSPACE), []);
  });
});

const requests = {
  put: PutRequest.encode(put({ key: 'a', value: 'b' })),
  delete: DeleteRangeRequest.encode({ key: put({ key: 'a' }).key }),
  putTxn: TxnRequest.encode({ success: [putOp({ key: 'a' })] }),
  putTxnInFailure: TxnRequest.encode({ failure: [putOp({ key: 'a' })] }),
  nestedPutTxn: TxnRequest.encode({ success: [txnOp({ failure: [putOp({ key: 'a' })] })] }),
  deleteTxn: TxnRequest.encode({ success: [delOp({ key: 'a' }), rangeOp({ key: 'a' })] }),
  compact: CompactionRequest.encode({ revision: 1 }),
  grant: LeaseGrantRequest.encode({ id: 9n, ttl: 10 }),
  revoke: LeaseRevokeRequest.encode({ id: 9n }),
  expire: LeaseExpiry.encode({ term: 1, ids: [9n] }),
  checkpoint: LeaseCheckpoints.encode({ checkpoints: [] }),
  publish: MemberAttributes.encode({ memberId: 1n, name: 'm', clientUrls: [], incarnation: 1n }),
};
const space = 'etcdserver: mvcc: database space exceeded';
const corrupt = 'etcdserver: corrupt cluster';
const noLease = 'etcdserver: requested lease not found';

/** What each alarm answers; 'ok' is how it goes without one. */
const gates: readonly (readonly [string, CommandKind, Bytes, string, string])[] = [
  ['Put', CommandKind.put, requests.put, space, corrupt],
  ['Txn with a Put', CommandKind.txn, requests.putTxn, space, corrupt],
  ['Txn with a Put in failure', CommandKind.txn, requests.putTxnInFailure, space, corrupt],
  ['Txn with a Put within another', CommandKind.txn, requests.nestedPutTxn, space, corrupt],
  ['Txn that deletes', CommandKind.txn, requests.deleteTxn, 'ok', corrupt],
  ['DeleteRange', CommandKind.deleteRange, requests.delete, 'ok', corrupt],
  ['Compact', CommandKind.compact, requests.compact, 'ok', corrupt],
  ['LeaseGrant', CommandKind.leaseGrant, requests.grant, space, corrupt],
  ['LeaseRevoke', CommandKind.leaseRevoke, requests.revoke, noLease, corrupt],
  ['the expiry of leases', CommandKind.leaseExpire, requests.expire, 'ok', corrupt],
  ['LeaseCheckpoint', CommandKind.leaseCheckpoint, requests.checkpoint, 'ok', 'ok'],
  ['what a member says of itself', CommandKind.publishMember, requests.publish, 'ok', 'ok'],
];

describe('what alarms refuse when it is applied', () => {
  for (const [name, kind, request, underNospace, underCorrupt] of gates) {
    it(`${name}: NOSPACE ${underNospace}, CORRUPT ${underCorrupt}`, () => {
      const replica = new Replica();
      replica.alarm(ACTIVATE, NOSPACE, 1n);
      replica.alarm(ACTIVATE, NOSPACE, 2n);
      replica.restart();
      assert.equal(replica.textOf(kind, request), underNospace);
      replica.alarm(ACTIVATE, CORRUPT);
      assert.equal(replica.textOf(kind, request), underCorrupt, 'CORRUPT before NOSPACE');
      replica.alarm(DEACTIVATE, CORRUPT);
      replica.alarm(DEACTIVATE, NOSPACE, 1n);
      const once = kind === CommandKind.compact ? 'ok' : underNospace;
      if (kind !== CommandKind.compact) assert.equal(replica.textOf(kind, request), once);
      replica.alarm(DEACTIVATE, NOSPACE, 2n);
      if (underNospace === space) assert.equal(replica.textOf(kind, request), 'ok');
    });
  }
});

describe('what a request costs (etcd server/storage/quota.go)', () => {
  it('counts 256 bytes for each Put beside key and value, of the dearer branch', () => {
    assert.equal(putCostBytes(put({ key: 'abc', value: 'de' })), 261);
    const one = putOp({ key: 'abc', value: 'de' });
    const cost = (fields: Partial<TxnRequest>): number => txnCostBytes(TxnRequest.create(fields));
    assert.equal(cost({ success: [one, one], failure: [one] }), 522);
    assert.equal(cost({ success: [one], failure: [one, txnOp({ success: [one] })] }), 522);
    assert.equal(cost({ success: [delOp({ key: 'a' })], failure: [rangeOp({ key: 'a' })] }), 0);
  });

  it('is never more than its length lets one expect', () => {
    const operations = fc.array(
      fc.record({
        key: fc.string({ minLength: 1, maxLength: 3 }),
        value: fc.string({ maxLength: 5 }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(operations, operations, operations, (success, failure, nested) => {
        const request = TxnRequest.create({
          success: [...success.map(putOp), txnOp({ success: nested.map(putOp) })],
          failure: failure.map(putOp),
        });
        const bytes = TxnRequest.encode(request).length;
        assert.ok(txnCostBytes(request) <= costBytesAtMost(CommandKind.txn, bytes));
      }),
    );
  });
});
