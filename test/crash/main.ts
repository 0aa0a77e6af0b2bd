import { resolve } from 'node:path';
import { scratchFolder } from '../members/loopback.ts';
import { guardedFolder } from '../members/member.ts';
import { parse, usage } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import { describeResult } from './campaign.ts';
import type { ImageResult } from './campaign.ts';
import { describeVerdict, runControls, Verdict } from './controls.ts';
import { FaultTally } from './faults/fault-tally.ts';
import type { EpisodeResult } from './faults/fault-tally.ts';
import { describeEpisode, runFaults } from './faults/run-faults.ts';
import { planOf, recordAndJudge } from './recording.ts';
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
 *   npm run crash -- --controls
 *   npm run crash -- --images 0 --faults 40
 *
 * Exit code 0 when all images pass, 1 when one does not, 2 for a wrong argument.
 */
type IsTimeUp = () => boolean;

async function judgeImages(options: Arguments, shim: string, isTimeUp: IsTimeUp): Promise<Tally> {
  const tally = new Tally();
  const verdict = new Verdict();
  const judged = (result: ImageResult): void => {
    tally.add(result);
    verdict.add(result);
    if (result.problem !== undefined) console.log(`\nFAILED ${describeResult(result)}`);
    else if ((tally.passed + tally.failed) % 25 === 0) {
      console.log(`  ${tally.passed + tally.failed} images, ${tally.failed} failed`);
    }
  };
  for (const [i, { name, images }] of planOf(options).entries()) {
    if (isTimeUp()) break;
    await recordAndJudge(name, { ...options, images, seed: options.seed + i }, shim, {
      isTimeUp,
      judged,
    });
  }
  const { skipsSyncsOf } = options;
  if (skipsSyncsOf !== undefined) console.log(`\n${describeVerdict(skipsSyncsOf, verdict)}`);
  return tally;
}

async function failDisks(
  { faults: episodes, seed, results: resultsFolder }: Arguments,
  shim: string,
  isTimeUp: IsTimeUp,
): Promise<FaultTally> {
  const tally = new FaultTally();
  const judged = (result: EpisodeResult): void => {
    tally.add(result);
    if (result.problem !== undefined) console.log(`\nFAILED ${describeEpisode(result)}`);
  };
  const folder = scratchFolder('crash');
  const removeFolder = guardedFolder(folder);
  await runFaults({ episodes, seed, shim, folder, resultsFolder, isTimeUp, judged });
  removeFolder();
  return tally;
}

async function judgeAgain(place: string): Promise<number> {
  const scratch = scratchFolder('crash');
  const removeFolder = guardedFolder(scratch);
  const problem = await replay(place, scratch);
  removeFolder();
  console.log(problem === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return problem === undefined ? 0 : 1;
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
  if (options.isControl) {
    console.log(`seed ${options.seed}, members whose syncs of one kind do nothing`);
    const { caught, missed } = await runControls(options, shim.path);
    console.log(`${caught} passed, ${missed} failed`);
    return missed === 0 ? 0 : 1;
  }
  return judgeAll(options, shim.path);
}

async function judgeAll(options: Arguments, shim: string): Promise<number> {
  const { seed, images, faults, seconds, results } = options;
  console.log(`seed ${seed}, ${images} images, ${faults} times that disks fail`);
  const startedMs = performance.now();
  const isTimeUp = (): boolean => performance.now() - startedMs > seconds * 1000;
  // Few, and first: they must not be what there is no time for.
  const episodes = await failDisks(options, shim, isTimeUp);
  const tally = await judgeImages(options, shim, isTimeUp);
  const passed = tally.passed + episodes.passed;
  const failed = tally.failed + episodes.failed;
  console.log(`\n${tally.describe()}\n\n${episodes.describe()}\n`);
  if (failed > 0) console.log(`what failed is in ${results}, with reports`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (!hasToldUsage(usage, process.argv.slice(2))) process.exitCode = await main();
