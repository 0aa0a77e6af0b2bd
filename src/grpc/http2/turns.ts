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
