import type { ExperimentName } from './experiment-names.ts';
import type { Target } from './target.ts';

/** What an experiment showed at one system: figures by the names that rows ask for. */
export type Figures = Readonly<Record<string, number>>;

export interface Pace {
  readonly warmupMs: number;
  readonly durationMs: number;
  /** How often a leader is killed. */
  readonly kills: number;
}

export interface Outcome {
  readonly figures: Figures;
  /** What a reader must know to believe them, such as answers that failed. */
  readonly notes: readonly string[];
}

/** Experiments of a group run on one cluster of each system; `single` has one member. */
export type GroupName = 'replicated' | 'single';

export interface Experiment {
  readonly name: ExperimentName;
  readonly group: GroupName;
  /** How it is measured, in a line. */
  readonly how: string;
  /** Runs of the pace's length that it takes: 0 for what lasts as long as it lasts. */
  readonly runs: number;
  /** What it takes besides, about. */
  readonly besidesMs: (pace: Pace) => number;
  readonly measure: (target: Target, pace: Pace) => Promise<Outcome>;
}
