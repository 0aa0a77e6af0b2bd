import { mayMutate, type Operation } from './operation.ts';
import type { PairSettings } from './pair.ts';
import { Performer } from './performer.ts';

/** Every attempt starts two servers afresh, so there are few. */
const attemptsMax = 60;

/**
 * A short list of operations whose last one is answered differently by the two servers: the reads before it go
 * first, then ever smaller pieces of the writes (Zeller's delta debugging). The whole prefix when the
 * difference does not come back.
 */
export async function shrink(
  prefix: readonly Operation[],
  settings: PairSettings,
): Promise<readonly Operation[]> {
  const last = prefix.at(-1) as Operation;
  const budget = { attempts: 0 };
  const differs = async (before: readonly Operation[]): Promise<boolean> => {
    budget.attempts++;
    return lastDiffers([...before, last], settings);
  };
  const mayGoOn = (): boolean => budget.attempts < attemptsMax;

  if (await differs([])) return [last];
  let kept = prefix.slice(0, -1).filter(mayMutate);
  if (!(await differs(kept))) return prefix;
  let pieces = 2;
  while (kept.length > 0 && mayGoOn()) {
    const size = Math.ceil(kept.length / pieces);
    const shorter = await firstThatDiffers(withoutEachPiece(kept, size), differs, mayGoOn);
    if (shorter !== undefined) {
      kept = shorter;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces = Math.min(kept.length, pieces * 2);
  }
  return [...kept, last];
}

function withoutEachPiece(list: readonly Operation[], size: number): Operation[][] {
  const results: Operation[][] = [];
  for (let start = 0; start < list.length; start += size) {
    results.push([...list.slice(0, start), ...list.slice(start + size)]);
  }
  return results;
}

async function firstThatDiffers(
  candidates: readonly Operation[][],
  differs: (candidate: readonly Operation[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<Operation[] | undefined> {
  for (const candidate of candidates) {
    if (!mayGoOn()) return undefined;
    if (await differs(candidate)) return candidate;
  }
  return undefined;
}

async function lastDiffers(
  operations: readonly Operation[],
  settings: PairSettings,
): Promise<boolean> {
  const performer = await Performer.start(settings);
  try {
    for (const operation of operations.slice(0, -1)) await performer.perform(operation);
    const { what } = await performer.perform(operations.at(-1) as Operation);
    return what !== undefined;
  } finally {
    await performer.destroy();
  }
}
