import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { mustGet } from '../../src/base/assert.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Random } from '../../src/base/random.ts';
import { describeResult, mixed, patienceMax, problemOf } from './campaign.ts';
import type { ImageResult, Kept } from './campaign.ts';
import type { ClusterLife } from './cluster-life.ts';
import { judgeCluster } from './cluster-oracle.ts';
import { DiskModel } from './disk-model.ts';
import { drawCuts } from './images/cut-points.ts';
import type { CutPoint } from './images/cut-points.ts';
import { drawKind, makeImage } from './images/image.ts';
import type { ImageKind } from './images/image.ts';
import { writeImage } from './images/write-image.ts';
import type { Judgement } from './life.ts';
import { readTrace } from './trace-reader.ts';
import type { TraceRecord } from './trace-reader.ts';

/** A whole cluster loses power at one moment; of each member's disk something else may be left. */

export interface BlackoutOptions {
  readonly life: ClusterLife;
  readonly images: number;
  readonly seed: number;
  readonly folder: string;
  readonly resultsFolder: string;
  readonly isTimeUp: () => boolean;
  readonly judged: (result: ImageResult) => void;
}

interface Blackout {
  readonly cut: CutPoint;
  /** In the middle of what this member did. */
  readonly of: string;
  readonly atMs: number;
}

class Disk {
  readonly name: string;
  readonly records: readonly TraceRecord[];
  private readonly model = new DiskModel();
  private applied = 0;

  constructor(name: string, records: readonly TraceRecord[]) {
    this.name = name;
    this.records = records;
  }

  get hasBegun(): boolean {
    return this.applied > 0;
  }

  goTo(atMs: number): void {
    for (; this.applied < this.records.length; this.applied++) {
      const record = mustGet(this.records[this.applied], 'it is in the trace');
      if (record.timeMs > atMs) return;
      this.model.apply(record);
    }
  }

  writeImage(folder: string, kind: ImageKind, random: Random): void {
    writeImage(join(folder, this.name), makeImage(this.model, kind, random));
  }
}

/** One after the other: a member listens where its data dir says. */
export async function runBlackouts(options: BlackoutOptions): Promise<void> {
  const { life, seed, isTimeUp } = options;
  const disks = life.members.map(({ name, trace }) => new Disk(name, readTrace(trace)));
  for (const [number, blackout] of drawBlackouts(disks, options.images, seed).entries()) {
    if (isTimeUp()) return;
    for (const disk of disks) disk.goTo(blackout.atMs);
    options.judged(await judgeBlackout(options, disks, number, blackout));
  }
}

/** In the order of time. */
function drawBlackouts(disks: readonly Disk[], count: number, seed: number): readonly Blackout[] {
  const share = Math.ceil(count / disks.length);
  const all = disks.flatMap(({ name, records }, i) =>
    drawCuts(records, share, seededRandom(mixed(seed, i))).map((cut) => {
      const { timeMs: atMs } = mustGet(records[cut.record], 'the cut is in the trace');
      return { cut, of: name, atMs };
    }),
  );
  return all.sort((a, b) => a.atMs - b.atMs);
}

async function judgeBlackout(
  { life, seed, folder, resultsFolder }: BlackoutOptions,
  disks: readonly Disk[],
  number: number,
  { cut, of, atMs }: Blackout,
): Promise<ImageResult> {
  const dataDir = join(folder, `blackout-${number}`);
  const kinds = new Map<string, ImageKind>();
  const write = (place: string): void => {
    mkdirSync(place, { recursive: true });
    for (const [i, disk] of disks.entries()) {
      if (!disk.hasBegun) continue;
      const random = seededRandom(mixed(mixed(seed, number), i));
      const kind = drawKind(random, cut.isNameless && disk.name === of);
      kinds.set(disk.name, kind);
      disk.writeImage(place, kind, random);
    }
  };
  const judgeOnce = (patience: number): Promise<Judgement> => {
    rmSync(dataDir, { recursive: true, force: true });
    write(dataDir);
    const image = { dataDir, promisedAt: atMs, cutAt: atMs, asProcess: false, patience };
    return judgeCluster(life.promises, image);
  };
  let judgement = await judgeOnce(1);
  if (judgement.outcome === 'late') judgement = await judgeOnce(patienceMax);
  rmSync(dataDir, { recursive: true, force: true });
  const kind = mustGet(kinds.get(of), 'its disk was drawn');
  const problem = problemOf(judgement, false);
  const near = `${cut.near} of ${of}, which all lose power with`;
  const result: ImageResult = {
    number,
    life: 'a cluster',
    kind,
    cut: { ...cut, near },
    damage: undefined,
    judgement,
    problem,
  };
  if (problem === undefined) return { ...result, cut: { ...cut, near: 'a blackout' } };
  const place = join(resultsFolder, `seed-${seed}-cluster-image-${number}`);
  write(join(place, 'image'));
  const again = `\nonce more:  npm run crash -- --replay ${place}\n`;
  writeFileSync(join(place, 'report.txt'), `${describeResult(result)}\n${again}`);
  const kept: Kept = {
    life: 'cluster',
    promises: life.promises,
    promisedAt: atMs,
    cutAt: atMs,
    isHarmed: false,
  };
  writeFileSync(join(place, 'promises.bin'), serialize(kept));
  return result;
}
