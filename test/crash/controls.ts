import { skippable } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import type { ImageResult } from './campaign.ts';
import { recordAndJudge } from './recording.ts';

/** Tests of the test: a member whose syncs of one kind do nothing must be found out by the images of its life. */

/** One kind after the other, in these lives: what no clients' life shows, one with peers may. */
const controlLives = ['clients', 'peers'] as const;
const imagesPerLife = 60;
/** Then it is plain, and the next kind begins. */
const caughtEnough = 3;

/** What the images of a member say that did not sync what it should have. */
export class Verdict {
  images = 0;
  /** It does not start any more, though no synced byte was damaged. */
  refused = 0;
  /** It starts, and what it had acknowledged is gone. */
  lost = 0;

  get isCaught(): boolean {
    return this.refused + this.lost > 0;
  }

  add({ problem, judgement }: ImageResult): void {
    this.images++;
    if (problem === undefined) return;
    if (judgement.outcome === 'refused') this.refused++;
    else this.lost++;
  }
}

export function describeVerdict(what: string, verdict: Verdict): string {
  const { images, refused, lost, isCaught } = verdict;
  if (!isCaught) return `without syncs of ${what}: NOT CAUGHT by ${images} images`;
  return (
    `without syncs of ${what}: caught, of ${images} images ${lost} had lost what was acknowledged, and ` +
    `${refused} would not start`
  );
}

/** Answers how many kinds were caught, and how many not. */
export async function runControls(
  { seed, results }: Pick<Arguments, 'seed' | 'results'>,
  shim: string,
): Promise<{ readonly caught: number; readonly missed: number }> {
  let caught = 0;
  let missed = 0;
  for (const what of Object.keys(skippable)) {
    const verdict = new Verdict();
    const isTimeUp = (): boolean => verdict.refused + verdict.lost >= caughtEnough;
    for (const life of controlLives) {
      if (isTimeUp()) break;
      const judged = (result: ImageResult): void => verdict.add(result);
      const settings = { images: imagesPerLife, seed, skipsSyncsOf: what, results };
      await recordAndJudge(life, settings, shim, { isTimeUp, judged });
    }
    console.log(describeVerdict(what, verdict));
    if (verdict.isCaught) caught++;
    else missed++;
  }
  return { caught, missed };
}
