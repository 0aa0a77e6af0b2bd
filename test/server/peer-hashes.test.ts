import assert from 'node:assert/strict';
import { askForHashes, type MemberHash, type PeerHash } from '../../src/server/peer-hashes.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../../src/wire/errors.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

const own = { revision: 9, compactRevision: 4, hash: 7 };
const same: MemberHash = { ...own, currentRevision: 9 };
const patienceMs = 2000;

/** Asks members that answer as `answer` says at that time, and gives what was found and when. */
function ask(
  ids: readonly bigint[],
  answer: (to: bigint, revision: number, nowMs: number) => Outcome<MemberHash> | undefined,
): {
  readonly peers: readonly PeerHash[] | undefined;
  readonly doneMs: number;
  readonly asked: number;
} {
  const scheduler = new ManualScheduler();
  let peers: readonly PeerHash[] | undefined;
  let doneMs = -1;
  let asked = 0;
  askForHashes(
    {
      scheduler,
      others: () => ids,
      ask: (to, revision, timeoutMs, done) => {
        asked++;
        const outcome = answer(to, revision, scheduler.nowMs());
        if (outcome === undefined) scheduler.after(timeoutMs, () => done(failed(errors.timeout)));
        else scheduler.after(1, () => done(outcome));
      },
    },
    own,
    patienceMs,
    (found) => {
      peers = found;
      doneMs = scheduler.nowMs();
    },
  );
  scheduler.advance(120_000);
  return { peers, doneMs, asked };
}

/** As it comes over the wire: another object with the same text. */
const remote = (error: EtcdError): Outcome<never> => failed({ ...error });

describe('asking the others for their hashes', () => {
  it('gives what each answered, in the order of the answers', () => {
    const { peers } = ask([2n, 3n], () => ok(same));
    assert.deepEqual(peers, [
      { memberId: 2n, outcome: ok(same) },
      { memberId: 3n, outcome: ok(same) },
    ]);
    assert.deepEqual(ask([], () => ok(same)).peers, []);
  });

  for (const error of [errors.futureRevision, errors.timeoutConnectionLost]) {
    it(`asks again when the answer was "${error.text}", until patience ends`, () => {
      const late = ask([2n], (_to, _revision, nowMs) => (nowMs < 900 ? remote(error) : ok(same)));
      assert.deepEqual(late.peers, [{ memberId: 2n, outcome: ok(same) }]);
      const never = ask([2n], () => remote(error));
      assert.deepEqual(never.peers, [{ memberId: 2n, outcome: failed(error) }]);
      assert.ok(never.doneMs >= patienceMs && never.doneMs < patienceMs + 500);
    });
  }

  it('takes any other error for the answer', () => {
    const { peers, asked } = ask([2n], () => remote(errors.compacted));
    assert.deepEqual(peers, [{ memberId: 2n, outcome: failed(errors.compacted) }]);
    assert.equal(asked, 1);
  });

  it('ends with one that never answers', () => {
    const { peers } = ask([2n, 3n], (to) => (to === 2n ? undefined : ok(same)));
    assert.deepEqual(
      peers?.map(({ memberId }) => memberId),
      [3n, 2n],
    );
  });

  it('asks for what is there now where the kept hash is of another compaction', () => {
    const kept = { ...same, compactRevision: 2, hash: 8 };
    const idle = ask([2n], (_to, revision) => ok(revision === 0 ? same : kept));
    assert.deepEqual(idle.peers, [{ memberId: 2n, outcome: ok(same) }]);
    const wentOn = ask([2n], (_to, revision) =>
      ok(revision === 0 ? { ...same, revision: 10 } : kept),
    );
    assert.deepEqual(
      wentOn.peers,
      [{ memberId: 2n, outcome: ok(kept) }],
      'not comparable: unknown',
    );
  });
});
