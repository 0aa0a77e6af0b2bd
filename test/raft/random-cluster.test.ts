import assert from 'node:assert/strict';
import { Chaos } from './support/chaos.ts';

/** RAFT_SEED runs one seed, RAFT_SEEDS that many from a random first one; a failure names its seed. */
const fixedSeeds = 60;
const steps = 4000;

function run(seed: number): ReadonlySet<string> {
  try {
    const chaos = new Chaos(seed);
    chaos.run(steps);
    chaos.converge();
    return chaos.seen;
  } catch (error) {
    throw new Error(`RAFT_SEED=${seed}: ${String(error)}`, { cause: error });
  }
}

describe('a small cluster in a bad world', function () {
  this.timeout(60_000);

  it('keeps the invariants I1-I11 and I14 and converges when all is well again', () => {
    const { RAFT_SEED: one, RAFT_SEEDS: many } = process.env;
    const first = many === undefined ? 1 : Math.floor(Math.random() * 1e9);
    const count = Number(many ?? fixedSeeds);
    if (one !== undefined) run(Number(one));
    else {
      const seen = new Set<string>();
      for (let seed = first; seed < first + count; seed++) {
        for (const what of run(seed)) seen.add(what);
      }
      assert.deepEqual(
        [
          'campaign for a leader that is gone',
          'change proposed',
          'joint configuration',
          'leader in a joint configuration',
          'learner',
          'notice',
          'read at a follower',
          'read at the leader',
          'read dropped',
          'restart',
          'several batches in flight',
          'snapshot installed',
        ].filter((what) => !seen.has(what)),
        [],
        'never happened: the generator has lost its teeth',
      );
    }
  });
});
