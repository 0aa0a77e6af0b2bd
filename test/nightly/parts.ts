import { allMutants } from '../mutants/list.ts';
import type { Part, Slice } from './types.ts';

/** What runs in a night, and for how much of it. */

const npmRun = (what: string, name: string, ...options: (string | number)[]): Slice => ({
  what,
  argv: ['npm', 'run', '-s', name, '--', ...options.map(String)],
});

const threeKilled = 'three members, killed now and then';
const killedNowAndThen = ['--members', 3, '--restart-every', 500];

const lyingWorkloads = 'register revision-replay append set watch lease lock kubernetes'.split(' ');

export const allParts: readonly Part[] = [
  {
    name: 'sim',
    share: 40,
    sliceSeconds: 600,
    isElastic: true,
    slice: ({ seed, seconds }) =>
      npmRun('fresh seeds', 'sim', '--seconds', seconds, '--seed', seed),
  },
  {
    name: 'jepsen',
    share: 20,
    sliceSeconds: 900,
    isElastic: true,
    slice: ({ seed, seconds }) =>
      npmRun('matrix', 'jepsen', '--matrix', '--cell-time', 45, '--time', seconds, '--seed', seed),
  },
  {
    // Disks that lie: what the harness must find, by what members say and by what clients were told.
    name: 'jepsen that must fail',
    share: 3,
    sliceSeconds: 240,
    isElastic: false,
    slice: ({ number, seed }) => {
      const workload = lyingWorkloads[number % lyingWorkloads.length] ?? '';
      const isEven = Math.floor(number / lyingWorkloads.length) % 2 === 0;
      // Checkers of leases, locks and watches look at other things than at what is forgotten.
      const nemesis =
        isEven && /register|replay|append|set|kub/.test(workload) ? 'amnesia' : 'liar';
      const test = ['--workload', workload, '--nemesis', nemesis, '--time', 15, '--seed', seed];
      return npmRun(`${workload} under ${nemesis}`, 'jepsen', ...test);
    },
  },
  {
    name: 'crash',
    share: 10,
    sliceSeconds: 900,
    isElastic: false,
    slice: ({ number, seed }) => {
      if (number % 4 === 3) {
        const whole = ['--images', 300, '--only', 'cluster'];
        return npmRun('300 images of a cluster', 'crash', ...whole, '--seed', seed);
      }
      const much = ['--images', 2000, '--faults', 60];
      return npmRun('2000 images, 60 times failing disks', 'crash', ...much, '--seed', seed);
    },
  },
  {
    name: 'crash that must fail',
    share: 2,
    sliceSeconds: 300,
    isElastic: false,
    slice: ({ seed }) => npmRun('syncs that do nothing', 'crash', '--controls', '--seed', seed),
  },
  {
    name: 'mutants',
    share: 10,
    sliceSeconds: 420,
    isElastic: false,
    slice: ({ number }) => {
      const name = allMutants[number % allMutants.length]?.name ?? '';
      return npmRun(name, 'mutants', '--only', `^${name}$`, '--no-control');
    },
  },
  {
    name: 'fuzz:grpc',
    share: 5,
    sliceSeconds: 300,
    isElastic: true,
    slice: ({ seed, seconds }) =>
      npmRun('conversations', 'fuzz:grpc', '--seconds', seconds, '--seed', seed),
  },
  {
    name: 'diff',
    share: 10,
    sliceSeconds: 180,
    isElastic: false,
    slice: ({ number, seed }) =>
      number % 2 === 0
        ? npmRun('one member', 'diff', '--seed', seed, '--ops', 20_000)
        : npmRun(threeKilled, 'diff', '--seed', seed, '--ops', 3000, ...killedNowAndThen),
  },
  {
    name: 'interop',
    share: 3,
    sliceSeconds: 180,
    isElastic: false,
    slice: () => npmRun('four languages at once', 'interop', '--together', '--seconds', 90),
  },
  {
    name: 'soak',
    share: 3,
    sliceSeconds: 270,
    isElastic: false,
    slice: ({ seed }) => ({
      what: 'a day in fast motion',
      argv: ['node', 'dist/test/soak/main.js', '--seconds', '240', '--seed', String(seed)],
    }),
  },
  {
    name: 'kill',
    share: 5,
    sliceSeconds: 300,
    isElastic: false,
    slice: () => ({
      what: '100 rounds of kill -9',
      argv: [
        'node',
        'node_modules/mocha/bin/mocha.js',
        '--no-config',
        'dist/test/members/kill.test.js',
      ],
      env: { KILL_ROUNDS: '100' },
    }),
  },
];
