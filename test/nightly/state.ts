import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from './types.ts';

/** What the nights share: seeds that were given out, what is to be run again, and the night that was interrupted. */

const fileName = 'state.json';
/** Seeds of one slice: a harness counts up from the one that it is given. */
export const seedsPerSlice = 1_000_000;

export function loadState(folder: string): State {
  const path = join(folder, fileName);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as State;
  return {
    nextSeed: randomInt(1, 1000) * seedsPerSlice,
    slices: {},
    seconds: {},
    corpus: [],
    night: undefined,
  };
}

/** Whole or not at all: a night may be interrupted at any moment. */
export function saveState(folder: string, state: State): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileName);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
