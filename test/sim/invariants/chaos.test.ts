import { ChaosWorld } from '../../server/chaos-world.ts';
import { ProbeCounts } from '../probes.ts';
import { ChaosObserver } from './chaos-observer.ts';

/** `INVARIANTS_SEED=1 INVARIANTS_SEEDS=100` for a range. */
const first = Number(process.env['INVARIANTS_SEED'] ?? '1');
const count = Number(process.env['INVARIANTS_SEEDS'] ?? '1');

describe('the invariants of the simulator', function () {
  this.timeout(60_000);
  const probes = new ProbeCounts();
  for (let seed = first; seed < first + count; seed++) {
    it(`hold in the bad world of the tests of whole members (CHAOS_SEED=${seed})`, async () => {
      const world = await ChaosWorld.create(seed);
      const observer = new ChaosObserver(world.cluster, probes);
      await world.run();
      if (process.env['INVARIANTS_SEED'] !== undefined) console.log(observer.events);
    });
  }
  after(() => {
    if (process.env['INVARIANTS_SEED'] !== undefined) console.log(probes.all);
  });
});
