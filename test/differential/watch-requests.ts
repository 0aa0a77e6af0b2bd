import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Choice } from './choice.ts';
import type { Operation, WatchAction, WatchStep } from './operation.ts';
import { someKey, someRangeEnd } from './values.ts';
import type { World } from './world.ts';

/** Random steps of clients that watch. */

const streamsMax = 4;
/** With more watches than this a stream loses some, or is closed. */
const watchesMax = 40;

/**
 * Ids that clients choose. A watch of one of them is canceled only when all its events have arrived: etcd keeps
 * what comes after the cancellation for the next watch of that id.
 */
const chosenIds = ['4', '12', '1000', '1001', '-7', '-2', '9223372036854775807'];
const unknownIds = ['-1', '-3', '99999', '9223372036854775806'];

/** WatchRequests that are none of the three: nothing at all, and an unknown field. */
const strangeRequests = [Buffer.alloc(0), Buffer.from([0xc0, 0x3e, 0x05])];

/** Create requests that are cut short. */
const refusedRequests = [Buffer.from([0x0a, 0x05, 0x01]), Buffer.from([0x0a, 0x02, 0x18])];

const step = (stream: number, action: WatchAction): WatchStep => ({
  kind: 'watch',
  stream,
  action,
});

export function watchStep(choice: Choice, world: World): Operation {
  const streams = [...world.watches.keys()];
  if (streams.length === 0 || (streams.length < streamsMax && choice.percent(8))) {
    return step(world.nextStream(), { type: 'open' });
  }
  const stream = choice.of(streams);
  const ids = world.watches.get(stream)?.ids ?? [];
  if (world.watches.get(stream)?.isHalfClosed === true) {
    if (!choice.percent(25)) return { kind: 'settle' };
    return step(stream, { type: 'close', isSettled: choice.percent(50) });
  }
  if (ids.length > watchesMax) return step(stream, thinOut(choice, ids));
  return step(stream, someAction(choice, world, stream));
}

function someAction(choice: Choice, world: World, stream: number): WatchAction {
  const ids = world.watches.get(stream)?.ids ?? [];
  return choice.weighted<WatchAction>([
    [60, () => ({ type: 'create', creates: createRequests(choice, world, stream) })],
    [ids.length > 0 ? 14 : 0, () => someCancel(choice, ids)],
    [3, () => ({ type: 'cancel', ids: [choice.of(unknownIds)], isSettled: false })],
    [12, () => someProgress(choice)],
    [2, () => ({ type: 'strange', bytes: choice.of(strangeRequests) })],
    [4, () => ({ type: 'refused', bytes: choice.of(refusedRequests) })],
    [1, () => ({ type: 'halfClose' })],
    [2, () => ({ type: 'close', isSettled: choice.percent(30) })],
  ]);
}

function someProgress(choice: Choice): WatchAction {
  return { type: 'progress', times: choice.of([1, 1, 1, 2, 5]), isSettled: choice.percent(40) };
}

function someCancel(choice: Choice, ids: readonly string[]): WatchAction {
  const some = Array.from({ length: choice.of([1, 1, 1, 2, 5]) }, () => choice.of(ids));
  return cancel(choice, some);
}

function thinOut(choice: Choice, ids: readonly string[]): WatchAction {
  if (choice.percent(20)) return { type: 'close', isSettled: choice.percent(50) };
  return cancel(
    choice,
    ids.filter(() => choice.percent(60)),
  );
}

function cancel(choice: Choice, ids: readonly string[]): WatchAction {
  const isSettled = ids.some((id) => chosenIds.includes(id)) || choice.percent(30);
  return { type: 'cancel', ids, isSettled };
}

function createRequests(choice: Choice, world: World, stream: number): readonly WireObject[] {
  const count = choice.weighted<number>([
    [60, () => 1],
    [30, () => choice.between(2, 4)],
    [4, () => choice.between(8, 16)],
  ]);
  return Array.from({ length: count }, () => createRequest(choice, world, stream));
}

function createRequest(choice: Choice, world: World, stream: number): WireObject {
  const maybe = (chance: number, make: () => WireValue): WireValue =>
    choice.percent(chance) ? make() : undefined;
  const key = someKey(choice);
  return {
    key,
    range_end: watchedEnd(choice, key),
    start_revision: isCalm(stream) ? calmStart(choice, world) : startRevision(choice, world),
    progress_notify: maybe(15, () => true),
    filters: maybe(20, () => choice.of([[0], [1], [0, 1], [1, 1], [7], []])),
    prev_kv: maybe(45, () => true),
    fragment: maybe(35, () => true),
    watch_id: maybe(15, () => choice.of(chosenIds)),
  };
}

/** Wide watches are more frequent than wide reads: they are what hears of everything. */
function watchedEnd(choice: Choice, key: Buffer): Buffer {
  return choice.percent(20) ? Buffer.from('\0') : someRangeEnd(choice, key);
}

/**
 * One watch that was compacted away, or that waits for the future, and no progress is told on its stream: so
 * every second stream has none.
 */
const isCalm = (stream: number): boolean => stream % 2 === 0;

function calmStart(choice: Choice, world: World): WireValue {
  const { revision, compacted } = world;
  return choice.weighted<WireValue>([
    [50, () => undefined],
    [30, () => String(choice.between(Math.max(1, compacted, revision - 30), revision))],
    [10, () => String(choice.between(Math.max(1, compacted), revision))],
    [10, () => String(revision + choice.between(0, 3))],
  ]);
}

function startRevision(choice: Choice, world: World): WireValue {
  const { revision, compacted } = world;
  const oldest = Math.max(1, compacted);
  return choice.weighted<WireValue>([
    [40, () => undefined],
    [25, () => String(choice.between(Math.max(oldest, revision - 30), revision))],
    [10, () => String(choice.between(oldest, revision))],
    [16, () => String(compacted + choice.between(-2, 2))],
    [4, () => String(choice.between(1, oldest))],
    [8, () => String(revision + choice.between(0, 20))],
    [1, () => choice.of(['9223372036854775807', '9007199254740993'])],
    [2, () => choice.of(['-1', '-9223372036854775808'])],
  ]);
}

/** A watch of everything below that prefix, in parts or not. */
export function watchOfPrefix(
  stream: number,
  prefix: string,
  startRevision: number,
): readonly Operation[] {
  const key = Buffer.from(prefix);
  const creates = [true, false].map((fragment) => ({
    key,
    range_end: Buffer.from(`${prefix}\xff`, 'latin1'),
    prev_kv: true,
    fragment,
    start_revision: String(startRevision),
  }));
  return [step(stream, { type: 'create', creates })];
}
