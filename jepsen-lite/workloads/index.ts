import type { Workload } from '../types.ts';
import { appendWorkload } from './append.ts';
import { kubernetesWorkload } from './kubernetes.ts';
import { leaseWorkload } from './lease.ts';
import { lockWorkload } from './lock.ts';
import { electionWorkload, lockServiceWorkload } from './lock-services.ts';
import { registerWorkload } from './register.ts';
import { fragmentsWorkload, watchWorkload } from './watch.ts';
import { setWorkload } from './set.ts';
import { largeWorkload, revisionReplayWorkload } from './revision-replay.ts';

export const workloads: readonly Workload[] = [
  registerWorkload(),
  revisionReplayWorkload(),
  largeWorkload(),
  appendWorkload(),
  setWorkload(),
  watchWorkload(),
  fragmentsWorkload(),
  leaseWorkload(),
  lockWorkload(),
  lockServiceWorkload(),
  electionWorkload(),
  kubernetesWorkload(),
];
