import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { scratchFolder } from '../members/loopback.ts';
import { guardedFolder } from '../members/member.ts';
import { repositoryRoot } from '../members/programs.ts';
import { runBlackouts } from './blackouts.ts';
import { runCampaign, describeResult } from './campaign.ts';
import type { CampaignOptions, ImageResult } from './campaign.ts';
import { liveWithClients } from './client-life.ts';
import { liveAsCluster } from './cluster-life.ts';
import type { ClusterLife } from './cluster-life.ts';
import type { LifeOptions } from './life.ts';
import { liveWithPeers } from './peer-life.ts';
import { replay } from './replay.ts';
import { Tally } from './report.ts';
import { buildShim } from './shim/build.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Pulled plugs: members live under a shim that records what reaches the disk; from each record images of power losses
 * are made, a member starts on each, and must hold all that it had acknowledged before.
 *
 *   npm run crash -- --images 200 --seed 7
 *   npm run crash -- --replay crash-results/seed-7-clients-image-31
 *
 * Exit code 0 when all images pass, 1 when one does not, 2 for a wrong argument.
 */
/** For the shim: whose syncs do nothing. */
const skippable: Readonly<Record<string, string>> = {
  all: 'sync * skip',
  log: 'syncfile log- skip',
  store: 'syncfile store- skip',
  witness: 'syncfile witness- skip',
  files: 'syncfile .json skip',
  folders: 'syncfolder * skip',
};
const usage = `usage: npm run crash -- [--images N] [--seed S] [--seconds T] [--only clients|peers|cluster]
                   [--skip-syncs] [--skip-syncs-of NAME] [--results FOLDER]
       npm run crash -- --replay FOLDER/seed-S-clients-image-N

  --skip-syncs     the member's syncs do nothing: this must fail
  --skip-syncs-of  only those of one kind: ${Object.keys(skippable).join(', ')}; each must fail
  --seconds        no image is begun after so many seconds`;

/** What is recorded in turn. */
const lives = ['clients', 'peers', 'cluster'] as const;
type LifeName = (typeof lives)[number];
/** Of ten images so many: a whole cluster takes long to start, and its images go one at a time. */
const shares: Readonly<Record<LifeName, number>> = { clients: 5, peers: 4, cluster: 1 };
/** A new table takes a while, so that much happens between the beginning of a log file and the next manifest. */
const slowTables = 'syncfile .ldb delay 40';
/** One life gives as many images at most; then another begins. */
const imagesPerLifeMax = 250;

interface Arguments {
  readonly images: number;
  readonly seed: number;
  readonly seconds: number;
  readonly only: LifeName | undefined;
  /** One of `skippable`. */
  readonly skipsSyncsOf: string | undefined;
  readonly replay: string | undefined;
  readonly results: string;
}

function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      images: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      seconds: { type: 'string', default: '86400' },
      only: { type: 'string' },
      replay: { type: 'string' },
      'skip-syncs': { type: 'boolean', default: false },
      'skip-syncs-of': { type: 'string' },
      results: { type: 'string', default: join(repositoryRoot, 'crash-results') },
    },
  });
  const only = lives.find((name) => name === values.only);
  if (values.only !== undefined && only === undefined) {
    throw new Error(`--only: one of ${lives.join(', ')} is expected`);
  }
  const skipsSyncsOf = values['skip-syncs'] ? 'all' : values['skip-syncs-of'];
  if (skipsSyncsOf !== undefined && skippable[skipsSyncsOf] === undefined) {
    throw new Error(`--skip-syncs-of: one of ${Object.keys(skippable).join(', ')} is expected`);
  }
  return {
    images: wholeNumber('images', values.images),
    seed: wholeNumber('seed', values.seed),
    seconds: wholeNumber('seconds', values.seconds),
    only,
    skipsSyncsOf,
    replay: values.replay,
    results: resolve(values.results),
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name}: a whole number from 1 is expected, not ${text}`);
}

async function run(options: Arguments, shim: string): Promise<Tally> {
  const startedMs = performance.now();
  const isTimeUp = (): boolean => performance.now() - startedMs > options.seconds * 1000;
  const tally = new Tally();
  const plan = planOf(options);
  const judged = (result: ImageResult): void => {
    tally.add(result);
    if (result.problem !== undefined) console.log(`\nFAILED ${describeResult(result)}`);
    else if ((tally.passed + tally.failed) % 25 === 0) {
      console.log(`  ${tally.passed + tally.failed} images, ${tally.failed} failed`);
    }
  };
  for (const [i, { name, images }] of plan.entries()) {
    if (isTimeUp()) break;
    await recordAndJudge(name, { ...options, images, seed: options.seed + i }, shim, {
      isTimeUp,
      judged,
    });
  }
  return tally;
}

interface Planned {
  readonly name: LifeName;
  readonly images: number;
}

/** Every kind of life has its share, in lives of at most `imagesPerLifeMax` images. */
function planOf({ only, images }: Arguments): readonly Planned[] {
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

async function recordAndJudge(
  name: LifeName,
  { images, seed, skipsSyncsOf, results: resultsFolder }: Arguments,
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
    const life = await (name === 'peers' ? liveWithPeers : liveWithClients)(options);
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

async function judgeAgain(place: string): Promise<number> {
  const scratch = scratchFolder('crash');
  const removeFolder = guardedFolder(scratch);
  const problem = await replay(place, scratch);
  removeFolder();
  console.log(problem === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return problem === undefined ? 0 : 1;
}

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

async function main(): Promise<number> {
  let options: Arguments;
  try {
    options = parse(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  if (options.replay !== undefined) return judgeAgain(resolve(options.replay));
  const shim = buildShim();
  if (shim.path === undefined) {
    console.log(`skipped: ${shim.reason}`);
    return 0;
  }
  console.log(`seed ${options.seed}, ${options.images} images`);
  const tally = await run(options, shim.path);
  console.log(`\n${tally.describe()}\n`);
  if (tally.failed > 0) console.log(`failing images and their reports are in ${options.results}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 ? 0 : 1;
}

if (!hasToldUsage(usage, process.argv.slice(2))) process.exitCode = await main();
