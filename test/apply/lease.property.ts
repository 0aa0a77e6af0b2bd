import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { hex, textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import { Alarms } from '../../src/apply/alarms.ts';
import { StateMachine } from '../../src/apply/machine.ts';
import { AttachedKeys } from '../../src/lease/attached-keys.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import { StoreRestorer } from '../../src/mvcc/restore.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { PutRow } from '../../src/mvcc/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { DeleteRangeRequest, PutRequest, TxnRequest, type RequestOp } from '../../src/wire/kv.ts';
import {
  LeaseCheckpoints,
  LeaseExpiry,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../../src/wire/lease.ts';
import { del, delOp, put, putOp } from './harness.ts';

/**
 * Leases and their keys as applying entries changes them, against maps that are too simple to be wrong; and
 * everything again from the rows alone, as after a restart (I34, I17).
 */

const term = 5;
const leaseId = fc.constantFrom(1n, 2n, -3n, 2n ** 63n - 1n);
const anyLease = fc.oneof(fc.constant(0n), leaseId);
const key = fc.constantFrom('a', 'b', 'c', 'd');
const write = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, lease: anyLease }),
  fc.record({ kind: fc.constant('keep' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), from: key, to: key }),
);
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('grant' as const), id: leaseId }) },
  { weight: 6, arbitrary: write },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('txn' as const),
      writes: fc.uniqueArray(write, { maxLength: 3, selector: ({ kind }) => kind }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), id: leaseId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('expire' as const),
      ids: fc.array(leaseId, { maxLength: 3 }),
      decided: fc.constantFrom(term, term - 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('checkpoint' as const),
      id: leaseId,
      remainingTtl: fc.integer({ min: 0, max: 10 }),
      decided: fc.constantFrom(term, term - 1),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Replica {
  private readonly rows = new Map<string, PutRow>();
  private readonly leaseRows = new Map<string, { readonly key: Bytes; readonly value: Bytes }>();
  private revisions = new MvccStore({ get: (rowKey) => this.read(rowKey) });
  leases = Leases.load([]);
  private machine = this.openMachine();

  get revision(): number {
    return this.revisions.revision;
  }

  apply(kind: CommandKind, request: Bytes): boolean {
    const command = { kind, proposer: 1n, nonce: 1, sequence: 1, request };
    const { outcome, rows, changes } = this.machine.apply(command, { index: 1, term });
    for (const row of rows) this.rows.set(hex(row.key), row);
    for (const change of changes) {
      if (change.value === undefined) this.leaseRows.delete(hex(change.key));
      else this.leaseRows.set(hex(change.key), { key: change.key, value: change.value });
    }
    return outcome.ok;
  }

  /** All that was in memory is gone. */
  restart(): void {
    const attached = new AttachedKeys();
    const restorer = new StoreRestorer(-1, (each, lease) => attached.set(each, lease));
    restorer.feed([...this.rows.values()]);
    this.revisions = restorer.finish({ get: (rowKey) => this.read(rowKey) }, this.revision);
    this.leases = Leases.load([...this.leaseRows.values()].toReversed(), attached);
    this.machine = this.openMachine();
  }

  private read(rowKey: Bytes): Bytes | undefined {
    return this.rows.get(hex(rowKey))?.value;
  }

  private openMachine(): StateMachine {
    const { revisions, leases } = this;
    const membership = Membership.load([]);
    return new StateMachine({ revisions, membership, leases, alarms: Alarms.load([]) });
  }
}

class Model {
  readonly leases = new Map<bigint, number>();
  readonly leaseByKey = new Map<string, bigint>();
  revision = 1;

  write(writes: readonly Write[]): boolean {
    const isRefused = writes.some((one) =>
      one.kind === 'put'
        ? one.lease !== 0n && !this.leases.has(one.lease)
        : one.kind === 'keep' && !this.leaseByKey.has(one.key),
    );
    if (isRefused) return false;
    let changed = false;
    for (const one of writes) changed = this.writeOne(one) || changed;
    if (changed) this.revision++;
    return true;
  }

  private writeOne(one: Write): boolean {
    if (one.kind === 'put') this.leaseByKey.set(one.key, one.lease);
    if (one.kind !== 'delete') return true;
    const gone = [...this.leaseByKey.keys()].filter((each) => each >= one.from && each < one.to);
    for (const each of gone) this.leaseByKey.delete(each);
    return gone.length > 0;
  }

  revoke(id: bigint): boolean {
    if (!this.leases.delete(id)) return false;
    const gone = this.keysOf(id);
    for (const each of gone) this.leaseByKey.delete(each);
    if (gone.length > 0) this.revision++;
    return true;
  }

  keysOf(id: bigint): readonly string[] {
    return [...this.leaseByKey].flatMap(([each, lease]) => (lease === id ? [each] : [])).sort();
  }
}

describe('leases in the log', () => {
  it('own their keys as the simplest maps say, whatever is applied, and again after a restart', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const replica = new Replica();
        const model = new Model();
        for (const one of steps) {
          const [applied, expected] = run(replica, model, one);
          assert.equal(applied, expected, one.kind);
          check(replica, model);
        }
        replica.restart();
        check(replica, model);
      }),
      { numRuns: 200 },
    );
  });
});

function check(replica: Replica, model: Model): void {
  assert.equal(replica.revision, model.revision);
  assert.equal(replica.leases.size, model.leases.size);
  for (const [id, remainingTtl] of model.leases) {
    assert.deepEqual(replica.leases.get(id), { id, grantedTtl: 10, remainingTtl });
    assert.deepEqual(replica.leases.keysOf(id).map(textOf), model.keysOf(id));
    assert.equal(replica.leases.keyCountOf(id), model.keysOf(id).length);
  }
  for (const each of ['a', 'b', 'c', 'd']) {
    assert.equal(replica.leases.leaseOf(utf8(each)), model.leaseByKey.get(each) ?? 0n);
  }
}

function run(replica: Replica, model: Model, one: Step): readonly [boolean, boolean] {
  switch (one.kind) {
    case 'grant': {
      const isNew = !model.leases.has(one.id);
      if (isNew) model.leases.set(one.id, 0);
      const request = LeaseGrantRequest.encode({ id: one.id, ttl: 10 });
      return [replica.apply(CommandKind.leaseGrant, request), isNew];
    }
    case 'put':
    case 'keep':
      return [
        replica.apply(CommandKind.put, PutRequest.encode(put(putFields(one)))),
        model.write([one]),
      ];
    case 'delete': {
      const request = DeleteRangeRequest.encode(del({ key: one.from, rangeEnd: one.to }));
      return [replica.apply(CommandKind.deleteRange, request), model.write([one])];
    }
    case 'txn': {
      if (overlaps(one.writes)) return [true, true];
      const request = TxnRequest.encode({ success: one.writes.map(operationOf) });
      return [replica.apply(CommandKind.txn, request), model.write(one.writes)];
    }
    case 'revoke': {
      const request = LeaseRevokeRequest.encode({ id: one.id });
      return [replica.apply(CommandKind.leaseRevoke, request), model.revoke(one.id)];
    }
    case 'expire': {
      const { ids, decided } = one;
      if (decided === term) for (const id of ids) model.revoke(id);
      const request = LeaseExpiry.encode({ term: decided, ids });
      return [replica.apply(CommandKind.leaseExpire, request), true];
    }
    case 'checkpoint': {
      const { id, remainingTtl, decided } = one;
      if (decided === term && model.leases.has(id)) model.leases.set(id, remainingTtl);
      const checkpoints = [{ id, remainingTtl }];
      const request = LeaseCheckpoints.encode({ term: decided, checkpoints });
      return [replica.apply(CommandKind.leaseCheckpoint, request), true];
    }
    case 'restart':
      replica.restart();
      return [true, true];
  }
}

type KeyWrite = Exclude<Write, { readonly kind: 'delete' }>;

function putFields(one: KeyWrite): { key: string; lease?: bigint; ignoreLease?: boolean } {
  return one.kind === 'put'
    ? { key: one.key, lease: one.lease }
    : { key: one.key, ignoreLease: true };
}

function operationOf(one: Write): RequestOp {
  return one.kind === 'delete' ? delOp({ key: one.from, rangeEnd: one.to }) : putOp(putFields(one));
}

/** What etcd's rule of duplicate keys refuses before it is proposed. */
function overlaps(writes: readonly Write[]): boolean {
  const keys = writes.flatMap((one) => (one.kind === 'delete' ? [] : [one.key]));
  const isDeleted = (each: string): boolean =>
    writes.some((one) => one.kind === 'delete' && each >= one.from && each < one.to);
  return new Set(keys).size < keys.length || keys.some(isDeleted);
}
