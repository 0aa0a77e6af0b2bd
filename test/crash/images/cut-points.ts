import type { Random } from '../../../src/base/random.ts';
import type { TraceRecord } from '../trace-reader.ts';
import { familyOf } from './family.ts';
import { draw } from './image.ts';
import { namelessSpans } from './nameless.ts';

/** Where the power goes: the trace is cut at the end of one of its records. */
export interface CutPoint {
  /** Records up to this one have happened. */
  readonly record: number;
  /** What it is near to, for the report. */
  readonly near: string;
  /** Where a file is durable and its name is not: the image is of a disk that makes a difference of it. */
  readonly isNameless: boolean;
}

/** Records between what makes a point interesting and the cut, before or after. */
const distanceMax = 3;
/** One in so many is anywhere. */
const anywhereOneIn = 3;
/** One in so many is between the sync of a new file and that of its folder. */
const namelessOneIn = 6;

/** What happened there that a power loss may disturb; undefined for what only adds to a file. */
function interestOf(
  record: TraceRecord,
  openPaths: ReadonlyMap<number, string>,
): string | undefined {
  const path = record.path2 === '' ? record.path : record.path2;
  switch (record.kind) {
    case 'sync':
    case 'syncFailed':
      return `sync of ${familyOf(openPaths.get(record.fd) ?? '')}`;
    case 'rename':
      return `rename to ${familyOf(path)}`;
    case 'unlink':
    case 'removeFolder':
      return `removal of ${familyOf(path)}`;
    case 'makeFolder':
      return `creation of ${familyOf(path)}`;
    case 'open':
      return (record.a & 0o100) === 0 ? undefined : `creation of ${familyOf(path)}`;
    case 'start':
      return 'start';
    case 'truncate':
      return `truncation of ${familyOf(openPaths.get(record.fd) ?? '')}`;
    default:
      return undefined;
  }
}

/** Draws by kind first, so that what is rare is not lost among thousands of syncs. In the order of the trace. */
export function drawCuts(
  records: readonly TraceRecord[],
  count: number,
  random: Random,
): readonly CutPoint[] {
  const byInterest = pointsByInterest(records);
  const interests = [...byInterest.keys()];
  const nameless = namelessSpans(records);
  const families = [...nameless.keys()];
  const relied = [...nameless].flatMap(([family, spans]) =>
    spans.filter(({ syncs }) => syncs > 0).map(({ to }) => ({ family, to })),
  );
  const cuts = Array.from({ length: count }, (): CutPoint => {
    if (families.length > 0 && random.below(namelessOneIn) === 0) {
      if (relied.length > 0 && random.below(2) === 0) {
        const { family, to } = draw(relied, random);
        return { record: to, near: `a new ${family} in use without its folder`, isNameless: true };
      }
      const family = draw(families, random);
      const { from, to } = draw(nameless.get(family) ?? [], random);
      const record = to - Math.min(random.below(to - from + 1), random.below(to - from + 1));
      return { record, near: `a new ${family} without its folder`, isNameless: true };
    }
    if (random.below(anywhereOneIn) === 0) {
      return { record: random.below(records.length), near: 'anywhere', isNameless: false };
    }
    const near = draw(interests, random);
    const point = draw(byInterest.get(near) ?? [0], random);
    const at = point + random.below(2 * distanceMax + 1) - distanceMax;
    const record = Math.max(0, Math.min(records.length - 1, at));
    return { record, near, isNameless: false };
  });
  return cuts.sort((a, b) => a.record - b.record);
}

/** At even distances over the whole trace, which with images enough is after each operation, several times. */
export function spreadCuts(
  records: readonly TraceRecord[],
  count: number,
  random: Random,
): readonly CutPoint[] {
  const distance = records.length / count;
  const from = (random.below(1000) / 1000) * distance;
  return Array.from({ length: count }, (_, i): CutPoint => {
    const record = Math.min(records.length - 1, Math.floor(from + i * distance));
    return { record, near: 'the first start', isNameless: false };
  });
}

function pointsByInterest(records: readonly TraceRecord[]): ReadonlyMap<string, number[]> {
  const byInterest = new Map<string, number[]>();
  const openPaths = new Map<number, string>();
  records.forEach((record, i) => {
    if (record.kind === 'open') openPaths.set(record.fd, record.path);
    const interest = interestOf(record, openPaths);
    if (interest === undefined) return;
    const points = byInterest.get(interest) ?? [];
    byInterest.set(interest, points);
    points.push(i);
  });
  return byInterest;
}
