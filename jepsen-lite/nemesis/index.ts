import { kill } from './kill.ts';
import { none } from './none.ts';
import type { Nemesis } from './types.ts';

export const nemeses: readonly Nemesis[] = [none, kill];
