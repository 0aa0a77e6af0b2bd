import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { judgeHashes, type HashJudgement } from '../../src/server/hash-judgement.ts';
import type { PeerHash } from '../../src/server/peer-hashes.ts';
import { errors, failed, ok } from '../../src/wire/errors.ts';

const at = { revision: 9, compactRevision: 4, currentRevision: 9 };

/** Hashes of members 1 (the one that judges), 2, 3, ...; undefined is one that did not answer. */
function judge(own: number, ...others: readonly (number | undefined)[]): HashJudgement {
  const peers = others.map((hash, i): PeerHash => {
    const outcome = hash === undefined ? failed(errors.timeout) : ok({ ...at, hash });
    return { memberId: BigInt(i + 2), outcome };
  });
  return judgeHashes(1n, { ...at, hash: own }, peers);
}

const different = (...blamed: readonly bigint[]): HashJudgement => ({
  result: 'different',
  blamed,
});

describe('who is blamed for a hash that differs (etcd corrupt.go, checkPeerHashes)', () => {
  it('nobody, when all are equal', () => {
    assert.deepEqual(judge(7), { result: 'equal' });
    assert.deepEqual(judge(7, 7, 7), { result: 'equal' });
  });

  it('the minority, where a quorum of all members has one hash', () => {
    assert.deepEqual(judge(7, 8, 7), different(2n));
    assert.deepEqual(judge(8, 7, 7), different(1n));
    assert.deepEqual(judge(7, 7, 8, 9, 7), different(3n, 4n));
  });

  it('the whole cluster, where no quorum agrees', () => {
    assert.deepEqual(judge(7, 8), different(0n));
    assert.deepEqual(judge(7, 8, 9), different(0n));
    assert.deepEqual(judge(7, 7, 8, 8), different(0n));
    assert.deepEqual(judge(7, 8, undefined), different(0n));
  });

  it('one that did not answer, or answered for another moment, is unknown and never equal', () => {
    assert.deepEqual(judge(7, 7, undefined), { result: 'unknown', unknown: [3n] });
    const elsewhere = [
      { ...at, hash: 7, revision: 8 },
      { ...at, hash: 7, compactRevision: 5 },
    ];
    for (const hash of elsewhere) {
      const peers: readonly PeerHash[] = [{ memberId: 2n, outcome: ok(hash) }];
      const judgement = judgeHashes(1n, { ...at, hash: 7 }, peers);
      assert.deepEqual(judgement, { result: 'unknown', unknown: [2n] });
    }
  });

  it('never one of a quorum that agrees', () => {
    const hash = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(
        hash,
        fc.array(fc.option(hash, { nil: undefined }), { maxLength: 6 }),
        (own, others) => {
          const judgement = judge(own, ...others);
          const all = [own, ...others];
          const votes = (wanted: number | undefined): number =>
            all.filter((each) => each === wanted).length;
          if (judgement.result !== 'different')
            return assert.ok(others.every((each) => (each ?? own) === own));
          for (const id of judgement.blamed) {
            if (id !== 0n) assert.ok(votes(all[Number(id) - 1]) * 2 <= all.length);
          }
        },
      ),
    );
  });
});
