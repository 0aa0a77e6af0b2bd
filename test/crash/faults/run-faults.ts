import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { seededRandom } from '../../../src/base/random.ts';
import { names } from '../../../src/storage/data-dir-files.ts';
import { mixed } from '../campaign.ts';
import { runEpisode } from './episode.ts';
import type { EpisodeResult } from './fault-tally.ts';
import { FaultyWorld } from './faulty-world.ts';

/** Episodes of failing disks: first of a member alone, then of three. */

export interface FaultsOptions {
  readonly episodes: number;
  readonly seed: number;
  readonly shim: string;
  /** On a real disk. */
  readonly folder: string;
  readonly resultsFolder: string;
  readonly isTimeUp: () => boolean;
  readonly judged: (result: EpisodeResult) => void;
}

/** Of four episodes so many have three members, which take longer to start. */
const clusterShare = 1 / 4;
/** Then they begin anew, so that first starts fail too. */
const episodesPerWorld = 8;

export async function runFaults(options: FaultsOptions): Promise<void> {
  const ofCluster = Math.floor(options.episodes * clusterShare);
  await runWith(1, 0, options.episodes - ofCluster, options);
  await runWith(3, options.episodes - ofCluster, options.episodes, options);
}

async function runWith(
  size: number,
  from: number,
  to: number,
  options: FaultsOptions,
): Promise<void> {
  for (let first = from; first < to && !options.isTimeUp();) {
    const last = Math.min(to, first + episodesPerWorld);
    first = await runWorld(size, first, last, options);
  }
}

/** Ends early when an episode fails: what follows would only fail again. Answers which is the next. */
async function runWorld(
  size: number,
  from: number,
  to: number,
  { folder, shim, seed, resultsFolder, isTimeUp, judged }: FaultsOptions,
): Promise<number> {
  const place = join(folder, `faults-${from}`);
  const random = seededRandom(mixed(seed, from));
  const world = await FaultyWorld.prepare(place, shim, size, random);
  try {
    for (let number = from; number < to && !isTimeUp(); number++) {
      const result = await runEpisode(world, seededRandom(mixed(seed, number)), number);
      judged(result);
      if (result.problem === undefined) continue;
      await world.end();
      keep(result, place, join(resultsFolder, `seed-${seed}-faults-${number}`));
      return number + 1;
    }
    return to;
  } finally {
    await world.end();
  }
}

function keep(result: EpisodeResult, from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const isWanted = (path: string): boolean => basename(path) !== names.reserve;
  cpSync(from, join(to, 'members'), { recursive: true, filter: isWanted });
  writeFileSync(join(to, 'report.txt'), `${describeEpisode(result)}\n`);
}

export function describeEpisode({ number, kind, report, problem }: EpisodeResult): string {
  const lines = report.map((line) => `  ${line}`);
  return [`disks fail, ${number}: ${kind}`, ...lines, `  problem: ${problem ?? 'none'}`].join('\n');
}
