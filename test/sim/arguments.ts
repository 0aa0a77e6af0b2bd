import { parseArgs } from 'node:util';

export interface SimArguments {
  /** The first seed; drawn when it is not given. */
  readonly seed: number;
  /** So many seeds one after the other; undefined with `seconds`. */
  readonly seeds: number | undefined;
  /** Seeds until so much time is over. */
  readonly seconds: number | undefined;
  /** A schedule.json instead of seeds. */
  readonly schedule: string | undefined;
  /** It stops after so many. */
  readonly failures: number;
  readonly isTraced: boolean;
  readonly shrinkSeconds: number;
  /** A run is red in which a rare state was never reached. */
  readonly requiresProbes: boolean;
  readonly outDir: string;
}

export const usage = `usage: npm run sim -- [options]
  --seed S          the seed, or the first of them; a new one when it is not given
  --seeds N         N seeds one after the other (1)
  --seconds T       seeds until T seconds are over
  --schedule FILE   the steps of a schedule.json
  --failures N      stops after N failures (5)
  --trace           prints all that happens
  --require-probes  fails when one of the rare states was never reached
  --shrink T        seconds to look for a shorter schedule of a failure (60); 0 does not look
  --out DIR         where the traces and schedules of failures go (sim-results)`;

/** Throws what parseArgs throws, or an error that says which number is none. */
export function parseSimArguments(argv: readonly string[], anySeed: () => number): SimArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      seconds: { type: 'string' },
      schedule: { type: 'string' },
      failures: { type: 'string', default: '5' },
      trace: { type: 'boolean', default: false },
      'require-probes': { type: 'boolean', default: false },
      shrink: { type: 'string', default: '60' },
      out: { type: 'string', default: 'sim-results' },
    },
  });
  const numberOf = (
    name: 'seed' | 'seeds' | 'seconds' | 'shrink' | 'failures',
  ): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const number = Number(text);
    const isWhole = Number.isSafeInteger(number) && number >= 0 && text.trim() !== '';
    if (!isWhole) throw new Error(`--${name} takes a number, not ${text}`);
    return number;
  };
  const seconds = numberOf('seconds');
  return {
    seed: numberOf('seed') ?? anySeed(),
    seeds: numberOf('seeds') ?? (seconds === undefined ? 1 : undefined),
    seconds,
    schedule: values.schedule,
    failures: numberOf('failures') ?? 1,
    isTraced: values.trace,
    requiresProbes: values['require-probes'],
    shrinkSeconds: numberOf('shrink') ?? 0,
    outDir: values.out,
  };
}
