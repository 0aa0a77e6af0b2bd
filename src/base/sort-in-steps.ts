/** Items sorted natively at once: some ten microseconds. */
const runItems = 256;

/**
 * Sorts in steps, stably: at each `yield` it rests, and is told how many items it may move before the next. A merge
 * sort from the bottom up, since a native sort of a million items takes a second.
 */
export function* sortInSteps<T>(
  items: readonly T[],
  order: (a: T, b: T) => number,
): Generator<undefined, readonly T[], number> {
  let from: T[] = [];
  let left = yield;
  for (let start = 0; start < items.length; start += runItems) {
    const run = items.slice(start, start + runItems).sort(order);
    for (const item of run) from.push(item);
    left -= run.length;
    if (left <= 0) left = yield;
  }
  for (let width = runItems; width < from.length; width *= 2) {
    const to: T[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      let a = start;
      const aEnd = Math.min(start + width, from.length);
      let b = aEnd;
      const bEnd = Math.min(start + 2 * width, from.length);
      while (a < aEnd || b < bEnd) {
        const takesA = b === bEnd || (a < aEnd && order(from[a] as T, from[b] as T) <= 0);
        to.push(from[takesA ? a++ : b++] as T);
        if (--left <= 0) left = yield;
      }
    }
    from = to;
  }
  return from;
}
