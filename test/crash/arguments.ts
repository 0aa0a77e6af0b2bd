import { randomInt } from 'node:crypto';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../members/programs.ts';

/** What `npm run crash` is told. */

/**
 * For the shim: whose syncs do nothing. Each of them must be found missing: no sync of a member is there for nothing,
 * not even those of the store, which the log could make up for as long as LevelDB itself can open it.
 */
export const skippable: Readonly<Record<string, string>> = {
  all: 'sync * skip',
  log: 'syncfile log- skip',
  store: 'syncfile store- skip',
  'log-tail': 'syncfile log-*.log skip',
  'store-tail': 'syncfile store-*.log skip',
  tables: 'syncfile .ldb skip',
  manifests: 'syncfile /MANIFEST- skip',
  witness: 'syncfile witness- skip',
  files: 'syncfile .json skip',
  folders: 'syncfolder * skip',
};

/** What is recorded in turn. */
export const lives = ['bootstrap', 'clients', 'peers', 'cluster'] as const;
export type LifeName = (typeof lives)[number];

export const usage = `usage: npm run crash -- [--images N] [--faults N] [--seed S] [--seconds T] [--only ${lives.join('|')}]
                   [--skip-syncs] [--skip-syncs-of NAME] [--results FOLDER]
       npm run crash -- --controls [--seed S]
       npm run crash -- --replay FOLDER/seed-S-clients-image-N

  --skip-syncs     the member's syncs do nothing: this must fail
  --skip-syncs-of  only those of one kind: ${Object.keys(skippable).join(', ')}; each must fail
  --faults         so many times a disk fails while members start or are written to; --images 0 for nothing else
  --controls       all of these kinds, one after the other: passes when each of them is caught
  --seconds        no image is begun after so many seconds`;

export interface Arguments {
  readonly images: number;
  /** Times that disks fail. */
  readonly faults: number;
  readonly seed: number;
  readonly seconds: number;
  readonly only: LifeName | undefined;
  /** One of `skippable`. */
  readonly skipsSyncsOf: string | undefined;
  readonly isControl: boolean;
  readonly replay: string | undefined;
  readonly results: string;
}

export function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      images: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      seconds: { type: 'string', default: '86400' },
      faults: { type: 'string', default: '0' },
      only: { type: 'string' },
      replay: { type: 'string' },
      'skip-syncs': { type: 'boolean', default: false },
      'skip-syncs-of': { type: 'string' },
      controls: { type: 'boolean', default: false },
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
    images: wholeNumber('images', values.images, 0),
    faults: wholeNumber('faults', values.faults, 0),
    seed: wholeNumber('seed', values.seed),
    seconds: wholeNumber('seconds', values.seconds),
    only,
    skipsSyncsOf,
    isControl: values.controls,
    replay: values.replay,
    results: resolve(values.results),
  };
}

function wholeNumber(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name}: a whole number from ${least} is expected, not ${text}`);
}
