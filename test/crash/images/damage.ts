import type { Random } from '../../../src/base/random.ts';
import type { Image, ImageFile } from './image.ts';
import { draw } from './image.ts';

/** What a disk may do to bytes that it had synced: a bit flips, a file ends too early, is gone, or is of zeros. */
export const damages = ['bit flip', 'cut short', 'lost', 'zeroed sector'] as const;
export type Damage = (typeof damages)[number];

export interface Damaged {
  readonly image: Image;
  /** What was done, for the report. */
  readonly what: string;
}

const sectorBytes = 512;

/** Undefined when nothing in the image was ever synced. */
export function damageImage(image: Image, damage: Damage, random: Random): Damaged | undefined {
  const synced = image.files.filter(({ syncedBytes }) => syncedBytes > 0);
  if (synced.length === 0) return undefined;
  const target = draw(synced, random);
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
