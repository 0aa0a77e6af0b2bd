import { areasOf } from './areas.ts';
import type { Mutant } from './types.ts';

/** What is let loose on a mutant, the cheapest first. Each is a command that is run in the mutated copy. */
export interface Harness {
  readonly name: string;
  readonly budgetSeconds: number;
  /** Built by tsc: without it the harness is not there. */
  readonly entry: string;
  readonly command: (mutant: Mutant | undefined, budgetSeconds: number) => HarnessCommand;
}

export interface HarnessCommand {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of one that goes on after a failure: with this it has told of one, and need not look for more. */
  readonly failure?: RegExp;
}

const mocha = ['node', 'node_modules/mocha/bin/mocha.js', '--no-config', '--bail'];
const npmRun = (name: string, ...options: string[]): HarnessCommand => ({
  argv: ['npm', 'run', '-s', name, '--', ...options],
});

export const allHarnesses: readonly Harness[] = [
  {
    name: 'unit',
    budgetSeconds: 60,
    entry: 'dist/test/structure.test.js',
    command: (mutant) => ({
      argv: [
        ...mocha,
        '--timeout',
        '120000',
        '--grep',
        'bad world',
        '--invert',
        ...areasOf(mutant).flatMap((area) => [
          `dist/test/${area}/**/*.test.js`,
          `dist/test/${area}/**/*.property.js`,
        ]),
      ],
    }),
  },
  {
    name: 'sim',
    budgetSeconds: 120,
    entry: 'dist/test/sim/main.js',
    command: (_mutant, budgetSeconds) =>
      npmRun('sim', '--failures', '1', '--shrink', '0', '--seconds', String(budgetSeconds)),
  },
  {
    name: 'diff',
    budgetSeconds: 60,
    entry: 'dist/test/differential/main.js',
    command: (_mutant, budgetSeconds) =>
      npmRun('diff', '--no-shrink', '--differences', '1', '--ops', String(budgetSeconds * 100)),
  },
  {
    name: 'crash',
    budgetSeconds: 120,
    entry: 'dist/test/crash/main.js',
    command: (_mutant, budgetSeconds) => ({
      ...npmRun(
        'crash',
        '--images',
        String(2 * budgetSeconds),
        '--faults',
        String(Math.ceil(budgetSeconds / 20)),
      ),
      failure: /^FAILED .*\n(?: .*\n)*? +problem\b.*\n/m,
    }),
  },
  {
    name: 'jepsen',
    budgetSeconds: 300,
    entry: 'dist/jepsen-lite/main.js',
    command: (_mutant, budgetSeconds) => ({
      ...npmRun('jepsen', '--matrix', '--cell-time', '15', '--time', String(budgetSeconds)),
      failure: /^failed: .*\n/m,
    }),
  },
];
