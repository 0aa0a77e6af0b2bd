import { allMutants } from '../mutants/list.ts';
import type { Part, Slice } from './types.ts';

/** What runs in a night, and for how much of it. */

const npmRun = (what: string, name: string, ...options: (string | number)[]): Slice => ({
  what,
  argv: ['npm', 'run', '-s', name, '--', ...options.map(String)],
});

const threeKilled = 'three members, killed now and then';
const killedNowAndThen = ['--members', 3, '--restart-every', 500];

/** What it takes to start and to look beside its own time. */
const soakAroundSeconds = 30;

const lyingWorkloads = 'register revision-replay append set watch lease lock kubernetes'.split(' ');

export const allParts: readonly Part[] = [
  {
    name: 'sim',
    share: 40,
    sliceSeconds: 600,
    leastSeconds: 20,
    slice: ({ seed, seconds }) =>
      npmRun('fresh seeds', 'sim', '--seconds', seconds, '--seed', seed),
    silentIn: (output) => {
      if (!/^\d+ passed, 0 failed$/m.test(output)) return undefined;
      return /^never reached: (.*)$/m.exec(output)?.[1]?.split('; ') ?? [];
    },
  },
  {
    name: 'jepsen',
    share: 20,
    sliceSeconds: 900,
    leastSeconds: 40,
    slice: ({ seed, seconds }) => {
      const times = ['--cell-time', seconds < 200 ? 8 : 45, '--time', seconds];
      return npmRun('matrix', 'jepsen', '--matrix', ...times, '--seed', seed);
    },
  },
  {
    // Disks that lie: what the harness must find, by what members say and by what clients were told.
    name: 'jepsen that must fail',
    share: 3,
    sliceSeconds: 240,
    leastSeconds: 60,
    slice: ({ number, seed, seconds }) => {
      const workload = lyingWorkloads[number % lyingWorkloads.length] ?? '';
      const isEven = Math.floor(number / lyingWorkloads.length) % 2 === 0;
      // Checkers of leases, locks and watches look at other things than at what is forgotten.
      const nemesis =
        isEven && /register|replay|append|set|kub/.test(workload) ? 'amnesia' : 'liar';
      const test = ['--workload', workload, '--nemesis', nemesis, '--time', seconds < 120 ? 8 : 15];
      return npmRun(`${workload} under ${nemesis}`, 'jepsen', ...test, '--seed', seed);
    },
  },
  {
    name: 'crash',
    share: 10,
    sliceSeconds: 900,
    leastSeconds: 60,
    slice: ({ number, seed, seconds }) => {
      const upTo = (most: number): number => Math.ceil((most * seconds) / 900);
      const bounds = ['--seconds', seconds, '--seed', seed];
      if (number % 4 === 3) {
        const whole = ['--images', upTo(300), '--only', 'cluster'];
        return npmRun('images of a cluster', 'crash', ...whole, ...bounds);
      }
      const much = ['--images', upTo(2000), '--faults', upTo(60)];
      return npmRun('images, and failing disks', 'crash', ...much, ...bounds);
    },
  },
  {
    name: 'crash that must fail',
    share: 2,
    sliceSeconds: 300,
    leastSeconds: 90,
    slice: ({ seed }) => npmRun('syncs that do nothing', 'crash', '--controls', '--seed', seed),
  },
  {
    name: 'mutants',
    share: 10,
    sliceSeconds: 420,
    leastSeconds: 45,
    slice: ({ number }) => {
      const name = allMutants[number % allMutants.length]?.name ?? '';
      return npmRun(name, 'mutants', '--only', `^${name}$`, '--no-control');
    },
  },
  {
    name: 'fuzz:grpc',
    share: 5,
    sliceSeconds: 300,
    leastSeconds: 10,
    slice: ({ seed, seconds }) =>
      npmRun('conversations', 'fuzz:grpc', '--seconds', seconds, '--seed', seed),
  },
  {
    name: 'diff',
    share: 10,
    sliceSeconds: 180,
    leastSeconds: 30,
    slice: ({ number, seed, seconds }) =>
      number % 2 === 0
        ? npmRun('one member', 'diff', '--seed', seed, '--ops', 110 * seconds)
        : npmRun(threeKilled, 'diff', '--seed', seed, '--ops', 16 * seconds, ...killedNowAndThen),
  },
  {
    name: 'interop',
    share: 3,
    sliceSeconds: 180,
    leastSeconds: 60,
    slice: ({ seconds }) =>
      npmRun(
        'four languages at once',
        'interop',
        '--together',
        '--seconds',
        Math.ceil(seconds / 2),
      ),
  },
  {
    name: 'soak',
    share: 3,
    sliceSeconds: 270,
    leastSeconds: 90,
    slice: ({ seed, seconds }) => ({
      what: 'a day in fast motion',
      argv: `node dist/test/soak/main.js --seconds ${seconds - soakAroundSeconds} --seed ${seed}`.split(
        ' ',
      ),
    }),
  },
  {
    name: 'kill',
    share: 5,
    sliceSeconds: 300,
    leastSeconds: 30,
    slice: ({ seconds }) => ({
      what: 'rounds of kill -9',
      argv: [
        'node',
        'node_modules/mocha/bin/mocha.js',
        '--no-config',
        'dist/test/members/kill.test.js',
      ],
      env: { KILL_ROUNDS: String(Math.ceil(seconds / 3)) },
    }),
  },
];
