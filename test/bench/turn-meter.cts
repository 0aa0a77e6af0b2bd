/**
 * Measures the turns of a member's event loop: `node --require turn-meter.cjs main.cjs server --data-dir=X ...` writes
 * `X.turns.json` at each SIGUSR2 and begins afresh. It costs under a microsecond a turn.
 *
 * An immediate that is not referenced runs in every iteration of the loop without making one (node's
 * immediate_idle_handle stands still for it): between two of them lies one turn, and what libuv spent in waiting is
 * taken off. A turn here is the later part of one iteration and the earlier part of the next, the wait between them
 * left out, so that it is rather too long than too short.
 *
 * CPU time of the thread has no cheap clock in Node 20, so it is asked for only where a turn was long: what the
 * scheduler has booked since the last reading as time on a core (/proc/PID/schedstat) and a tick, for it books at ticks
 * only; and not more than the wall time less what the thread waited for a core. What it slept within the turn, until
 * V8's other threads had done their part of a collection, is not in it. A tick is 4 ms as kernels are built, so it is
 * up to that much too long.
 *
 * CommonJS for the reason that src/cli/main.cts gives: an ES module would settle the size of the thread pool.
 */
{
  const { openSync, readSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');

  const longTurnMs = 4;
  const tickMs = 4;
  /** How old the reading may be that a long turn is compared with. */
  const readingAgeMaxMs = 2;
  /** Eight buckets for each doubling of the wall time, from 1 us. */
  const bucketsPerDoubling = 8;
  const bucketCount = 256;
  const freshBuckets = (): number[] => Array.from({ length: bucketCount }, () => 0);

  const dataDir = process.argv.find((each) => each.startsWith('--data-dir='))?.slice(11);
  const file = `${dataDir ?? `pid-${process.pid}`}.turns.json`;
  const schedstat = openSchedstat();
  const bytes = Buffer.alloc(96);

  let buckets = freshBuckets();
  let turns = 0;
  let longestWallMs = 0;
  let longestCpuMs = 0;
  let lastAtMs = 0;
  let lastIdleMs = 0;
  let reading = { atMs: 0, onCpuMs: 0, waitingMs: 0 };

  function openSchedstat(): number | undefined {
    try {
      return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    } catch {
      // No Linux, or one without the scheduler's figures: the wall time is what there is.
      return undefined;
    }
  }

  function read(atMs: number): typeof reading {
    if (schedstat === undefined) return { atMs, onCpuMs: Number.NaN, waitingMs: 0 };
    const length = readSync(schedstat, bytes, 0, bytes.length, 0);
    const [onCpuNs, waitingNs] = bytes.toString('latin1', 0, length).split(' ').map(Number);
    return { atMs, onCpuMs: (onCpuNs ?? 0) / 1e6, waitingMs: (waitingNs ?? 0) / 1e6 };
  }

  function turned(): void {
    setImmediate(turned).unref();
    const atMs = performance.now();
    const idleMs = performance.nodeTiming.idleTime;
    const wallMs = atMs - lastAtMs - (idleMs - lastIdleMs);
    turns++;
    const bucket = Math.ceil(Math.log2(Math.max(wallMs * 1_000, 1)) * bucketsPerDoubling);
    const kept = Math.min(bucket, bucketCount - 1);
    buckets[kept] = (buckets[kept] ?? 0) + 1;
    if (wallMs > longestWallMs) longestWallMs = wallMs;
    if (wallMs > longestCpuMs) {
      longestCpuMs = wallMs < longTurnMs ? wallMs : Math.max(longestCpuMs, cpuMsOf(wallMs, atMs));
    }
    if (atMs - reading.atMs > readingAgeMaxMs) reading = read(atMs);
    lastAtMs = atMs;
    lastIdleMs = idleMs;
  }

  function cpuMsOf(wallMs: number, atMs: number): number {
    const now = read(atMs);
    const bookedMs = now.onCpuMs - reading.onCpuMs;
    if (Number.isNaN(bookedMs)) return wallMs;
    const waitedMs = now.waitingMs - reading.waitingMs;
    return Math.min(wallMs - waitedMs, bookedMs + tickMs);
  }

  process.on('SIGUSR2', () => {
    const told = { turns, longestWallMs, longestCpuMs, bucketsPerDoubling, buckets };
    writeFileSync(`${file}.new`, JSON.stringify(told));
    renameSync(`${file}.new`, file);
    buckets = freshBuckets();
    turns = 0;
    longestWallMs = 0;
    longestCpuMs = 0;
  });

  lastAtMs = performance.now();
  setImmediate(turned).unref();
}
