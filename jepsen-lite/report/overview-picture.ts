import type { History, Operation } from '../types.ts';
import { escape } from './html.ts';
import { formatTime } from './words.ts';

/** The whole test at a glance: how many operations ended how, the nemesis behind them, anomalies as marks. */

const width = 1_200;
const height = 170;
const top = 40;
const buckets = 240;

interface Bucket {
  ok: number;
  fail: number;
  info: number;
}

export function overviewPicture(history: History, anomalyOperations: readonly number[]): string {
  const endUs = lastMomentOf(history);
  const x = (us: number): number => Math.round((us / endUs) * width * 10) / 10;
  const counts = countsOf(history.operations, endUs);
  const highest = Math.max(1, ...counts.map(({ ok, fail, info }) => ok + fail + info));
  const bands = history.events.map(({ startUs, endUs: until, what }) => {
    const told = escape(`${what}, ${formatTime(startUs)} to ${formatTime(until)}`);
    const size = `width="${Math.max(2, x(until) - x(startUs))}" height="${height}"`;
    return `<rect class="band" x="${x(startUs)}" y="0" ${size} data-told="${told}"/>`;
  });
  const bars = counts.flatMap((count, i) => stack(count, i, highest, endUs));
  const marks = anomalyOperations.flatMap((index) => {
    const operation = history.operations[index];
    if (operation === undefined) return [];
    const at = x(operation.startUs);
    return [`<line class="mark" x1="${at}" x2="${at}" y1="${top - 14}" y2="${height}"/>`];
  });
  const axis = Array.from({ length: 7 }, (_, i) => {
    const anchor = i === 0 ? 'start' : i === 6 ? 'end' : 'middle';
    return `<text x="${(width / 6) * i}" y="11" text-anchor="${anchor}">${formatTime((endUs / 6) * i)}</text>`;
  });
  const open = `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`;
  return `<div class="scroll">${open}\n${[...axis, ...bands, ...bars, ...marks].join('\n')}\n</svg></div>`;
}

function lastMomentOf({ operations, events }: History): number {
  let last = 1;
  for (const { startUs, endUs } of operations) last = Math.max(last, endUs ?? startUs);
  for (const { endUs } of events) last = Math.max(last, endUs);
  return last;
}

function countsOf(operations: readonly Operation[], endUs: number): readonly Bucket[] {
  const counts = Array.from({ length: buckets }, (): Bucket => ({ ok: 0, fail: 0, info: 0 }));
  for (const { startUs, endUs: ended, outcome } of operations) {
    const at = Math.floor(((ended ?? startUs) / (endUs + 1)) * buckets);
    const bucket = counts[at];
    if (bucket !== undefined) bucket[outcome] += 1;
  }
  return counts;
}

function stack(count: Bucket, i: number, highest: number, endUs: number): readonly string[] {
  const room = height - top;
  let y = height;
  const from = formatTime((endUs / buckets) * i);
  const told = escape(`from ${from}: ${count.ok} ok, ${count.fail} failed, ${count.info} unknown`);
  return (['ok', 'fail', 'info'] as const).flatMap((outcome) => {
    // A few that went wrong among thousands are to be seen as well.
    const share = count[outcome] === 0 ? 0 : Math.max(2, (count[outcome] / highest) * room);
    if (share === 0) return [];
    y -= share;
    const place = `x="${(width / buckets) * i}" y="${Math.round(y * 10) / 10}"`;
    const size = `width="${width / buckets}" height="${Math.round(share * 10) / 10}"`;
    return [`<rect class="${outcome}" ${place} ${size} data-told="${told}"/>`];
  });
}
