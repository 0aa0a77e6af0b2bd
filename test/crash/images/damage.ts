import type { Bytes } from '../../../src/base/bytes.ts';
import type { Random } from '../../../src/base/random.ts';
import { isCheckpoint } from '../checkpoints.ts';
import type { Image, ImageFile } from './image.ts';
import { draw } from './image.ts';

/** What a disk may do to bytes that it had synced: a bit flips, a file ends too early, is gone, or is of zeros. */
export const damages = ['bit flip', 'cut short', 'lost', 'zeroed sector'] as const;
export type Damage = (typeof damages)[number];

export interface Damaged {
  readonly image: Image;
  /** What was done, for the report. */
  readonly what: string;
  /** It must start all the same, with all that it ever had. */
  readonly isHarmless: boolean;
}

const sectorBytes = 512;

/** One in so many is of the copy of the index, where there is one: it must be seen, and costs only time. */
const checkpointOneIn = 3;

/** Undefined when nothing in the image was ever synced. `older`: copies of the index that others have replaced. */
export function damageImage(
  image: Image,
  older: ReadonlyMap<string, readonly Bytes[]>,
  random: Random,
): Damaged | undefined {
  const checkpoint = image.files.find(({ path, syncedBytes }) => {
    return syncedBytes > 0 && isCheckpoint(path);
  });
  if (checkpoint !== undefined && random.below(checkpointOneIn) === 0) {
    const replaced = older.get(checkpoint.path) ?? [];
    if (replaced.length > 0 && random.below(2) === 0) {
      const files = image.files.filter((file) => file !== checkpoint);
      const bytes = draw(replaced, random);
      const what = `an older copy of the index: ${checkpoint.path}`;
      return {
        image: { ...image, files: [...files, { ...checkpoint, bytes }] },
        what,
        ...harmless,
      };
    }
    const damage = draw(damages, random);
    return { ...damageFile(image, checkpoint, damage, random), ...harmless };
  }
  const synced = image.files.filter(({ syncedBytes }) => syncedBytes > 0);
  if (synced.length === 0) return undefined;
  const target = draw(synced, random);
  const found = damageFile(image, target, draw(damages, random), random);
  return { ...found, isHarmless: isCheckpoint(target.path) };
}

const harmless = { isHarmless: true } as const;

function damageFile(
  image: Image,
  target: ImageFile,
  damage: Damage,
  random: Random,
): Omit<Damaged, 'isHarmless'> {
  const at = random.below(target.syncedBytes);
  const others = image.files.filter((file) => file !== target);
  const files =
    damage === 'lost' ? others : [...others, { ...target, bytes: damaged(target, damage, at) }];
  return { image: { ...image, files }, what: `${damage}: ${target.path} at byte ${at}` };
}

function damaged({ bytes, syncedBytes }: ImageFile, damage: Damage, at: number): Uint8Array {
  if (damage === 'cut short') return bytes.subarray(0, at);
  const changed = new Uint8Array(bytes);
  if (damage === 'bit flip') changed[at] = (changed[at] as number) ^ (1 << (at & 7));
  else {
    const from = at - (at % sectorBytes);
    changed.fill(0, from, Math.min(from + sectorBytes, syncedBytes));
  }
  return changed;
}
