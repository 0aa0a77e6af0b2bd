import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { scratchFolder } from '../members/loopback.ts';
import { guardedFolder } from '../members/member.ts';
import { lives, skippable } from './arguments.ts';
import type { Arguments, LifeName } from './arguments.ts';
import { runBlackouts } from './blackouts.ts';
import { runCampaign } from './campaign.ts';
import type { CampaignOptions } from './campaign.ts';
import { liveThroughBootstrap } from './bootstrap-life.ts';
import { liveWithClients } from './client-life.ts';
import { liveAsCluster } from './cluster-life.ts';
import type { ClusterLife } from './cluster-life.ts';
import type { LifeOptions } from './life.ts';
import { liveWithPeers } from './peer-life.ts';

/** One life after the other, and the images of each. */

/** Of twenty images so many: a whole cluster takes long to start, and its images go one at a time. */
const shares: Readonly<Record<LifeName, number>> = {
  bootstrap: 2,
  clients: 9,
  peers: 7,
  cluster: 2,
};
/** Of one member. */
const recorders = {
  bootstrap: liveThroughBootstrap,
  clients: liveWithClients,
  peers: liveWithPeers,
} as const;
/** A new table takes a while, so that much happens between the beginning of a log file and the next manifest. */
const slowTables = 'syncfile .ldb delay 40';
/** One life gives as many images at most; then another begins. */
const imagesPerLifeMax = 250;

export interface Planned {
  readonly name: LifeName;
  readonly images: number;
}

/** Every kind of life has its share, in lives of at most `imagesPerLifeMax` images. */
export function planOf({ only, images }: Pick<Arguments, 'only' | 'images'>): readonly Planned[] {
  const names: readonly LifeName[] = only === undefined ? lives : [only];
  const sum = names.reduce((total, name) => total + shares[name], 0);
  const plan: Planned[] = [];
  let before = 0;
  for (const name of names) {
    const upTo = before + shares[name];
    const own = Math.round((images * upTo) / sum) - Math.round((images * before) / sum);
    before = upTo;
    const count = Math.ceil(own / imagesPerLifeMax);
    for (let i = 0; i < count; i++) {
      const share = Math.ceil((own * (i + 1)) / count) - Math.ceil((own * i) / count);
      plan.push({ name, images: share });
    }
  }
  return plan;
}

/** What a judged life is recorded and judged by. */
type Judged = Pick<Arguments, 'images' | 'seed' | 'skipsSyncsOf' | 'results'>;

export async function recordAndJudge(
  name: LifeName,
  { images, seed, skipsSyncsOf, results: resultsFolder }: Judged,
  shim: string,
  on: Pick<CampaignOptions, 'isTimeUp' | 'judged'>,
): Promise<void> {
  const folder = scratchFolder('crash');
  const removeFolder = guardedFolder(folder);
  const faults = `${skippable[skipsSyncsOf ?? ''] ?? slowTables}\n`;
  const options = { folder: join(folder, 'life'), shim, faults, random: seededRandom(seed) };
  const place = imagesFolder(folder);
  const removeImages = guardedFolder(place);
  const campaign = { images, seed, folder: place, resultsFolder, ...on };
  if (name === 'cluster') {
    const life = await patientlyRecorded(options);
    console.log(`seed ${seed}, a cluster: ${life.summary}`);
    await runBlackouts({ life, ...campaign });
  } else {
    const life = await recorders[name](options);
    console.log(`seed ${seed}, a member with ${life.name}: ${life.summary}`);
    await runCampaign({ life, ...campaign });
  }
  removeImages();
  removeFolder();
}

/** On a busy machine a write may come to no known end; then there is no history to judge by. */
async function patientlyRecorded(options: LifeOptions): Promise<ClusterLife> {
  for (let left = recordingsMax; ; left--) {
    try {
      return await liveAsCluster({ ...options, folder: `${options.folder}-${left}` });
    } catch (error) {
      if (left === 1) throw error;
      console.log(
        `  recorded once more: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

const recordingsMax = 3;

/** In memory where there is room: the images' own syncs need not be real. */
function imagesFolder(folder: string): string {
  const parent = hasRoom(memoryFolder) ? memoryFolder : folder;
  return mkdtempSync(join(parent, 'quorate-crash-images-'));
}

const memoryFolder = '/dev/shm';
const roomMin = 2 * 1024 ** 3;

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= roomMin;
}
