import assert from 'node:assert/strict';
import { Code, errors, messageTooLarge } from '../../src/wire/errors.ts';

/**
 * etcd api/v3rpc/rpctypes/error.go, entry by entry. Two of those under Unknown have another code
 * there, but api/v3rpc/util.go maps them to values that gRPC does not know as a status; the third,
 * of server/etcdserver/errors, it does not map at all.
 */
const texts: Partial<Record<keyof typeof Code, readonly string[]>> = {
  InvalidArgument: [
    'key is not provided',
    'key not found',
    'value is provided',
    'lease is provided',
    'too many operations in txn request',
    'duplicate key given in txn request',
    'invalid client api version',
    'invalid sort option',
    'given member URLs are invalid',
    'request is too large',
    'user name is empty',
    'role name is empty',
    'authentication failed, invalid user ID or password',
    'permission not given',
    'invalid auth management',
    'revision of auth store is old',
    'wrong downgrade target version format',
    'invalid downgrade target version',
  ],
  OutOfRange: [
    'mvcc: required revision has been compacted',
    'mvcc: required revision is a future revision',
    'too large lease TTL',
  ],
  ResourceExhausted: ['mvcc: database space exceeded'],
  NotFound: ['requested lease not found', 'member not found'],
  FailedPrecondition: [
    'lease already exists',
    'member ID already exist',
    'Peer URLs already exists',
    'can only promote a learner member',
    'can only promote a learner member which is in sync with leader',
    'too many learner members in cluster',
    'cluster ID mismatch',
    'root user does not exist',
    'root user does not have root role',
    'user name already exists',
    'user name not found',
    'role name already exists',
    'role name not found',
    'role is not granted to the user',
    'permission is not granted to the role',
    'authentication is not enabled',
    'not leader',
    'not capable',
    'rpc not supported for learner',
    'bad leader transferee',
    'cluster version not found during downgrade',
    'cluster has a downgrade job in progress',
    'no inflight downgrade job',
  ],
  Canceled: ['watch canceled', 'request canceled'],
  PermissionDenied: ['permission denied'],
  Unauthenticated: ['invalid auth token'],
  Unavailable: [
    'no leader',
    'leader changed',
    'server stopped',
    'request timed out',
    'request timed out, possibly due to previous leader failure',
    'request timed out, possibly due to connection lost',
    'request timed out, waiting for the applied index took too long',
    'unhealthy cluster',
  ],
  DataLoss: ['corrupt cluster'],
  Unknown: [
    'request timed out, leader transfer took too long',
    're-configuration failed due to not enough started members',
    'too many requests',
  ],
};

describe('the table of errors', () => {
  it('has every error of etcd, by code and text', () => {
    const expected = Object.entries(texts).flatMap(([code, list]) =>
      list.map((text) => `${Code[code as keyof typeof Code]} etcdserver: ${text}`),
    );
    const ours = Object.values(errors)
      .filter(({ text }) => text.startsWith('etcdserver: '))
      .map(({ code, text }) => `${code} ${text}`);
    assert.equal(expected.length, 63);
    assert.deepEqual(ours.sort(), expected.sort());
  });

  it('has what gRPC itself says of a call that was given up', () => {
    const own = Object.values(errors).filter(({ text }) => !text.startsWith('etcdserver: '));
    assert.deepEqual(own, [
      { code: 1, text: 'context canceled' },
      { code: 4, text: 'context deadline exceeded' },
    ]);
  });

  it('says how much too large a message is', () => {
    assert.deepEqual(messageTooLarge(3_000_010, 2_097_152), {
      code: 8,
      text: 'grpc: received message larger than max (3000010 vs. 2097152)',
    });
  });
});
