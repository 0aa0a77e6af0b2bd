import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { mustSucceed } from '../members/client.ts';
import { Cluster } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { quorate, repositoryRoot, type Program } from '../members/programs.ts';
import type { Look } from './look.ts';
import { hasToldUsage } from '../usage.ts';
import { allVisits } from './visits.ts';

/**
 * A day in fast motion: visits of clients to three members, one after the other and many at a time. What a member uses
 * after garbage collection, and how many sockets, timers and files it has, must be at the end as they were when it had
 * warmed up.
 *
 *   node dist/test/soak/main.js [--seconds 240] [--seed 1]
 */

const usage = `usage: node dist/test/soak/main.js [--seconds 240] [--seed 1]`;

const visitorsAtOnce = 8;
/** Of the whole time: until caches, compiled code and pools are there. */
const warmUpShare = 0.3;
const compactEveryMs = 2_000;
/** Leases of visits have expired by then. */
const settleMs = 6_000;
const heapGrowthBytesMax = 8 * 1024 * 1024;
/** The rows that a member keeps in memory, and as much again for all else. */
const externalBytesMax = 2 * 384 * 1024 * 1024;
const resourcesGrowthMax = 10;
const lookTimeoutMs = 20_000;

interface Found extends Look {
  readonly rssBytes: number;
  readonly files: number;
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '240' },
      seed: { type: 'string', default: '1' },
    },
  });
  const seconds = Number(values.seconds);
  const hook = join(repositoryRoot, 'dist/test/soak/look.js');
  const [node = process.execPath, ...rest] = quorate.command;
  const program: Program = {
    label: 'quorate',
    command: [node, '--expose-gc', `--import=${hook}`, ...rest],
  };
  const lookFile = join('/tmp', `quorate-soak-${process.pid}`);
  process.env['SOAK_LOOK'] = lookFile;
  const cluster = await Cluster.start({ program, members: 3 });
  try {
    const seed = Number(values.seed);
    const warm = await visitFor(cluster, seconds * warmUpShare, seed);
    const before = await lookAtAll(cluster, lookFile);
    const visits = await visitFor(cluster, seconds * (1 - warmUpShare), seed + 1);
    const after = await lookAtAll(cluster, lookFile);
    console.log(`soak: ${warm} visits to warm up, then ${visits}`);
    const wrong = cluster.members.filter((member, i) => !isFlat(member, before[i], after[i]));
    console.log(`${cluster.members.length - wrong.length} passed, ${wrong.length} failed`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await cluster.destroy();
    for (const { pid } of cluster.members) rmSync(`${lookFile}.${pid}`, { force: true });
  }
}

/** How many visits there were. */
async function visitFor(cluster: Cluster, seconds: number, seed: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let visits = 0;
  const visitor = async (number: number): Promise<void> => {
    const random = seededRandom(seed * 1000 + number);
    const someone = (): string =>
      cluster.members[random.below(cluster.members.length)]?.target ?? '';
    while (performance.now() < endMs) {
      await allVisits[random.below(allVisits.length)]?.({
        random,
        target: someone(),
        other: someone(),
      });
      visits++;
    }
  };
  const compacting = setInterval(
    () => void compact(cluster).catch(() => undefined),
    compactEveryMs,
  );
  await Promise.all(Array.from({ length: visitorsAtOnce }, (_, i) => visitor(i)));
  clearInterval(compacting);
  return visits;
}

async function compact(cluster: Cluster): Promise<void> {
  const client = cluster.client(await cluster.leader());
  const { header } = mustSucceed(await client.call('KV.Range', { key: Buffer.from('x') }));
  const { revision } = header as { readonly revision: string };
  await client.call('KV.Compact', { revision, physical: true });
}

/** After all visitors have gone, with nothing stored. */
async function lookAtAll(cluster: Cluster, lookFile: string): Promise<readonly Found[]> {
  const client = cluster.client(await cluster.leader());
  const everything = { key: Buffer.from([0]), range_end: Buffer.from([0]) };
  mustSucceed(await client.call('KV.DeleteRange', everything));
  await compact(cluster);
  await sleep(settleMs);
  return Promise.all(cluster.members.map((member) => lookAt(member, lookFile)));
}

async function lookAt({ pid }: Member, lookFile: string): Promise<Found> {
  if (pid === undefined) throw new Error('a member has ended');
  const file = `${lookFile}.${pid}`;
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const look = await readLook(file);
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { ...look, rssBytes: pages * 4096, files: readdirSync(`/proc/${pid}/fd`).length };
}

async function readLook(file: string): Promise<Look> {
  for (const endMs = performance.now() + lookTimeoutMs; performance.now() < endMs;) {
    await sleep(50);
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Look;
    } catch {
      // It is not there, or not whole.
    }
  }
  throw new Error('a member does not say what it uses');
}

function isFlat({ name }: Member, before: Found | undefined, after: Found | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const heap = `${mb(before.heapBytes)} -> ${mb(after.heapBytes)} MB of heap`;
  const external = `${mb(before.externalBytes)} -> ${mb(after.externalBytes)} MB beside it`;
  const rss = `${mb(before.rssBytes)} -> ${mb(after.rssBytes)} MB resident`;
  const handles = `${before.resources} -> ${after.resources} resources`;
  console.log(
    `  ${name}: ${heap}, ${external}, ${rss}, ${handles}, ${before.files} -> ${after.files} files`,
  );
  return (
    after.heapBytes - before.heapBytes < heapGrowthBytesMax &&
    after.externalBytes < externalBytesMax &&
    after.resources - before.resources < resourcesGrowthMax &&
    after.files - before.files < resourcesGrowthMax
  );
}

try {
  const argv = process.argv.slice(2);
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(argv);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
