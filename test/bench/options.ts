import { parseArgs } from 'node:util';
import type { SystemName } from './target.ts';

/** What a run is asked to measure, and how long. */
export interface BenchOptions {
  readonly isQuick: boolean;
  readonly only: RegExp | undefined;
  readonly systems: readonly SystemName[];
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly rounds: number;
  readonly keys: number;
  /** Of the replicated group. */
  readonly members: number;
  /** For every member of quorate, beside those that both systems get. */
  readonly quorateFlags: readonly string[];
  readonly dir: string | undefined;
  readonly out: string;
  readonly svg: string | undefined;
  readonly mode: 'cells' | 'list' | 'growth' | 'benchmark-tool';
}

export const usage = `usage: npm run bench -- [options]
  --quick            under five minutes: fewer keys, short cells; a first look, no verdict
  --only REGEX       only experiments or rows whose name matches
  --list             the rows, their goals and how they are measured; runs nothing
  --seconds S        of each cell, after warm-up (60; quick: 1.5)
  --warmup S         before each cell (10; quick: 0.5)
  --rounds N         each experiment at etcd, then at quorate, so often (2; quick: 1)
  --keys N           that the clusters hold (1000000; quick: 100000)
  --members N        of the replicated cells (3)
  --system NAME      etcd or quorate alone; no ratios
  --quorate-flag F   a flag for every member of quorate alone, such as --grpc-engine=grpc-js; may be repeated
  --dir FOLDER       where the data goes, on a real disk (the system's folder for temporary files)
  --out FOLDER       where the table and the figures go (bench-results)
  --svg PATH         draws the picture there
  --growth           cost as keys, watchers, values and members grow
  --benchmark-tool   the figures by etcd's own benchmark`;

/** What a run takes where nothing is said. */
const full = { seconds: 60, warmupSeconds: 10, rounds: 2, keys: 1_000_000 };
const quick = { seconds: 1.5, warmupSeconds: 0.5, rounds: 1, keys: 100_000 };

/** @throws with a line for the user. */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      rounds: { type: 'string' },
      keys: { type: 'string' },
      members: { type: 'string' },
      system: { type: 'string' },
      'quorate-flag': { type: 'string', multiple: true, default: [] },
      dir: { type: 'string' },
      out: { type: 'string', default: 'bench-results' },
      svg: { type: 'string' },
      growth: { type: 'boolean', default: false },
      'benchmark-tool': { type: 'boolean', default: false },
    },
  });
  const modes = (['list', 'growth', 'benchmark-tool'] as const).filter((mode) => values[mode]);
  if (modes.length > 1) throw new Error(`--${modes.join(' and --')} are different runs`);
  const pace = values.quick ? quick : full;
  return {
    isQuick: values.quick,
    only: values.only === undefined ? undefined : new RegExp(values.only),
    systems: systemsNamed(values.system),
    seconds: positive('seconds', values.seconds, pace.seconds),
    warmupSeconds: positive('warmup', values.warmup, pace.warmupSeconds),
    rounds: whole('rounds', values.rounds, pace.rounds),
    keys: whole('keys', values.keys, pace.keys),
    members: whole('members', values.members, 3),
    quorateFlags: values['quorate-flag'],
    dir: values.dir,
    out: values.out,
    svg: values.svg,
    mode: modes[0] ?? 'cells',
  };
}

function systemsNamed(name: string | undefined): readonly SystemName[] {
  if (name === undefined) return ['etcd', 'quorate'];
  if (name === 'etcd' || name === 'quorate') return [name];
  throw new Error(`--system: etcd or quorate is expected, not ${name}`);
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`--${name}: a number above 0 is expected, not ${text}`);
  }
  return value;
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const value = positive(name, text, otherwise);
  if (!Number.isSafeInteger(value)) {
    throw new Error(`--${name}: a whole number is expected, not ${text}`);
  }
  return value;
}
