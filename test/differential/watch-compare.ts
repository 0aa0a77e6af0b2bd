import { isDeepStrictEqual } from 'node:util';
import { firstDifference } from './compare.ts';
import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Track, TrackItem, WatchLog } from './watch-log.ts';

/** What two logs of one stream say about each other. */
export type LogDifference =
  /** They contradict each other, or one breaks a rule: waiting does not mend it. */
  | { readonly kind: 'different'; readonly what: string; readonly said?: Said }
  /** One has said less than the other so far. */
  | { readonly kind: 'behind'; readonly what: string; readonly said: Said };

/** What each side said there and just before; the other one's end leaves less. */
export interface Said {
  readonly reference: readonly WireObject[];
  readonly subject: readonly WireObject[];
}

const shownBefore = 2;

/** Undefined when both say the same. */
export function logDifference(reference: WatchLog, subject: WatchLog): LogDifference | undefined {
  if (reference.violation !== undefined) return different(`etcd: ${reference.violation}`);
  if (subject.violation !== undefined) return different(subject.violation);
  return (
    listDifference(reference.created, subject.created, 'answer to create request') ??
    tracksDifference(reference.tracks, subject.tracks)
  );
}

/** What was compared is not kept; tracks that are over go as well. */
export function forgetCompared(log: WatchLog): void {
  log.created.length = 0;
  for (const track of log.tracks) track.items = [];
  const going = log.tracks.filter((track) => log.liveTrack(track.id) === track);
  log.tracks.splice(0, log.tracks.length, ...going);
}

function tracksDifference(
  reference: readonly Track[],
  subject: readonly Track[],
): LogDifference | undefined {
  let behind: LogDifference | undefined;
  for (const [i, wanted] of reference.entries()) {
    const got = subject[i];
    // Both were created, or the answers would differ.
    if (got === undefined) continue;
    const found = trackDifference(wanted, got);
    if (found?.kind === 'different') return found;
    behind ??= found;
  }
  return behind;
}

function trackDifference(reference: Track, subject: Track): LogDifference | undefined {
  const title = `watch ${reference.id}, item`;
  if (!reference.isCutShort) return listDifference(reference.items, subject.items, title);
  const [wanted, got] = [split(reference.items), split(subject.items)];
  const common = Math.min(wanted.events.length, got.events.length);
  return (
    listDifference(wanted.events.slice(0, common), got.events.slice(0, common), title) ??
    listDifference(...comparableEnds(wanted.ends, got.ends), `watch ${reference.id}, end`)
  );
}

/**
 * A watch that begins in what was compacted is told so within a moment (etcd looks every 100 ms). When the client cancels
 * it in that moment, one server may have told it and the other not; both confirm what the client asked for.
 */
function comparableEnds(
  wanted: readonly TrackItem[],
  got: readonly TrackItem[],
): readonly [readonly TrackItem[], readonly TrackItem[]] {
  if (wanted.some(isOfCompaction) === got.some(isOfCompaction)) return [wanted, got];
  const confirmed = (item: TrackItem): boolean => !isOfCompaction(item);
  return [wanted.filter(confirmed), got.filter(confirmed)];
}

function isOfCompaction(item: TrackItem): boolean {
  return item.type === 'canceled' && item.response['compact_revision'] !== undefined;
}

function split(items: readonly TrackItem[]): {
  readonly events: readonly TrackItem[];
  readonly ends: readonly TrackItem[];
} {
  return {
    events: items.filter((item) => item.type === 'event'),
    ends: items.filter((item) => item.type === 'canceled'),
  };
}

function listDifference(
  reference: readonly unknown[],
  subject: readonly unknown[],
  title: string,
): LogDifference | undefined {
  const common = Math.min(reference.length, subject.length);
  for (let i = 0; i < common; i++) {
    if (isDeepStrictEqual(reference[i], subject[i])) continue;
    const [wanted, got] = [reference[i] as WireValue, subject[i] as WireValue];
    const what = `${title} ${i}${firstDifference(wanted, got, '')}`;
    return { kind: 'different', what, said: saidAround(reference, subject, i) };
  }
  if (reference.length === subject.length) return undefined;
  return {
    kind: 'behind',
    what: `${title}s: ${reference.length} against ${subject.length}`,
    said: saidAround(reference, subject, common),
  };
}

function saidAround(
  reference: readonly unknown[],
  subject: readonly unknown[],
  place: number,
): Said {
  const around = (list: readonly unknown[]): readonly WireObject[] =>
    list.slice(Math.max(0, place - shownBefore), place + 1) as readonly WireObject[];
  return { reference: around(reference), subject: around(subject) };
}

function different(what: string): LogDifference {
  return { kind: 'different', what };
}
