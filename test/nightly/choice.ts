import type { Part } from './types.ts';

/** What runs next, and for how long. */
export interface Choice {
  readonly part: Part;
  readonly seconds: number;
}

export interface Standing {
  readonly parts: readonly Part[];
  /** Of the whole night. */
  readonly nightSeconds: number;
  readonly leftSeconds: number;
  /** That a part has had in this night; undefined: it has not run yet. */
  readonly had: (name: string) => number | undefined;
  /** In all nights: of those that have had nothing yet, who has waited longest goes first. */
  readonly hadEver: (name: string) => number;
}

/**
 * The part that has had least of its share, for as long as its share of the night is, but no longer than one slice is
 * useful, and never so long that one which has not run yet could not run any more. Undefined when nothing fits.
 */
export function nextChoice(standing: Standing): Choice | undefined {
  const { parts, leftSeconds, had } = standing;
  const order = parts.toSorted((a, b) => compareParts(a, b, standing));
  const unmet = parts.filter(({ name }) => had(name) === undefined);
  for (const part of order) {
    const reserved = unmet.reduce((sum, each) => sum + (each === part ? 0 : each.leastSeconds), 0);
    const free = leftSeconds - reserved;
    const fits = free >= part.leastSeconds;
    // In a night too short for all of them the first ones run.
    const isFirst = had(part.name) === undefined && leftSeconds >= part.leastSeconds;
    if (!fits && !isFirst) continue;
    const seconds = Math.min(part.sliceSeconds, shareOf(part, standing), Math.max(0, free));
    return { part, seconds: Math.floor(Math.max(part.leastSeconds, seconds)) };
  }
  return undefined;
}

function shareOf({ share }: Part, { parts, nightSeconds }: Standing): number {
  return (nightSeconds * share) / parts.reduce((sum, part) => sum + part.share, 0);
}

function compareParts(a: Part, b: Part, { had, hadEver }: Standing): number {
  const now = ({ name, share }: Part): number => (had(name) ?? 0) / share;
  const isNew = Number(had(b.name) === undefined) - Number(had(a.name) === undefined);
  if (isNew !== 0) return isNew;
  if (had(a.name) === undefined) return hadEver(a.name) / a.share - hadEver(b.name) / b.share;
  return now(a) - now(b);
}
