import type { Random } from '../../../src/base/random.ts';
import type { TraceRecord } from '../trace-reader.ts';
import { draw } from './image.ts';

/** Where the power goes: the trace is cut at the end of one of its records. */
export interface CutPoint {
  /** Records up to this one have happened. */
  readonly record: number;
  /** What it is near to, for the report. */
  readonly near: string;
}

/** Records between what makes a point interesting and the cut, before or after. */
const distanceMax = 3;
/** One in so many is anywhere. */
const anywhereOneIn = 3;

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

/** `log-000002/000123.ldb` is one of `log/ldb`. */
export function familyOf(path: string): string {
  const name = path.replace(/^(log|store|witness)-\d+/, '$1');
  return name
    .replace(/\d{6}\.(\w+)$/, '$1')
    .replace(/MANIFEST-\d+$/, 'MANIFEST')
    .replace(/^$/, 'the data dir');
}

/** Draws by kind first, so that what is rare is not lost among thousands of syncs. In the order of the trace. */
export function drawCuts(
  records: readonly TraceRecord[],
  count: number,
  random: Random,
): readonly CutPoint[] {
  const byInterest = pointsByInterest(records);
  const interests = [...byInterest.keys()];
  const cuts = Array.from({ length: count }, (): CutPoint => {
    if (random.below(anywhereOneIn) === 0) {
      return { record: random.below(records.length), near: 'anywhere' };
    }
    const near = draw(interests, random);
    const point = draw(byInterest.get(near) ?? [0], random);
    const record = point + random.below(2 * distanceMax + 1) - distanceMax;
    return { record: Math.max(0, Math.min(records.length - 1, record)), near };
  });
  return cuts.sort((a, b) => a.record - b.record);
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
