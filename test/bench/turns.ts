import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../members/member.ts';
import { quorate, repositoryRoot, type Program } from '../members/programs.ts';

/** What turn-meter.cts writes. */
export interface Turns {
  readonly turns: number;
  readonly longestWallMs: number;
  readonly longestCpuMs: number;
  readonly bucketsPerDoubling: number;
  /** How many turns took up to 2 ** (index / bucketsPerDoubling) us of wall time. */
  readonly buckets: readonly number[];
}

const meter = join(repositoryRoot, 'dist/test/bench/turn-meter.cjs');
const answerTimeoutMs = 10_000;
const pollMs = 20;

/** quorate with the turn meter in it. */
export const meteredQuorate: Program = {
  label: quorate.label,
  command: [process.execPath, '--require', meter, ...quorate.command.slice(1)],
};

/** The turns of a member of `meteredQuorate` since this was asked last. */
export async function takeTurns(member: Member): Promise<Turns> {
  const file = `${member.settings.dataDir}.turns.json`;
  rmSync(file, { force: true });
  if (member.pid === undefined) throw new Error(`${member.name} does not run`);
  process.kill(member.pid, 'SIGUSR2');
  const deadline = performance.now() + answerTimeoutMs;
  while (!existsSync(file)) {
    if (performance.now() > deadline) throw new Error(`${member.name} tells no turns`);
    await sleep(pollMs);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Turns;
}

export const noTurns: Turns = {
  turns: 0,
  longestWallMs: 0,
  longestCpuMs: 0,
  bucketsPerDoubling: 8,
  buckets: [],
};

export function mergeTurns(all: readonly Turns[]): Turns {
  return all.reduce((sum, each) => {
    const length = Math.max(sum.buckets.length, each.buckets.length);
    return {
      turns: sum.turns + each.turns,
      longestWallMs: Math.max(sum.longestWallMs, each.longestWallMs),
      longestCpuMs: Math.max(sum.longestCpuMs, each.longestCpuMs),
      bucketsPerDoubling: each.bucketsPerDoubling,
      buckets: Array.from({ length }, (_, i) => (sum.buckets[i] ?? 0) + (each.buckets[i] ?? 0)),
    };
  }, noTurns);
}

/** The wall time that so large a share of the turns did not exceed, to an eighth of a doubling. */
export function wallPercentileMs(turns: Turns, share: number): number {
  let left = turns.turns * share;
  for (const [index, count] of turns.buckets.entries()) {
    left -= count;
    if (left <= 0 && count > 0) return 2 ** (index / turns.bucketsPerDoubling) / 1_000;
  }
  return turns.longestWallMs;
}
