/** Passes over the connections that have something to do: one callback of the event loop for all of them. */

export interface TurnTaker {
  /** Everything that this turn has brought about is sent. */
  flush(): void;
  /** Goes on with what had to make room for other connections, after they had their turn. */
  goOn(): void;
}

let flushing: TurnTaker[] = [];
let goingOn: TurnTaker[] = [];

/** Calls `flush` when the current callback of the event loop is through. Each taker asks once. */
export function scheduleFlush(taker: TurnTaker): void {
  flushing.push(taker);
  if (flushing.length === 1) process.nextTick(flushAll);
}

/** Calls `goOn` after what has already come from the network was read. Each taker asks once. */
export function scheduleGoOn(taker: TurnTaker): void {
  goingOn.push(taker);
  if (goingOn.length === 1) setImmediate(goOnAll);
}

function flushAll(): void {
  const takers = flushing;
  flushing = [];
  for (let i = 0; i < takers.length; i++) (takers[i] as TurnTaker).flush();
}

function goOnAll(): void {
  const takers = goingOn;
  goingOn = [];
  for (let i = 0; i < takers.length; i++) (takers[i] as TurnTaker).goOn();
}

/** A connection that has more to read than its turn had time for. */
export interface RestTaker {
  readOn(): void;
}

/**
 * How long one turn of the event loop reads from connections that have brought many frames at once: a few hundred
 * requests for large values come in one segment, and timers, heartbeats and all others would wait for their answers.
 */
export const readingMsMax = 10;

let resting: RestTaker[] = [];
let readingSinceMs: number | undefined;

/** Whether this turn has time for more frames; if not, the taker comes back with `restUntilLater`. */
export function hasTimeToRead(): boolean {
  const nowMs = performance.now();
  if (readingSinceMs === undefined) beginReading(nowMs);
  return nowMs - (readingSinceMs ?? nowMs) < readingMsMax;
}

/** Calls `readOn` in a later turn, in the order of asking. */
export function restUntilLater(taker: RestTaker): void {
  resting.push(taker);
  if (readingSinceMs === undefined) beginReading(performance.now());
}

function beginReading(nowMs: number): void {
  readingSinceMs = nowMs;
  setImmediate(endReading);
}

function endReading(): void {
  readingSinceMs = undefined;
  if (resting.length === 0) return;
  const takers = resting;
  resting = [];
  beginReading(performance.now());
  let next = 0;
  while (next < takers.length && hasTimeToRead()) (takers[next++] as RestTaker).readOn();
  resting = takers.slice(next).concat(resting);
}
