import type { WireObject } from '../members/protocol.ts';
import type { Choice } from './choice.ts';
import { pickedLease } from './names.ts';
import { call, type Call, type KeepAliveStep, type Operation } from './operation.ts';
import { someKey, someValue } from './values.ts';
import type { World } from './world.ts';

/**
 * Random requests of service Lease. Only leases whose id the client chose are attached to keys: an id that a
 * server picked would be in the key's bytes, and no HashKV could be compared any more. What lives long enough to
 * be met by chance outlives the run; what does not is granted and revoked in one plan, or expires in one.
 */

/** Ids that clients choose; 1 stands for a lease that nobody has. */
const chosenIds = [
  '7',
  '8',
  '42',
  '77',
  '1000',
  '123456789012345',
  '9007199254740993',
  '-1',
  '-9223372036854775808',
  '9223372036854775807',
];
const ttlMax = '9000000000';
const longTtls = ['600', '1000', '5000', '86400', '1000000000', ttlMax];
const tooLargeTtls = ['9000000001', '9223372036854775807'];
/** Raised to the least one: 2 s with the election timeout of a second that both sides have. */
const shortTtls = ['0', '1', '2', '-1', '-9223372036854775808'];

/** A lease that is there, mostly. */
export function someLease(choice: Choice, world: World): string {
  const known = [...world.leases.keys()];
  return choice.weighted<string>([
    [known.length > 0 ? 80 : 0, () => choice.of(known)],
    [15, () => choice.of(chosenIds)],
    [3, () => choice.of(['0', '1'])],
    [2, () => pickedLease(0)],
  ]);
}

/** A lease for a key: one that the client gave its id, or none that there is. */
export function attachableLease(choice: Choice, world: World): string {
  const known = [...world.leases.keys()].filter((name) => !name.includes(':'));
  if (known.length > 0 && choice.percent(85)) return choice.of(known);
  return choice.of(chosenIds);
}

export function grantRequest(choice: Choice, world: World): Call {
  const TTL = choice.weighted<string>([
    [20, () => choice.of(longTtls)],
    [10, () => String(choice.between(600, 100_000))],
    [3, () => choice.of(tooLargeTtls)],
  ]);
  if (choice.percent(60)) return call('Lease.LeaseGrant', { TTL, ID: choice.of(chosenIds) });
  return pickedGrant(TTL, world);
}

function pickedGrant(TTL: string, world: World): Call {
  return { ...call('Lease.LeaseGrant', { TTL }), grants: pickedLease(world.nextPicked()) };
}

/** A lease that would expire soon, and is revoked before. */
export function shortLease(choice: Choice, world: World): readonly Operation[] {
  const TTL = choice.of(shortTtls);
  const grant = choice.percent(50)
    ? pickedGrant(TTL, world)
    : call('Lease.LeaseGrant', { TTL, ID: '555' });
  const ID = grant.grants ?? '555';
  const isAttached = grant.grants === undefined && choice.percent(50);
  return [
    grant,
    ...(isAttached ? [putWith(choice, ID)] : []),
    call('Lease.LeaseTimeToLive', { ID, keys: choice.percent(50) }),
    call('Lease.LeaseKeepAlive', { ID }),
    call('Lease.LeaseRevoke', { ID }),
    call('Lease.LeaseTimeToLive', { ID }),
  ];
}

function putWith(choice: Choice, lease: string): Operation {
  return call('KV.Put', { key: someKey(choice), value: someValue(choice), lease });
}

/**
 * Leases that are left to expire. Only one has keys: which of two is revoked first, and so at which revision, is
 * chance.
 */
export function expiringLeases(choice: Choice, world: World): readonly Operation[] {
  const grants = [
    call('Lease.LeaseGrant', { TTL: '3', ID: '556' }),
    call('Lease.LeaseGrant', { TTL: choice.of(shortTtls), ID: '557' }),
    pickedGrant(choice.of(shortTtls), world),
  ];
  const leases = grants.map((grant) => grant.grants ?? String(grant.request['ID']));
  const puts = Array.from({ length: choice.between(1, 5) }, () => putWith(choice, '556'));
  const isRenewed = choice.percent(50);
  return [
    ...grants,
    ...puts,
    ...(isRenewed ? [call('Lease.LeaseKeepAlive', { ID: '556' })] : []),
    call('Lease.LeaseTimeToLive', { ID: '556', keys: true }),
    { kind: 'expiry', leases },
    ...leases.map((ID) => call('Lease.LeaseKeepAlive', { ID })),
    { kind: 'settle' },
  ];
}

export function revokeRequest(choice: Choice, world: World): Operation {
  return call('Lease.LeaseRevoke', { ID: someLease(choice, world) });
}

export function timeToLiveRequest(choice: Choice, world: World): Operation {
  const request: WireObject = {
    ID: someLease(choice, world),
    keys: choice.percent(60) ? true : undefined,
  };
  return call('Lease.LeaseTimeToLive', request);
}

export function keepAlive(choice: Choice, world: World): Operation {
  if (choice.percent(50)) {
    return call('Lease.LeaseKeepAlive', { ID: someLease(choice, world) });
  }
  const leases = Array.from({ length: choice.between(1, 6) }, () => someLease(choice, world));
  const afterwards = choice.weighted<KeepAliveStep['afterwards']>([
    [8, () => 'stays'],
    [1, () => 'halfClose'],
    [1, () => 'cancel'],
  ]);
  return { kind: 'keepAlive', leases, afterwards };
}
