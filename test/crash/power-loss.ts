import { existsSync, truncateSync } from 'node:fs';
import type { Random } from '../../src/base/random.ts';
import { DiskModel } from './disk-model.ts';
import { describeKind, drawKind, makeImage } from './images/image.ts';
import type { ImageKind } from './images/image.ts';
import { writeImage } from './images/write-image.ts';
import { readTrace } from './trace-reader.ts';

export interface PowerLoss {
  /** Absolute, as it was given to the shim. No process may have it open. */
  readonly dataDir: string;
  /** Written by the shim since the data dir was made, or since the last power loss. Emptied: the next start begins anew. */
  readonly trace: string;
  readonly random: Random;
  /** Drawn when left out. */
  readonly kind?: ImageKind;
}

export interface LostPower {
  readonly kind: ImageKind;
  /** The kind in words, for a report. */
  readonly description: string;
  readonly files: number;
}

/** Turns the data dir of a killed member into what a power loss at that moment may have left of it. */
export function losePower({
  dataDir,
  trace,
  random,
  kind = drawKind(random),
}: PowerLoss): LostPower {
  const records = readTrace(trace);
  // Since the last power loss nobody has run for long enough to change anything: what is there stays.
  if (!records.some((record) => record.kind === 'start')) {
    truncateSync(trace, 0);
    return { kind, description: 'it had not been started again', files: 0 };
  }
  const model = new DiskModel();
  for (const record of records) model.apply(record);
  const image = makeImage(model, kind, random);
  writeImage(dataDir, image);
  truncateSync(trace, 0);
  return { kind, description: describeKind(kind), files: image.files.length };
}

/** A kill may cut off the last record of a trace; the next start would append behind what is no record. */
export function mendTrace(trace: string): void {
  if (existsSync(trace)) truncateSync(trace, readTrace(trace).at(-1)?.end ?? 0);
}
