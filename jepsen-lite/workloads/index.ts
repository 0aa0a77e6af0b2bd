import type { Workload } from '../types.ts';
import { registerWorkload } from './register.ts';
import { revisionReplayWorkload } from './revision-replay.ts';

export const workloads: readonly Workload[] = [registerWorkload(), revisionReplayWorkload()];
