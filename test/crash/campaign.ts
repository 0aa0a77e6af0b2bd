import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { mustGet } from '../../src/base/assert.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { isCheckpoint } from './checkpoints.ts';
import { DiskModel } from './disk-model.ts';
import { drawCuts, spreadCuts } from './images/cut-points.ts';
import type { CutPoint } from './images/cut-points.ts';
import { damageImage } from './images/damage.ts';
import { describeKind, drawKind, makeImage } from './images/image.ts';
import type { Image, ImageKind } from './images/image.ts';
import { writeImage } from './images/write-image.ts';
import type { Judgement, Life } from './life.ts';
import { readTrace } from './trace-reader.ts';
import type { TraceRecord } from './trace-reader.ts';
import { WitnessWatch } from './witnessed.ts';

/** Many images of one life, each judged. */

export interface CampaignOptions {
  readonly life: Life;
  readonly images: number;
  readonly seed: number;
  /** For images that are being judged. */
  readonly folder: string;
  /** Where a failing one is kept. */
  readonly resultsFolder: string;
  readonly isTimeUp: () => boolean;
  readonly judged: (result: ImageResult) => void;
}

export interface ImageResult {
  readonly number: number;
  readonly life: string;
  readonly kind: ImageKind;
  readonly cut: CutPoint;
  /** What was done to synced bytes. */
  readonly damage: string | undefined;
  readonly judgement: Judgement;
  /** What is wrong, as a sentence; undefined: passed. */
  readonly problem: string | undefined;
}

/** Images that are judged at the same time: most of it is waiting. */
const concurrencyMax = 3;
/** One in so many has damage to synced bytes. */
const damagedOneIn = 5;
/** Time limits are so much longer when an image is judged again. */
export const patienceMax = 6;
/** One in so many is of a disk without a journal. */
const unorderedOneIn = 8;
/** One in so many is started as a process of its own. */
const processOneIn = 20;

interface Drawn {
  readonly number: number;
  readonly cut: CutPoint;
  readonly kind: ImageKind;
  readonly damage: string | undefined;
  /** Synced bytes that nothing stands in for were damaged, or no order was kept: it may refuse. */
  readonly isHarmed: boolean;
  readonly image: Image;
  readonly promisedAt: number;
  readonly cutAt: number;
}

export async function runCampaign(options: CampaignOptions): Promise<void> {
  const records = readTrace(options.life.trace);
  const spread = options.life.isCutEverywhere === true ? spreadCuts : drawCuts;
  const cuts = spread(records, options.images, seededRandom(options.seed));
  const model = new DiskModel();
  const witness = new WitnessWatch();
  const running = new Set<Promise<void>>();
  const older = new Map<string, Bytes[]>();
  let applied = 0;
  for (const [number, cut] of cuts.entries()) {
    if (options.isTimeUp()) break;
    for (; applied <= cut.record; applied++) {
      const record = mustGet(records[applied], 'the trace reaches to the cut');
      const replaced = record.kind === 'rename' ? model.find(record.path2) : undefined;
      if (replaced?.kind === 'file' && isCheckpoint(record.path2)) {
        older.set(record.path2, [...(older.get(record.path2) ?? []), replaced.folded]);
      }
      model.apply(record);
      witness.apply(record);
    }
    const drawn = drawImage(options.seed, { number, cut, records, model, witness, older });
    const judging = judgeImage(options, drawn).then(options.judged);
    running.add(judging);
    judging.then(
      () => running.delete(judging),
      () => running.delete(judging),
    );
    if (running.size >= concurrencyMax) await Promise.race(running);
  }
  await Promise.all(running);
}

function drawImage(
  seed: number,
  parts: {
    readonly number: number;
    readonly cut: CutPoint;
    readonly records: readonly TraceRecord[];
    readonly model: DiskModel;
    readonly witness: WitnessWatch;
    /** Copies of the index that others have replaced, by path. */
    readonly older: ReadonlyMap<string, readonly Bytes[]>;
  },
): Drawn {
  const { number, cut, records, model, witness } = parts;
  const random = seededRandom(mixed(seed, number));
  const isUnordered = random.below(unorderedOneIn) === 0;
  const kind = { ...drawKind(random, cut.isNameless), ...(isUnordered && { isUnordered }) };
  const image = makeImage(model, kind, random);
  const damaged =
    random.below(damagedOneIn) === 0 ? damageImage(image, parts.older, random) : undefined;
  const cutAt = mustGet(records[cut.record], 'the trace reaches to the cut').end;
  return {
    number,
    cut,
    kind,
    damage: damaged?.what,
    isHarmed: damaged?.isHarmless === false || image.isOutOfOrder,
    image: damaged?.image ?? image,
    cutAt,
    promisedAt: damaged?.isHarmless === false ? Math.min(cutAt, witness.coveredAt) : cutAt,
  };
}

/** Neighbouring seeds give neighbouring first numbers: they are spread (the constants of MurmurHash3). */
export function mixed(seed: number, number: number): number {
  const spread = Math.imul(seed ^ Math.imul(number + 1, 0xcc9e2d51), 0x85ebca6b);
  return Math.imul(spread ^ (spread >>> 13), 0xc2b2ae35) >>> 0;
}

async function judgeImage(options: CampaignOptions, drawn: Drawn): Promise<ImageResult> {
  const { life, folder, seed } = options;
  const { number, cut, kind, damage, isHarmed, image, promisedAt, cutAt } = drawn;
  const dataDir = join(folder, `image-${number}`);
  const asProcess = number % processOneIn === processOneIn - 1;
  const judgeOnce = (patience: number): Promise<Judgement> => {
    writeImage(dataDir, image);
    return life.judge({ dataDir, promisedAt, cutAt, asProcess, patience });
  };
  let judgement = await judgeOnce(1);
  // A busy machine is no failure of the member's.
  if (judgement.outcome === 'late') judgement = await judgeOnce(patienceMax);
  const problem = problemOf(judgement, isHarmed);
  const result = { number, life: life.name, kind, cut, damage, judgement, problem };
  if (problem !== undefined) keep(options, result, image);
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(`${dataDir}.log`, { force: true });
  return result;

  function keep({ resultsFolder }: CampaignOptions, found: ImageResult, whole: Image): void {
    const place = join(resultsFolder, `seed-${seed}-${life.name}-image-${number}`);
    mkdirSync(place, { recursive: true });
    writeImage(join(place, 'image'), whole);
    const again = `\nonce more:  npm run crash -- --replay ${place}\n`;
    writeFileSync(join(place, 'report.txt'), `${describeResult(found)}\n${again}`);
    const kept: Kept = {
      life: life.name,
      promises: life.promises,
      promisedAt,
      cutAt,
      isHarmed,
    };
    writeFileSync(join(place, 'promises.bin'), serialize(kept));
  }
}

/** What stands beside the image of a failure, so that it can be judged again. */
export interface Kept {
  readonly life: string;
  readonly promises: object;
  readonly promisedAt: number;
  readonly cutAt: number;
  readonly isHarmed: boolean;
}

/** Refusing is right only where synced bytes were damaged, and then it must say what is wrong and what to do. */
export function problemOf(judgement: Judgement, isHarmed: boolean): string | undefined {
  switch (judgement.outcome) {
    case 'booted':
      return undefined;
    case 'lied':
    case 'late':
      return judgement.message;
    case 'refused': {
      const { message } = judgement;
      if (!isHarmed)
        return `nothing synced was damaged, and the member refused to start: ${message}`;
      if (!namesPlace.test(message))
        return `the member refused without saying what is wrong: ${message}`;
      return namesRemedy.test(message)
        ? undefined
        : `the member refused without saying what to do: ${message}`;
    }
  }
}

/** What is damaged or missing, and where. */
const namesPlace = /\b(log|store|witness|identity|current|loss)\b/i;
/** What the operator types next. */
const namesRemedy = /remove the data dir .*\bre?(join|add)|add it again|use an empty data dir/i;

export function describeResult(result: ImageResult): string {
  const { number, life, kind, cut, damage, judgement, problem } = result;
  return [
    `image ${number} of the member with ${life}`,
    `  power lost   near ${cut.near}, after operation ${cut.record} of the trace`,
    `  left over    ${describeKind(kind)}`,
    `  damage       ${damage ?? 'none: only what had not been synced is missing'}`,
    `  outcome      ${judgement.outcome}`,
    `  ${problem === undefined ? 'passed' : `problem      ${problem}`}`,
  ].join('\n');
}
