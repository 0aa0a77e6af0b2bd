import type { Part } from './types.ts';

/** The part that has had least of its share, among those that still fit into the time that is left. */
export function nextPart(
  parts: readonly Part[],
  secondsSoFar: (name: string) => number,
  leftSeconds: number,
): Part | undefined {
  let chosen: Part | undefined;
  let least = Infinity;
  for (const part of parts) {
    if (leftSeconds < leastSeconds(part)) continue;
    const had = secondsSoFar(part.name) / part.share;
    if (had < least) {
      chosen = part;
      least = had;
    }
  }
  return chosen;
}

/** Less than this is not worth a start. */
const elasticSecondsMin = 20;

export function leastSeconds({ isElastic, sliceSeconds }: Part): number {
  return isElastic ? Math.min(elasticSecondsMin, sliceSeconds) : sliceSeconds;
}
