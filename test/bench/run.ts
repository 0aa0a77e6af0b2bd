import type { Experiment, GroupName, Outcome, Pace } from './experiment.ts';
import type { ExperimentName } from './experiment-names.ts';
import { formatFigure, formatNumber } from './units.ts';
import type { BenchOptions } from './options.ts';
import { Progress } from './progress.ts';
import { Target, type SystemName } from './target.ts';
import { mergeTurns, noTurns, wallPercentileMs, type Turns } from './turns.ts';

/** One experiment at one system, once. */
export interface Measurement extends Outcome {
  readonly experiment: ExperimentName;
  readonly system: SystemName;
  readonly round: number;
  /** Of the members of quorate. */
  readonly turns?: Turns | undefined;
}

type RunOptions = Pick<
  BenchOptions,
  | 'isQuick'
  | 'systems'
  | 'seconds'
  | 'warmupSeconds'
  | 'rounds'
  | 'keys'
  | 'members'
  | 'dir'
  | 'quorateFlags'
>;

export const valueBytes = 256;

/** About how fast a cluster is filled, and how long starting, stopping and taking turns take. */
const fillKeysPerSecond = { replicated: 12_000, single: 25_000 };
const startMs = 6_000;
/** Turns of experiments that are told beside the longest of all. */
const longTurnMs = 20;
const turnOverMs = 500;
const groups: readonly GroupName[] = ['replicated', 'single'];

export interface PlannedGroup {
  readonly group: GroupName;
  readonly experiments: readonly Experiment[];
  /** Of starting and filling the cluster of one system. */
  readonly prepareMs: number;
}

export function planOf(
  experiments: readonly Experiment[],
  options: RunOptions,
): readonly PlannedGroup[] {
  return groups.flatMap((group) => {
    const chosen = experiments.filter((experiment) => experiment.group === group);
    const prepareMs = startMs + (options.keys / fillKeysPerSecond[group]) * 1_000;
    return chosen.length === 0 ? [] : [{ group, experiments: chosen, prepareMs }];
  });
}

/** What a plan is expected to take. */
export function durationMsOf(plan: readonly PlannedGroup[], options: RunOptions): number {
  const perGroup = plan.map(({ experiments, prepareMs }) => {
    const measuredMs = experiments.reduce((sum, each) => sum + expectedMs(each, options), 0);
    return options.systems.length * (prepareMs + options.rounds * measuredMs);
  });
  return perGroup.reduce((sum, each) => sum + each, 0);
}

const paceOf = ({ seconds, warmupSeconds, isQuick }: RunOptions): Pace => ({
  warmupMs: warmupSeconds * 1_000,
  durationMs: seconds * 1_000,
  kills: isQuick ? 1 : 3,
});

const settleMsOf = ({ isQuick }: RunOptions): number => (isQuick ? 1_000 : 3_000);

function expectedMs(experiment: Experiment, options: RunOptions): number {
  const pace = paceOf(options);
  const runMs = experiment.runs * (pace.warmupMs + pace.durationMs);
  return runMs + experiment.besidesMs(pace) + settleMsOf(options) + turnOverMs;
}

/** Runs the plan: each experiment at one system, then at the other, round after round. */
export async function runPlan(
  plan: readonly PlannedGroup[],
  options: RunOptions,
): Promise<readonly Measurement[]> {
  const progress = new Progress(durationMsOf(plan, options));
  const measurements: Measurement[] = [];
  for (const group of plan) {
    const targets: Target[] = [];
    try {
      for (const system of options.systems) {
        targets.push(await prepared(system, group, options, progress));
      }
      measurements.push(...(await runGroup(group, targets, options, progress)));
    } catch (error) {
      // What was measured of other groups is not lost.
      progress.say(describeError(error));
      measurements.push(...failedGroup(group, options, describeError(error)));
    } finally {
      for (const target of targets) await target.destroy();
    }
  }
  return measurements.every(({ turns }) => turns === undefined)
    ? measurements
    : [...measurements, turnsMeasured(measurements)];
}

async function prepared(
  system: SystemName,
  { group, prepareMs }: PlannedGroup,
  options: RunOptions,
  progress: Progress,
): Promise<Target> {
  const { keys, dir: folder, quorateFlags } = options;
  const members = group === 'single' ? 1 : options.members;
  const count = members === 1 ? 'one member' : `${members} members`;
  progress.begin(
    `${system}, ${count}: filling with ${keys.toLocaleString('en-US')} keys`,
    prepareMs,
  );
  const startedAtMs = performance.now();
  const settleMs = settleMsOf(options);
  const settings = { system, members, keys, valueBytes, folder, quorateFlags, settleMs };
  const target = await Target.start(settings, (line) => progress.detail(line));
  await target.pause();
  progress.end(`${formatNumber((performance.now() - startedAtMs) / 1_000)} s`);
  return target;
}

async function runGroup(
  { experiments }: PlannedGroup,
  targets: readonly Target[],
  options: RunOptions,
  progress: Progress,
): Promise<readonly Measurement[]> {
  const pace = paceOf(options);
  const measurements: Measurement[] = [];
  for (const experiment of experiments) {
    for (let round = 1; round <= options.rounds; round++) {
      for (const target of targets) {
        progress.begin(
          `${experiment.name} ${round}/${options.rounds} ${target.system}`,
          expectedMs(experiment, options),
        );
        const outcome = await measured(experiment, target, pace);
        measurements.push({
          experiment: experiment.name,
          system: target.system,
          round,
          ...outcome,
        });
        progress.end(describeOutcome(outcome));
      }
    }
  }
  return measurements;
}

const describeError = (error: unknown): string =>
  `failed: ${error instanceof Error ? error.message : String(error)}`;

function failedGroup(
  { experiments }: PlannedGroup,
  { systems }: RunOptions,
  note: string,
): readonly Measurement[] {
  return experiments.flatMap(({ name }) =>
    systems.map((system) => ({
      experiment: name,
      system,
      round: 1,
      figures: {},
      notes: [note],
    })),
  );
}

/** An experiment that fails yields no figures, and says why; the others go on. */
async function measured(
  experiment: Experiment,
  target: Target,
  pace: Pace,
): Promise<Outcome & Pick<Measurement, 'turns'>> {
  let outcome: Outcome;
  try {
    await target.resume();
    outcome = await experiment.measure(target, pace);
  } catch (error) {
    outcome = { figures: {}, notes: [describeError(error)] };
  }
  const turns = await target.pause().catch(() => noTurns);
  if (turns.turns === 0) return outcome;
  const figures = { ...outcome.figures, longestTurnMs: turns.longestCpuMs };
  return { ...outcome, figures, turns };
}

function describeOutcome({ figures, notes }: Outcome): string {
  const { perSecond, p99Ms, cpuMicros, longestTurnMs } = figures;
  const told =
    perSecond === undefined
      ? Object.entries(figures).map(([name, value]) => `${name} ${formatNumber(value)}`)
      : [
          formatFigure(perSecond, 'per second'),
          `p99 ${formatFigure(p99Ms ?? Number.NaN, 'ms')}`,
          `CPU ${formatFigure(cpuMicros ?? Number.NaN, 'us')} each`,
          ...(longestTurnMs === undefined
            ? []
            : [`longest turn ${formatFigure(longestTurnMs, 'ms')}`]),
        ];
  return [...told, ...notes].join(', ');
}

function turnsMeasured(measurements: readonly Measurement[]): Measurement {
  const turns = mergeTurns(measurements.map((each) => each.turns ?? noTurns));
  const figures = {
    longestCpuMs: turns.longestCpuMs,
    longestWallMs: turns.longestWallMs,
    p999WallMs: wallPercentileMs(turns, 0.999),
    turns: turns.turns,
  };
  const worst = measurements
    .filter((each) => (each.turns?.longestCpuMs ?? 0) > longTurnMs)
    .map((each) => `${each.experiment} ${formatNumber(each.turns?.longestCpuMs ?? 0)} ms`);
  const notes = worst.length === 0 ? [] : [`longest turns: ${worst.join(', ')}`];
  return { experiment: 'turns', system: 'quorate', round: 1, figures, notes };
}
