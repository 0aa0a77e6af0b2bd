import { leaseMutants } from './list/lease.ts';
import { raftMutants } from './list/raft.ts';
import { servingMutants } from './list/serving.ts';
import { storageMutants } from './list/storage.ts';
import { storeMutants } from './list/store.ts';
import { watchMutants } from './list/watch.ts';
import type { Mutant } from './types.ts';

export const allMutants: readonly Mutant[] = [
  ...raftMutants,
  ...storageMutants,
  ...storeMutants,
  ...servingMutants,
  ...watchMutants,
  ...leaseMutants,
];
