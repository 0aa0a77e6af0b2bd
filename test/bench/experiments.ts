import type { Experiment } from './experiment.ts';
import { keyExperiments } from './experiments-kv.ts';
import { restartExperiments } from './experiments-restart.ts';
import { bigRange, scanExperiments } from './experiments-scan.ts';
import { watchExperiments } from './experiments-watch.ts';

/** In the order in which they run within their group: those that end a member come last. */
export const experiments: readonly Experiment[] = [
  ...keyExperiments,
  ...watchExperiments,
  ...scanExperiments,
  ...restartExperiments,
  bigRange,
];
