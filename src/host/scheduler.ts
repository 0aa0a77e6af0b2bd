import type { Scheduler } from '../base/clock.ts';

/** The process's own monotonic clock, timers and `setImmediate`. */
export const systemScheduler: Scheduler = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  endOfTurn: (callback) => {
    setImmediate(callback);
  },
};
