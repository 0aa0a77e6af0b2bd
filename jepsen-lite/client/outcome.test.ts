import assert from 'node:assert/strict';
import { errors } from '../../src/wire/errors.ts';
import { CallError, outcomeOf } from './outcome.ts';

describe('what an error says of a write', () => {
  const connection = 'The pending stream has been canceled (caused by: connect ECONNREFUSED)';
  const table: readonly (readonly ['fail' | 'info', number, string])[] = [
    ['fail', errors.emptyKey.code, errors.emptyKey.text],
    ['fail', errors.duplicateKey.code, errors.duplicateKey.text],
    ['fail', errors.requestTooLarge.code, errors.requestTooLarge.text],
    ['fail', errors.leaseNotFound.code, errors.leaseNotFound.text],
    ['fail', errors.leaseExists.code, errors.leaseExists.text],
    ['fail', errors.compacted.code, errors.compacted.text],
    ['fail', errors.noSpace.code, errors.noSpace.text],
    ['fail', 8, 'etcdserver: too many requests'],
    ['fail', errors.permissionDenied.code, errors.permissionDenied.text],
    ['fail', errors.invalidAuthToken.code, errors.invalidAuthToken.text],
    ['fail', errors.notLeader.code, errors.notLeader.text],
    ['fail', 2, 'raft proposal dropped'],
    ['fail', 2, 'election: not leader'],
    ['fail', 14, connection],
    ['info', errors.timeout.code, errors.timeout.text],
    ['info', errors.timeoutLeaderFailure.code, errors.timeoutLeaderFailure.text],
    ['info', errors.timeoutConnectionLost.code, errors.timeoutConnectionLost.text],
    ['info', errors.timeoutLeaderTransfer.code, errors.timeoutLeaderTransfer.text],
    ['info', errors.leaderChanged.code, errors.leaderChanged.text],
    ['info', errors.noLeader.code, errors.noLeader.text],
    ['info', errors.stopped.code, errors.stopped.text],
    ['info', errors.corrupt.code, errors.corrupt.text],
    ['info', 1, 'context canceled'],
    ['info', 4, 'no answer in 3000 ms'],
    ['info', 14, 'read ECONNRESET'],
    ['info', 14, 'no gRPC status: HTTP status none, stream reset 8'],
    ['info', 8, 'some other limit'],
    ['info', 13, 'internal'],
    ['info', 2, 'mutex: session is expired'],
    ['info', 2, 'something new'],
  ];
  for (const [expected, code, text] of table) {
    it(`${code} "${text}" is ${expected}`, () => {
      assert.equal(outcomeOf(new CallError({ code, text }, true)), expected);
    });
  }

  it('a read that was not answered has failed, whatever the error', () => {
    for (const [, code, text] of table) {
      assert.equal(outcomeOf(new CallError({ code, text }, false)), 'fail');
    }
  });

  it('a fault of the test is no outcome', () => {
    assert.throws(() => outcomeOf(new TypeError('undefined is not a function')), TypeError);
  });
});
