import type { Workload } from '../types.ts';

export const workloads: readonly Workload[] = [];
