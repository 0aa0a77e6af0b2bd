import { utf8 } from '../../../src/base/bytes.ts';
import {
  CampaignRequest,
  LeaderKey,
  LeaderRequest,
  ProclaimRequest,
  ResignRequest,
} from '../../../src/wire/election.ts';
import { LeaseGrantRequest } from '../../../src/wire/lease.ts';
import { LockRequest, UnlockRequest } from '../../../src/wire/lock.ts';
import { put, range, step, type Scenario, type Step } from './scenario.ts';

const grant = (id: bigint): Step =>
  step(
    `grant lease ${id}`,
    '/etcdserverpb.Lease/LeaseGrant',
    LeaseGrantRequest.encode({ id, ttl: 3600 }),
  );

const lock = (what: string, name: string, lease: bigint): Step =>
  step(what, '/v3lockpb.Lock/Lock', LockRequest.encode({ name: utf8(name), lease }));
const unlock = (what: string, key: string): Step =>
  step(what, '/v3lockpb.Lock/Unlock', UnlockRequest.encode({ key: utf8(key) }));

/** Only what does not have to wait: transcripts are one call after the other. */
export const lockScenario: Scenario = {
  name: 'lock',
  steps: [
    grant(100n),
    grant(-5n),
    lock('a lock that is free', 'm', 100n),
    lock('the same once more', 'm', 100n),
    range('the key of the lock', { key: 'm/', rangeEnd: 'm0' }),
    lock('with a lease that is not there', 'm', 1234n),
    range('nobody has queued up', { key: 'm/', rangeEnd: 'm0' }),
    unlock('the lock is given back', 'm/64'),
    unlock('once more', 'm/64'),
    unlock('no key', ''),
    lock('without a name', '', 100n),
    lock('with a negative id', 'm', -5n),
    unlock('any key, be it a lock or not', '/64'),
    lock('with slashes', 'a/b/', 100n),
  ],
};

const campaign = (what: string, lease: bigint, value: string): Step =>
  step(
    what,
    '/v3electionpb.Election/Campaign',
    CampaignRequest.encode({ name: utf8('e'), lease, value: utf8(value) }),
  );
const leaderKey = (revision: number): LeaderKey => ({
  name: utf8('e'),
  key: utf8('e/64'),
  revision,
  lease: 100n,
});
const proclaim = (what: string, leader: LeaderKey | undefined, value: string): Step =>
  step(
    what,
    '/v3electionpb.Election/Proclaim',
    ProclaimRequest.encode({ leader, value: utf8(value) }),
  );
const resign = (what: string, leader: LeaderKey | undefined): Step =>
  step(what, '/v3electionpb.Election/Resign', ResignRequest.encode({ leader }));
const leader = (what: string, name = 'e'): Step =>
  step(what, '/v3electionpb.Election/Leader', LeaderRequest.encode({ name: utf8(name) }));
const observe = (what: string): Step =>
  step(what, '/v3electionpb.Election/Observe', LeaderRequest.encode({ name: utf8('e') }), {
    take: 1,
  });

export const electionScenario: Scenario = {
  name: 'election',
  steps: [
    leader('nobody leads'),
    campaign('with a lease that is not there', 100n, 'a'),
    grant(100n),
    campaign('the first', 100n, 'a'),
    leader('the leader'),
    observe('the leader, observed'),
    campaign('the same with the same value', 100n, 'a'),
    campaign('the same with another value', 100n, 'b'),
    leader('the other value'),
    proclaim('a proclamation', leaderKey(2), 'c'),
    observe('the proclaimed value, observed'),
    proclaim('of somebody elected earlier', leaderKey(1), 'd'),
    proclaim('of nobody', undefined, 'd'),
    proclaim('without a key', LeaderKey.create(), 'd'),
    proclaim('by another lease that is not there', { ...leaderKey(2), lease: 7n }, 'd'),
    resign('of somebody elected earlier', leaderKey(1)),
    leader('the leader stays'),
    resign('of nobody', undefined),
    resign('without a key', LeaderKey.create()),
    resign('of the leader', leaderKey(2)),
    resign('once more', leaderKey(2)),
    proclaim('after resigning', leaderKey(2), 'd'),
    leader('nobody leads any more'),
    leader('of a name that is empty', ''),
    put('a key below the name', { key: 'e/by hand', value: 'x' }),
    leader('leads as well'),
  ],
};
