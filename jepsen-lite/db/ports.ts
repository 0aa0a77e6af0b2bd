import { createServer } from 'node:net';

/**
 * Ports that a member binds again after a kill must lie below those that the kernel gives to outgoing connections
 * (32768 and up), or another socket may have taken one meanwhile.
 */
const lowest = 20_000;
const highest = 31_999;
/** Runs side by side begin at different places. */
const blockSize = 40;

/** Ports on loopback that nobody listens on now, from `base` upwards. @throws when none are left. */
export async function choosePorts(count: number, base = defaultBase()): Promise<readonly number[]> {
  const found: number[] = [];
  for (let port = base; port <= highest && found.length < count; port++) {
    if (await isFree(port)) found.push(port);
  }
  if (found.length < count)
    throw new Error(`no ${count} free ports between ${base} and ${highest}`);
  return found;
}

function defaultBase(): number {
  const blocks = Math.floor((highest - lowest) / blockSize) - 1;
  return lowest + (process.pid % blocks) * blockSize;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const holder = createServer();
    holder.once('error', () => resolve(false));
    holder.listen(port, '127.0.0.1', () => holder.close(() => resolve(true)));
  });
}
