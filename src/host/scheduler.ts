import type { Scheduler } from '../base/clock.ts';

/** Node fires a timer at once that is set for longer (its delays are 32-bit): such a one is set in parts. */
const timeoutMsMax = 2 ** 31 - 1;

/** The process's own monotonic clock, timers and `setImmediate`. */
export const systemScheduler: Scheduler = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const dueMs = performance.now() + delayMs;
    const wait = (leftMs: number): NodeJS.Timeout =>
      leftMs <= timeoutMsMax
        ? setTimeout(callback, leftMs)
        : setTimeout(() => (timer = wait(dueMs - performance.now())), timeoutMsMax);
    let timer = wait(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  endOfTurn: (callback) => {
    setImmediate(callback);
  },
};
