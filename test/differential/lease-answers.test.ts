import assert from 'node:assert/strict';
import type { Answer } from '../members/client.ts';
import { methodNamed, type WireObject } from '../members/protocol.ts';
import { difference } from './compare.ts';
import { Names } from './names.ts';
import { call } from './operation.ts';
import { noSides, type Sides } from './sides.ts';

const reference = new Names();
const subject = new Names();
reference.learn('lease:1', '100');
subject.learn('lease:1', '200');
reference.learn('member:own', '5');
subject.learn('member:own', '6');
const sides: Sides = { ...noSides, reference, subject };

function compare(method: string, wanted: WireObject, got: WireObject, among = sides): string {
  const answer = (message: WireObject): Answer => {
    const raw = methodNamed(method).responseSerialize(message);
    const decoded = methodNamed(method).responseDeserialize(raw) as WireObject;
    return { ok: true, message: decoded, raw, messages: 1 };
  };
  return difference(call(method, {}), answer(wanted), answer(got), among) ?? 'none';
}

describe('differential: what counts as a difference in leases and alarms', () => {
  const ttl = (TTL: number, more: WireObject = {}): WireObject => ({
    ID: '7',
    TTL: String(TTL),
    grantedTTL: '60',
    ...more,
  });

  it('leases whose ids the servers picked are compared by name', () => {
    assert.equal(compare('Lease.LeaseGrant', { ID: '100' }, { ID: '200' }), 'none');
    assert.notEqual(compare('Lease.LeaseGrant', { ID: '100' }, { ID: '100' }), 'none');
    assert.match(compare('Lease.LeaseGrant', { ID: '7' }, { ID: '8' }), /ID: 7 against 8/);
  });

  it('what is left of a lease may differ by a little, unless it is gone', () => {
    const method = 'Lease.LeaseTimeToLive';
    assert.equal(compare(method, ttl(30), ttl(29)), 'none');
    assert.equal(compare(method, ttl(30), ttl(20)), '.TTL: 30 against 20');
    assert.equal(compare(method, ttl(30), ttl(59)), '.TTL: 30 against 59');
    assert.equal(compare(method, ttl(0), ttl(-1)), '.TTL: 0 against -1');
    const restarted = { ...sides, isRestarted: true };
    assert.equal(compare(method, ttl(30), ttl(59), restarted), 'none');
    assert.equal(compare(method, ttl(30), ttl(90), restarted), '.TTL: 30 against 90');
    assert.match(compare(method, ttl(30), ttl(30, { grantedTTL: '61' })), /grantedTTL/);
  });

  it('the keys of a lease are a set', () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')];
    const method = 'Lease.LeaseTimeToLive';
    assert.equal(compare(method, ttl(30, { keys: [a, b] }), ttl(30, { keys: [b, a] })), 'none');
    assert.match(compare(method, ttl(30, { keys: [a, b] }), ttl(30, { keys: [a] })), /keys/);
  });

  it('leases are listed by what is left of them, where that differs by more than a little', () => {
    const list = (...ids: readonly string[]): WireObject => ({ leases: ids.map((ID) => ({ ID })) });
    const ends = new Map([
      ['7', 1_000],
      ['8', 1_500],
      ['9', 9_000],
    ]);
    const among = { ...sides, expiryMs: (lease: string): number => ends.get(lease) ?? 0 };
    const method = 'Lease.LeaseLeases';
    assert.equal(compare(method, list('7', '8', '9'), list('8', '7', '9'), among), 'none');
    assert.match(compare(method, list('7', '8', '9'), list('9', '7', '8'), among), /listed as/);
    assert.match(compare(method, list('7', '8'), list('7'), among), /leases 7 8 against 7/);
    const wrongHeader = { ...list('7'), header: { revision: '3' } };
    assert.match(
      compare(method, { ...list('7'), header: { revision: '2' } }, wrongHeader),
      /header/,
    );
  });

  it('alarms are a set, of members by name', () => {
    const alarms = (...ids: readonly string[]): WireObject => ({
      alarms: ids.map((memberID) => ({ memberID, alarm: 1 })),
    });
    assert.equal(compare('Maintenance.Alarm', alarms('5', '9'), alarms('9', '6')), 'none');
    assert.match(compare('Maintenance.Alarm', alarms('5'), alarms('5')), /memberID/);
    const errors = (text: string): WireObject => ({ errors: [text] });
    const text = 'memberID:5  alarm:NOSPACE';
    assert.equal(
      compare('Maintenance.Status', errors(text), errors('memberID:6 alarm:NOSPACE')),
      'none',
    );
    assert.match(compare('Maintenance.Status', errors(text), errors('memberID:6')), /errors/);
  });
});
