import assert from 'node:assert/strict';
import { Machine, refusal, show, value, granted } from './harness.ts';
import { storeKinds } from './stores.ts';

const keyNotFound = { code: 3, text: 'etcdserver: key not found' };
const leaseNotFound = { code: 5, text: 'etcdserver: requested lease not found' };

// etcd server/etcdserver/txn/put.go and delete.go.
for (const [name, newStore] of storeKinds) {
  describe(`Put on ${name}`, () => {
    it('the first write is revision 2; a new version keeps the create revision', () => {
      const machine = new Machine(newStore());
      assert.equal(value(machine.put({ key: 'a', value: '1' })).header?.revision, 2);
      assert.equal(value(machine.put({ key: 'a', value: '2' })).header?.revision, 3);
      assert.deepEqual(value(machine.range({ key: 'a' })).kvs.map(show), ['a=2 2/3/2']);
    });

    it('after a deletion a key begins anew', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a', value: '1' });
      machine.del({ key: 'a' });
      value(machine.put({ key: 'a', value: '2' }));
      assert.deepEqual(value(machine.range({ key: 'a' })).kvs.map(show), ['a=2 4/4/1']);
    });

    it('answers the version before only when asked', () => {
      const machine = new Machine(newStore());
      assert.equal(value(machine.put({ key: 'a', value: '1', prevKv: true })).prevKv, undefined);
      assert.equal(show(value(machine.put({ key: 'a', prevKv: true })).prevKv), 'a=1 2/2/1');
      assert.equal(value(machine.put({ key: 'a', value: '1' })).prevKv, undefined);
    });

    it('keeps the value or the lease that is there, and fails where nothing is', () => {
      const machine = new Machine(newStore(), granted(5n, 6n));
      assert.deepEqual(refusal(machine.put({ key: 'a', ignoreValue: true })), keyNotFound);
      assert.deepEqual(refusal(machine.put({ key: 'a', ignoreLease: true })), keyNotFound);
      value(machine.put({ key: 'a', value: '1', lease: 5n }));
      value(machine.put({ key: 'a', ignoreValue: true, lease: 6n }));
      assert.deepEqual(value(machine.range({ key: 'a' })).kvs.map(show), ['a=1 2/3/2 lease 6']);
      value(machine.put({ key: 'a', value: '2', ignoreLease: true }));
      assert.deepEqual(value(machine.range({ key: 'a' })).kvs.map(show), ['a=2 2/4/3 lease 6']);
      value(machine.put({ key: 'a', value: '3' }));
      assert.deepEqual(value(machine.range({ key: 'a' })).kvs.map(show), ['a=3 2/5/4']);
    });

    it('refuses a lease that is not granted before it looks for the key', () => {
      const machine = new Machine(newStore());
      assert.deepEqual(refusal(machine.put({ key: 'a', lease: 1n })), leaseNotFound);
      assert.deepEqual(
        refusal(machine.put({ key: 'a', lease: -1n, ignoreValue: true })),
        leaseNotFound,
      );
      assert.equal(machine.store.revision, 1, 'and nothing has changed');
      assert.deepEqual(machine.last?.rows, []);
    });
  });

  describe(`DeleteRange on ${name}`, () => {
    it('takes one revision however many keys it deletes, one row each in key order', () => {
      const machine = new Machine(newStore());
      for (const key of ['b', 'a', 'c']) machine.put({ key, value: key });
      const response = value(machine.del({ key: 'a', rangeEnd: '\0', prevKv: true }));
      assert.equal(response.deleted, 3);
      assert.equal(response.header?.revision, 5);
      assert.deepEqual(response.prevKvs.map(show), ['a=a 3/3/1', 'b=b 2/2/1', 'c=c 4/4/1']);
      const rows = machine.last?.rows ?? [];
      assert.deepEqual(
        rows.map(({ value: kv }) => show(kv)),
        ['a= 0/0/0', 'b= 0/0/0', 'c= 0/0/0'],
      );
      assert.equal(value(machine.range({ key: 'a', rangeEnd: '\0' })).count, 0);
    });

    it('leaves the revision as it is when there was nothing to delete', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      for (const request of [
        { key: 'b' },
        { key: 'b', rangeEnd: 'a' },
        { key: 'a', rangeEnd: 'a' },
      ]) {
        const response = value(machine.del({ ...request, prevKv: true }));
        assert.deepEqual(
          [response.deleted, response.prevKvs, response.header?.revision],
          [0, [], 2],
        );
      }
    });

    it('answers what it deleted only when asked', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      const response = value(machine.del({ key: 'a' }));
      assert.deepEqual([response.deleted, response.prevKvs], [1, []]);
    });
  });

  describe(`Compact on ${name}`, () => {
    it('schedules the deletion of rows and answers the newest revision', () => {
      const machine = new Machine(newStore());
      for (let i = 0; i < 3; i++) machine.put({ key: 'a' });
      assert.equal(value(machine.compact(3)).header?.revision, 4);
      assert.equal(machine.last?.scheduledCompaction, 3);
      assert.equal(machine.store.compactRevision, 3);
    });

    it('refuses what is compacted or still to come, and schedules nothing', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      value(machine.compact(2));
      const compacted = 'etcdserver: mvcc: required revision has been compacted';
      assert.equal(refusal(machine.compact(2)).text, compacted);
      assert.equal(refusal(machine.compact(1)).text, compacted);
      assert.equal(
        refusal(machine.compact(3)).text,
        'etcdserver: mvcc: required revision is a future revision',
      );
      assert.equal(machine.last?.scheduledCompaction, undefined);
    });

    it('of revision 0 succeeds once, for a fresh store stands at -1', () => {
      const machine = new Machine(newStore());
      assert.equal(refusal(machine.compact(-1)).code, 11);
      assert.equal(refusal(machine.compact(-5)).code, 11);
      value(machine.compact(0));
      assert.equal(refusal(machine.compact(0)).code, 11);
    });
  });
}
