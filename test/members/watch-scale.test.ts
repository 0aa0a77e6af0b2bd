import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { mustSucceed, RawClient } from './client.ts';
import { Cluster } from './harness.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { programNamed } from './programs.ts';
import type { WireObject } from './protocol.ts';
import { everything, Watchers } from './watchers.ts';

/**
 * Many watchers while a leader dies, and one that reads nothing. Small by default; `WATCH_SCALE=1` is ten thousand
 * watchers over a hundred streams, and a minute without reading, and prints its figures.
 */

const isLarge = process.env['WATCH_SCALE'] !== undefined;
const program = programNamed(process.env['MEMBERS_PROGRAM'] ?? 'quorate');
const flags = ['--heartbeat-interval=100', '--election-timeout=1000'];
const scale = isLarge
  ? { streams: 100, watchersPerStream: 100, writes: 1500, unreadMs: 60_000, progressMs: 2_000 }
  : { streams: 10, watchersPerStream: 30, writes: 120, unreadMs: 2_000, progressMs: 200 };
const timeoutMs = 300_000;
/** What a member may grow by beyond the others for all that it has not been able to send. */
const unreadBytesMax = 64 * 1024 * 1024;
/** What a client that reads nothing leaves the server: an ordinary HTTP/2 window. */
const windowBytes = 64 * 1024;

function print(figures: string): void {
  if (isLarge) console.log(`      ${figures}`);
}

describe('members: many watchers', function () {
  this.timeout(timeoutMs);
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start({ program, members: 3, flags });
  });
  afterEach(() => cluster.destroy());

  async function newestRevision(): Promise<number> {
    const client = cluster.client(await cluster.leader());
    const answer = mustSucceed(await client.call('KV.Range', { key: Buffer.from('x') }));
    return Number((answer['header'] as WireObject)['revision']);
  }

  it('lose no event and see none twice while the leader dies', async () => {
    const { streams, watchersPerStream, progressMs } = scale;
    const load = new Load(cluster, { writers: 8, pauseMs: 2 });
    const watchers = new Watchers(cluster, {
      streams,
      watchersPerStream,
      progressMs,
      random: seededRandom(1),
      // One watcher of a stream sees everything, one what all see, and each of the others one key in its time.
      requestOf: (stream, i) => {
        if (i === 0) return everything;
        if (i === 1) return { ...everything, key: 'load/', rangeEnd: 'load0', startRevision: 0 };
        const key = `load/0/${stream % 8}/${i}`;
        return { ...everything, key, rangeEnd: undefined, startRevision: 0 };
      },
    });
    try {
      watchers.run();
      await watchers.told(1, timeoutMs);
      const before = cluster.members.map(residentBytes);
      load.run();
      await load.progress(scale.writes, timeoutMs);
      const leader = await cluster.leader();
      await leader.kill();
      const diedAt = performance.now();
      await load.progress(1, timeoutMs);
      const servedMs = performance.now() - diedAt;
      await load.progress(scale.writes, timeoutMs);
      await leader.start();
      await load.progress(scale.writes, timeoutMs);
      await load.stop();
      const stoppedAt = performance.now();
      await watchers.settle(await newestRevision());
      const toldMs = performance.now() - stoppedAt;
      assert.deepEqual(watchers.check(load.writes).slice(0, 10), []);
      print(`${streams * watchersPerStream} watchers, ${load.acknowledged} writes`);
      print(
        `written again after ${servedMs.toFixed(0)} ms, all told after ${toldMs.toFixed(0)} ms`,
      );
      print(`MiB of the members: ${before.map(mib).join(', ')}`);
      print(`and then: ${cluster.members.map(residentBytes).map(mib).join(', ')}`);
    } finally {
      await load.stop();
      await watchers.stop();
    }
  });

  it('are not held up by one that reads nothing, and it misses nothing', async () => {
    const load = new Load(cluster, { writers: 8, pauseMs: 2, valueBytes: 2048 });
    const others = new Watchers(cluster, {
      streams: 3,
      watchersPerStream: 2,
      random: seededRandom(1),
      requestOf: () => everything,
    });
    const leader = await cluster.leader();
    const slow = await SlowClient.open(leader);
    try {
      others.run();
      load.run();
      await load.progress(50, timeoutMs);
      const before = cluster.members.map(residentBytes);
      slow.pause();
      const lateMs: number[] = [];
      for (const until = performance.now() + scale.unreadMs; performance.now() < until;) {
        const revision = await newestRevision();
        const askedAt = performance.now();
        await others.told(revision, timeoutMs);
        lateMs.push(performance.now() - askedAt);
        await sleep(200);
      }
      const grown = cluster.members.map((member, i) => residentBytes(member) - (before[i] ?? 0));
      await load.stop();
      slow.resume();
      await slow.caughtUp(await newestRevision());
      await others.settle(await newestRevision());
      assert.deepEqual(others.check(load.writes).slice(0, 10), []);
      assert.deepEqual(slow.wrong, []);
      lateMs.sort((a, b) => a - b);
      print(`${load.acknowledged} writes of 2 KiB, the slow one was told ${slow.count} events`);
      print(
        `others late by ${lateMs.at(lateMs.length >> 1)?.toFixed(0)} ms, at most ${lateMs.at(-1)?.toFixed(0)}`,
      );
      print(`the members grew by MiB: ${grown.map(mib).join(', ')}`);
      const by = (member: Member): number => grown[cluster.members.indexOf(member)] ?? 0;
      const most = Math.max(...cluster.members.filter((each) => each !== leader).map(by));
      assert.ok(by(leader) < most + unreadBytesMax, `${grown.map(mib).join(', ')} MiB`);
    } finally {
      slow.close();
      await load.stop();
      await others.stop();
    }
  });
});

/** Watches everything five times over on one stream, and reads nothing for a while. */
class SlowClient {
  readonly wrong: string[] = [];
  count = 0;
  private readonly client: RawClient;
  private readonly stream;
  private readonly told = new Map<string, number>();

  private constructor(member: Member) {
    this.client = new RawClient(member.target, windowBytes);
    this.stream = this.client.open('Watch.Watch');
    this.stream.listen(
      ({ message }) => this.received(message),
      ({ text }) => this.wrong.push(`the stream ended: ${text}`),
    );
  }

  static async open(member: Member): Promise<SlowClient> {
    const slow = new SlowClient(member);
    for (let id = 1; id <= 5; id++) {
      const key = Buffer.from('\0');
      slow.stream.send({
        create_request: { key, range_end: key, watch_id: id, start_revision: 2 },
      });
    }
    while (slow.told.size < 5) await sleep(20);
    return slow;
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  close(): void {
    this.wrong.length = 0;
    this.stream.cancel();
    this.client.close();
  }

  async caughtUp(revision: number): Promise<void> {
    const isLate = (): boolean => [...this.told.values()].some((last) => last < revision);
    for (const until = performance.now() + timeoutMs; isLate(); await sleep(50)) {
      assert.ok(
        performance.now() < until,
        `told of ${[...this.told.values()].join()} of ${revision}`,
      );
    }
  }

  private received(message: WireObject): void {
    const id = String(message['watch_id'] ?? '0');
    if (message['created'] === true) this.told.set(id, 1);
    if (message['canceled'] === true) this.wrong.push(`watch ${id} was canceled`);
    for (const event of (message['events'] ?? []) as readonly WireObject[]) {
      const revision = Number((event['kv'] as WireObject)['mod_revision']);
      const last = this.told.get(id);
      // Every revision of this cluster is one put.
      if (revision !== (last ?? 0) + 1) this.wrong.push(`watch ${id}: ${revision} after ${last}`);
      this.told.set(id, revision);
      this.count++;
    }
  }
}

/** What the process has in memory, as Linux counts it; 0 where it does not. */
function residentBytes({ pid }: Member): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
