import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { hasToldUsage } from '../../usage.ts';
import { fuzz, type FuzzProgress } from './fuzzer.ts';

/**
 * Fuzzes the fast gRPC engine.
 *
 *   npm run fuzz:grpc -- [--seconds 60] [--seed N]
 *
 * It tells now and then with which seed it would go on; a failure names the seed of its connection, or the first of
 * its batch. What is used after garbage collection may not grow once it has warmed up.
 */

const usage = `usage: npm run fuzz:grpc -- [--seconds 60] [--seed N]`;

const tellEveryMs = 10_000;
/** What is used at the end, above the least after warming up. */
const growthBytesMax = 8 * 1024 * 1024;
/** Batches until caches and compiled code are there. */
const warmUpBatches = 5;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
    },
  });
  const seed = Number(values.seed);
  console.log(`fuzz: seed ${seed}, ${values.seconds} s`);
  let newest = seed;
  process.on('uncaughtException', (error) => {
    console.log(`seeds from ${newest} on: uncaught ${error.stack}`);
    console.log('0 passed, 1 failed');
    process.exit(1);
  });
  let toldMs = performance.now();
  let batches = 0;
  let leastBytes = Number.POSITIVE_INFINITY;
  const onProgress = (progress: FuzzProgress): void => {
    newest = progress.nextSeed;
    if (++batches >= warmUpBatches) leastBytes = Math.min(leastBytes, progress.usedBytes);
    if (performance.now() - toldMs < tellEveryMs) return;
    toldMs = performance.now();
    console.log(describe(progress));
  };
  const last = await fuzz({ seed, seconds: Number(values.seconds), onProgress });
  console.log(describe(last));
  const grownBytes = last.usedBytes - leastBytes;
  if (globalThis.gc !== undefined && grownBytes > growthBytesMax) {
    throw new Error(`it uses ${grownBytes} bytes more than at the beginning`);
  }
  console.log(`fuzz: ${last.connections} passed, 0 failed`);
  return 0;
}

function describe({ nextSeed, connections, sentBytes, usedBytes }: FuzzProgress): string {
  const [sentMb, usedMb] = [sentBytes, usedBytes].map((bytes) => (bytes / 1e6).toFixed(1));
  return `  ${connections} connections, ${sentMb} MB sent, ${usedMb} MB used; go on with --seed ${nextSeed}`;
}

try {
  const argv = process.argv.slice(2);
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(argv);
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  console.log('fuzz: 0 passed, 1 failed');
  process.exit(1);
}
